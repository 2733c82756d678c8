"""The command dvfs-fit: what it prints and writes, and mistakes of one line."""

import json

from strategies.silicon import GAP9


def test_the_command_prints_writes_and_refuses(command, tmp_path):
    status, shown, _ = command("dvfs-fit", GAP9)
    assert status == 0
    assert "P0" in shown
    assert "- {voltage_v: 0.65, clock_mhz: 240}" in shown
    status, shown, _ = command("dvfs-fit", GAP9, "--json", "--out", tmp_path / "points.yaml")
    assert json.loads(shown)["operating_points"][1] == {"voltage_v": 0.8, "clock_mhz": 370.0}
    assert (tmp_path / "points.yaml").read_text().startswith("operating_points:  # dvfs_gap9_measured.csv")
    status, _, told = command("dvfs-fit", tmp_path / "none.csv", "--out", tmp_path / "other.yaml")
    assert (status, told.count("\n")) == (2, 1)
    assert not (tmp_path / "other.yaml").exists()
    assert command("dvfs-fit", GAP9, "--out", tmp_path / "points.json")[0] == 2
