"""The command dutycycle: what it prints and writes, and mistakes of one line."""

import json

import pytest
from strategies.settings import IDEAL


def test_the_command_tells_writes_and_refuses(command, tmp_path):
    base = ("dutycycle", "ad_autoencoder", "--set", IDEAL)
    status, shown, _ = command(*base, "--battery-mah", 500)
    assert status == 0
    assert "battery life" in shown
    record = json.loads(command(*base, "--then", "ds_cnn_kws", "--answers", 0.75, "--json")[1])
    assert [stage["reached"] for stage in record["stages"]] == [1.0, 0.25]
    parts = record["cycle"]["energy_uj_by_part"]
    assert sum(parts.values()) == pytest.approx(record["cycle"]["energy_uj"], rel=1e-9)
    power = record["cycle"]["average_power_mw"] * record["cycle"]["period_s"] * 1e3
    assert power == pytest.approx(record["cycle"]["energy_uj"], rel=1e-9)
    woken = json.loads(command(*base, "--detector-mw", 0.3, "--out", tmp_path / "d", "--json")[1])
    assert woken["wakes_per_hour"] == pytest.approx(10.5)
    assert json.loads((tmp_path / "d" / "dutycycle.json").read_text())["missed_events"] == pytest.approx(0.05)
    assert woken["detector"] == {"power_mw": 0.3, "events_per_hour": 10, "hit": 0.95, "false_alarms_per_hour": 1}
    for options, told in (
        (("--hit", 1.5), "--hit: should be a probability from 0 to 1, got 1.5"),
        (("--then", "resnet8"), "one --answers P for each --then"),
        (("--then", "resnet8", "--answers", 2), "--answers: should be a probability from 0 to 1, got 2"),
        (("--period-s", 1e-6), "--period-s: should be at least"),
        (("--sleep-mw", -1), "--sleep-mw: should be 0 or a number above it, got -1"),
        (("--battery-mah", 0), "--battery-mah: should be a number above 0, got 0"),
        (("--detector", "resnet8", "--detector-mw", 1), "leave --detector-mw out"),
        (("--hit", 0.5), "--hit 0.5: needs --detector WORKLOAD or --detector-mw P"),
        (("--detector-mw", 1, "--detector-hw", "edge_npu"), "--detector-hw edge_npu: needs --detector WORKLOAD"),
        (("--battery-v", 5), "--battery-v 5.0: needs --battery-mah MAH"),
        (("--detector-mw", 1, "--period-s", 7), "--period-s 7: with a detector events start inferences"),
        (("--detector", "ad_autoencoder", "--detector-period-s", 1e-6), "--detector-period-s: should be at least"),
        (("--detector-mw", 1, "--events-per-hour", 1e9), "wake-ups an hour are too many"),
    ):
        status, shown, error = command(*base, *options, "--out", tmp_path / "none")
        assert (status, shown, error.count("\n")) == (2, "", 1)
        assert told in error
        assert not (tmp_path / "none").exists()


def test_what_a_run_warns_of_is_told(command):
    hot = ("thermal.resistance_k_per_w=300", "thermal.ambient_k=320", "dram.capacity_mib=0.01", IDEAL)
    settings = [part for each in hot for part in ("--set", each)]
    one = json.loads(command("dutycycle", "ad_autoencoder", *settings, "--json")[1])["notes"]
    assert one[0].startswith("OUT OF MEMORY")
    assert any("the die settles at" in note for note in one)
    assert "between inferences leakage is that of technology.temperature_k" in one[-1]
    both = ("dutycycle", "ad_autoencoder", *settings, "--then", "ds_cnn_kws", "--answers", 0.5, "--json")
    assert json.loads(command(*both)[1])["notes"][0].startswith("ad_autoencoder: OUT OF MEMORY")


@pytest.mark.needs_jit
def test_a_small_network_wakes_a_large_one(command):
    status, shown, _ = command("dutycycle", "resnet8", "--detector", "ad_autoencoder", "--dram", "ideal")
    assert status == 0
    assert "detector, all the time" in shown
    assert "detector: ad_autoencoder on mcu_npu every 1 s" in shown
