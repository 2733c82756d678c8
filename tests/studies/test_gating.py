"""Gating of a network on a machine: policies, periods, unused rows and columns, stated blocks."""

import pytest
from strategies.settings import IDEAL

import accelsim
from accelsim.load import load_hardware, load_workload
from accelsim.power.gating import POLICIES
from accelsim.studies.gating import gating


def run(*settings, workload="ds_cnn_kws", period_ms=None):
    return gating(load_hardware("edge_npu", [IDEAL, *settings]), load_workload(workload), period_ms)


def test_policies_on_a_network():
    found = run()
    result = accelsim.simulate(load_hardware("edge_npu", [IDEAL]), load_workload("ds_cnn_kws"))
    assert found.energy_pj("clock") == pytest.approx(result.summary["energy_uj"] * 1e6, rel=1e-12)
    energies = [found.energy_pj(policy) for policy in POLICIES]
    assert energies[0] > energies[1] > energies[3]
    assert energies[3] <= energies[2]
    static = result.summary["energy_pj_by_component"]
    leaks = {unit.name: unit.leakage_mw for unit in found.units}
    assert (leaks["engine"] + leaks["vector"]) * found.active_ns == pytest.approx(static["leakage_logic"])
    srams = sum(leaks[f"sram_{name}"] for name in ("ifmap", "weight", "ofmap"))
    assert srams * found.active_ns == pytest.approx(static["leakage_sram"])
    for unit in found.units:
        assert unit.savings["oracle"].energy_pj <= unit.leakage_mw * unit.idle_ns * (1 + 1e-9)
        assert 0 <= unit.idle_ns <= found.period_ns * (1 + 1e-9)


def test_a_longer_period_adds_its_idling():
    short = run()
    longer = run(period_ms=3 * short.active_ns * 1e-6)
    static = sum(unit.leakage_mw for unit in longer.units)
    assert longer.base_pj - short.base_pj == pytest.approx(static * 2 * short.active_ns, rel=1e-6)
    for before, after in zip(short.units, longer.units, strict=True):
        assert after.idle_ns - before.idle_ns == pytest.approx(2 * short.active_ns, rel=1e-3)
        assert after.savings["oracle"].energy_pj > before.savings["oracle"].energy_pj


def test_spatial_gating_saves_what_unused_rows_and_columns_leak():
    """A product of K = 40 and N = 24 uses 40 x 24 of 128 x 128 PEs; switches and residues set to nothing."""
    text = [
        "engine.rows=128",
        "engine.cols=128",
        "gating.engine.overhead_pj=0",
        "gating.engine.residual_share=0",
        "gating.engine.wake_ns=0",
        "engine.overlap_folds=false",
        "sram.ofmap.banks=32",
    ]
    layer = "workload.layers=[{name: fc, type: matmul, m: 5000, k: 40, n: 24, weights: true}]"
    hardware = load_hardware("edge_npu", [IDEAL, *text])
    found = gating(hardware, load_workload("ad_autoencoder", [layer]))
    unit = found.units[0]
    unused = 1 - 40 * 24 / 128**2
    busy = found.result.timeline.engine
    working = float((busy[:, 1] - busy[:, 0]).sum()) / found.result.summary["total_cycles"]
    share = unused + (1 - unused) * (1 - working)
    assert unit.idle_ns / found.period_ns == pytest.approx(share, rel=1e-9)
    assert unit.savings["oracle"].energy_pj == pytest.approx(unit.leakage_mw * found.period_ns * share, rel=1e-9)


def test_what_a_file_states_of_a_block_goes_before():
    stated = run("gating.vector.break_even_ns=1000", "gating.vector.wake_ns=3", "gating.vector.residual_share=0.5")
    (mode,) = next(unit for unit in stated.units if unit.name == "vector").blocks[0].modes
    block = next(unit for unit in stated.units if unit.name == "vector").blocks[0]
    assert (mode.break_even_ns(block), mode.wake_ns, mode.residual_share) == (pytest.approx(1000), 3, 0.5)
    fixed = run("gating.engine.gated=false")
    assert all(not block.modes for block in fixed.units[0].blocks)
    assert fixed.units[0].savings["oracle"].energy_pj == 0
    never = run("gating.engine.break_even_ns=1e12")
    assert never.units[0].savings["oracle"].intervals == 0
    slow = run("gating.timeout_ns=1e12")
    assert all(unit.savings["idle-detect"].intervals == 0 for unit in slow.units)


@pytest.mark.parametrize("hardware", ["mcu_npu", "stripes", "edge_sparse_npu", "tpu_v1"])
@pytest.mark.needs_jit
def test_every_kind_of_machine_is_gated(hardware):
    found = gating(load_hardware(hardware), load_workload("resnet8"), dram="ideal")
    assert found.energy_pj("oracle") < found.energy_pj("clock") < found.energy_pj("none")
    assert found.energy_pj("oracle") > 0
