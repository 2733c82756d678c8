"""Networks at their operating points: energies, times, layers that are slowed for nothing, and heat."""

import numpy as np
import pytest
from strategies.settings import IDEAL

import accelsim
from accelsim.load import load_hardware, load_workload
from accelsim.studies.dvfs import dvfs, find_operating_points


@pytest.mark.needs_jit
def test_a_network_at_its_points():
    hardware, network = load_hardware("edge_npu"), load_workload("ds_cnn_kws")
    found = dvfs(hardware, network)
    assert "derived" in found.derived
    assert [run.point.voltage_v for run in found.runs] == pytest.approx(np.arange(0.55, 0.901, 0.05))
    assert found.runs[-1].point.clock_mhz == hardware.clock_mhz
    for run in found.runs:
        assert sum(run.parts_pj.values()) == pytest.approx(run.total_pj, rel=1e-9)
        result = accelsim.simulate(hardware.at(run.point), network)
        assert result.summary["energy_uj"] == pytest.approx(run.total_pj * 1e-6, rel=1e-12)
        assert result.summary["latency_ms"] == pytest.approx(run.total_ns * 1e-6, rel=1e-12)
        power = result.summary["average_power_mw"] * result.summary["latency_ms"]
        assert power == pytest.approx(result.summary["energy_uj"], rel=1e-9)
    slow, fast = (run.total_ns * run.point.clock_mhz for run in (found.runs[0], found.runs[-1]))
    assert slow < fast  # fewer cycles of a slower clock: the DRAM keeps its own
    assert found.governors.choices[-1].active_ns <= min(run.total_ns for run in found.runs) * (1.01 + 1e-9)


def test_a_memory_bound_layer_is_slowed_for_nothing():
    hardware = load_hardware("edge_npu", [IDEAL, "dram.bandwidth_gb_s=0.5", "dram.latency_ns=0"])
    network = load_workload("ad_autoencoder")
    found = dvfs(hardware, network)
    assert len(found.slowed) > 3
    assert all(each.added <= 0.01 and each.saved_pj > 0 for each in found.slowed)
    top, per_layer = found.runs[-1], found.governors.choices[-1]
    assert per_layer.active_pj < top.total_pj
    assert per_layer.active_ns <= top.total_ns * (1.01 + 1e-9)


def test_stated_points_are_taken_as_they_are():
    stated = "operating_points=[{voltage_v: 0.65, clock_mhz: 240}, {voltage_v: 0.8, clock_mhz: 370}]"
    points, derived = find_operating_points(load_hardware("edge_npu", [stated]))
    assert derived == ""
    assert [str(point) for point in points.points] == ["0.65 V, 240 MHz", "0.8 V, 370 MHz"]


@pytest.mark.slow
def test_points_that_warm_too_far_are_left_out(command):
    hot = [IDEAL, "thermal.resistance_k_per_w=150", "thermal.ambient_k=320"]
    network = load_workload("ds_cnn_kws")
    free = dvfs(load_hardware("edge_npu", hot), network)
    assert free.too_hot == []
    warmest = accelsim.simulate(load_hardware("edge_npu", hot).at(free.runs[-1].point), network)
    limit = 320 + 0.97 * (warmest.summary["thermal"]["temperature_k"] - 320)
    held = dvfs(load_hardware("edge_npu", [*hot, f"thermal.limit_k={limit}"]), network)
    assert len(held.runs) < len(free.runs)
    assert all("throttles at" in why for why in held.too_hot)
    assert held.runs[-1].point == free.runs[len(held.runs) - 1].point
    options = [
        part
        for setting in (IDEAL, "thermal.resistance_k_per_w=9000", "thermal.ambient_k=320")
        for part in ("--set", setting)
    ]
    status, _, told = command("dvfs", "ad_autoencoder", *options)
    assert (status, told.count("\n")) == (2, 1)
    assert "none of them can go on" in told
