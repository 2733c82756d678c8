"""Networks on a device that sleeps: what runs and leakage make of it."""

import pytest
from strategies.settings import IDEAL

import accelsim
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.load import load_hardware, load_workload
from accelsim.power.dutycycle import (
    Battery,
)
from accelsim.studies.dutycycle import PERIODS_S, DeviceUse, find_detector_mw, find_rest


def test_runs_and_leakage_make_a_device():
    hardware, network = load_hardware("edge_npu", [IDEAL]), load_workload("ds_cnn_kws")
    found = accelsim.dutycycle(hardware, network, {"period_s": 1.0, "battery_mah": 500})
    assert found.battery == Battery(500, 3.7, 0.8, 0.02)
    assert found.battery_days == found.battery.days(found.average_mw) == found.battery.days(found.cycle.average_mw)
    summary = accelsim.simulate(hardware, network).summary
    assert found.work.seconds == pytest.approx(summary["latency_ms"] * 1e-3)
    assert found.work.mj == pytest.approx(summary["energy_uj"] * 1e-3)
    table = price_hardware(hardware, load_technology("cmos45"))
    assert found.rest.idle_mw == pytest.approx(table.leakage_logic_mw + table.leakage_sram_mw + table.dram_standby_mw)
    assert found.rest.sleep_mw < 0.2 * found.rest.idle_mw
    assert len(found.notes) == 3
    stated, notes = find_rest(hardware, DeviceUse(sleep_mw=0.5, wake_ms=2.0, wake_uj=7.0))
    assert stated[1:] == (0.5, 0.002, 0.007)
    assert notes == []
    powers = [cycle.average_mw for cycle in found.others]
    assert powers == sorted(powers, reverse=True)
    alone = find_detector_mw(hardware, network, 1.0)
    assert alone == pytest.approx(found.rest.idle_mw * (1 - found.work.seconds) + found.work.mj)


def test_periods_that_are_too_short_are_left_out_and_told():
    hardware, network = load_hardware("edge_npu", [IDEAL, "clock_mhz=0.05"]), load_workload("ad_autoencoder")
    found = accelsim.dutycycle(hardware, network, {"period_s": 60})
    assert found.work.worst_seconds > 0.1
    assert [cycle.period_s for cycle in found.others] == [p for p in PERIODS_S if p >= found.work.worst_seconds]
    assert any(note.startswith("other periods are left out below") for note in found.notes)
