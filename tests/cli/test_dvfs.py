"""The command dvfs: what it prints and writes, and mistakes of one line."""

import csv
import json

from strategies.settings import IDEAL


def test_the_command_tells_writes_and_refuses(command, tmp_path):
    out = tmp_path / "dv"
    base = ("dvfs", "ad_autoencoder", "--set", IDEAL)
    status, shown, _ = command(*base, "--deadline-ms", 1, "--out", out)
    assert status == 0
    assert "race-to-idle" in shown
    assert (out / "dvfs.svg").read_text().count("<svg") == 1
    with (out / "points.csv").open(newline="") as file:
        points = list(csv.DictReader(file))
    assert len(points) == 8
    with (out / "schedule.csv").open(newline="") as file:
        schedule = list(csv.DictReader(file))
    record = json.loads(command(*base, "--deadline-ms", 1, "--json")[1])
    assert [float(row["energy_uj"]) for row in schedule] == [row["energy_uj"] for row in record["schedule"]]
    governors = {each["governor"]: each for each in record["governors"]}
    assert governors["per layer"]["total_uj"] <= governors["least energy"]["total_uj"] * (1 + 1e-9)
    assert record["bound_uj"] <= governors["per layer"]["total_uj"] * (1 + 1e-9)
    for options, told in (
        (("--deadline-ms", "0.0001"), "cannot be met; the fastest possible is"),
        (("--deadline-ms", "0"), "--deadline-ms: should be a number above 0, got 0"),
        (("--idle-mw", "-1"), "--idle-mw: should be 0 or a number above it, got -1"),
        (("--deadline-ms", "nan"), "--deadline-ms: should be a number above 0, got nan"),
    ):
        status, shown, error = command(*base, *options, "--out", tmp_path / "none")
        assert (status, shown, error.count("\n")) == (2, "", 1)
        assert told in error
        assert not (tmp_path / "none").exists()
