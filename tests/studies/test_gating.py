"""Gating: idle intervals against break-even times, policies against each other and a walk through every nanosecond."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import power as naive

import accelsim
from accelsim.config import UserError
from accelsim.energy.sram_banks import bank_switch
from accelsim.load import load_hardware, load_workload
from accelsim.power.gating import POLICIES, Block, Mode, find_idle_gaps, find_timeouts_ns, save_by_gating
from accelsim.studies.gating import gating

IDEAL = "dram.fidelity=ideal"
powers = st.floats(0.01, 50)


@st.composite
def blocks(draw, whole=False):
    """A block with up to two modes, the deeper one leaving less power, and idle intervals of any length."""
    number = st.integers(1, 300).map(float) if whole else st.floats(0.1, 1e4)
    lengths = draw(st.lists(number, min_size=1, max_size=8))
    begins = np.cumsum([0, *lengths[:-1]]) + np.arange(len(lengths))
    idle = np.stack((begins, begins + lengths), axis=1)
    left = sorted(draw(st.lists(st.floats(0, 0.95), min_size=1, max_size=2)), reverse=True)
    modes = tuple(Mode(f"m{i}", share, draw(st.floats(0, 60)), draw(st.floats(0, 500))) for i, share in enumerate(left))
    return Block("unit", draw(powers), draw(powers), idle, modes)


@given(blocks(), st.none() | st.floats(0, 500), st.floats(0, 50))
def test_who_knows_more_saves_more(block, timeout, awake):
    found = {policy: save_by_gating([block], policy, timeout, awake) for policy in POLICIES}
    assert found["none"].energy_pj == pytest.approx(-block.clock_mw * block.idle_ns.sum())
    assert found["clock"].energy_pj == 0
    assert found["oracle"].energy_pj >= max(found["idle-detect"].energy_pj, 0)
    assert found["oracle"].added_ns == 0


@given(blocks(), st.none() | st.floats(0, 500))
def test_idle_detection_costs_no_more_than_its_overheads(block, timeout):
    found = save_by_gating([block], "idle-detect", timeout)
    overheads = sum(mode.overhead_pj for mode in block.modes)
    assert found.energy_pj >= -overheads * found.intervals - 1e-6
    shortest = min(mode.break_even_ns(block) for mode in block.modes)
    assert found.intervals <= int((block.idle_ns >= shortest).sum())
    for mode, entered in zip(block.modes, find_timeouts_ns(block, timeout), strict=True):
        assert entered >= mode.break_even_ns(block)
        assert entered >= mode.wake_ns
    if len(block.modes) == 1 and timeout is None and block.modes[0].wake_ns == 0:  # twice the least, as for ski rental
        mode, lengths = block.modes[0], block.idle_ns
        on = block.leakage_mw * lengths
        off = np.where(lengths >= mode.break_even_ns(block), mode.overhead_pj + on * mode.residual_share, on)
        spent = on.sum() - found.energy_pj
        assert spent <= 2 * np.minimum(on, off).sum() + 1e-6


@given(blocks(whole=True))
def test_idle_detection_is_what_a_walk_finds(block):
    block = block._replace(modes=tuple(mode._replace(wake_ns=0.0) for mode in block.modes))
    timeout = float(math.ceil(max([mode.break_even_ns(block) for mode in block.modes])))
    if timeout > 400:
        return
    entered = find_timeouts_ns(block, timeout)
    deepest = block.modes[-1]  # all are entered at once: the deepest is what is left
    modes = [(deepest.residual_share, sum(mode.overhead_pj for mode in block.modes), int(entered[-1]))]
    want = sum(
        naive.idle_detect_pj(int(length), block.leakage_mw, modes) for length in block.idle_ns if length > timeout
    )
    assert save_by_gating([block], "idle-detect", timeout).energy_pj == pytest.approx(want, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8), st.integers(0, 100))
def test_gaps_are_what_is_not_busy(steps, rest):
    busy, now = [], 0
    for wait, work in steps:
        busy.append((now + wait, now + wait + work))
        now += wait + work
    until = now + rest
    found = find_idle_gaps(np.array(busy, float).reshape(-1, 2), float(until))
    assert (found[:, 1] > found[:, 0]).all()
    assert (found[:, 1] - found[:, 0]).sum() == pytest.approx(until - sum(work for _, work in steps))


def test_blocks_that_wake_together_are_waited_for_once():
    idle = np.array([[0.0, 1000.0], [2000.0, 3000.0]])
    mode = Mode("off", 0.0, 20.0, 10.0)
    one = Block("unit", 1.0, 0.0, idle, (mode,))
    later = one._replace(idle=idle[1:] + 5)
    alone, both = save_by_gating([one], "idle-detect"), save_by_gating([one, one], "idle-detect")
    assert alone.added_ns == both.added_ns == 40
    assert both.energy_pj == pytest.approx(2 * alone.energy_pj)
    assert save_by_gating([one, later], "idle-detect").added_ns == 60
    assert save_by_gating([one], "idle-detect", awake_mw=2.0).energy_pj == pytest.approx(alone.energy_pj - 80)


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


def test_switches_grow_with_the_bank():
    sizes = [2**power for power in range(10, 26)]
    energies = [bank_switch("sram_cacti7.csv", size).energy_pj for size in sizes]
    assert energies == sorted(energies)
    assert bank_switch("sram_cacti7.csv", 32768).energy_pj == pytest.approx(48.6344)


@pytest.mark.parametrize("hardware", ["mcu_npu", "stripes", "edge_sparse_npu", "tpu_v1"])
@pytest.mark.needs_jit
def test_every_kind_of_machine_is_gated(hardware):
    found = gating(load_hardware(hardware), load_workload("resnet8"), dram="ideal")
    assert found.energy_pj("oracle") < found.energy_pj("clock") < found.energy_pj("none")
    assert found.energy_pj("oracle") > 0


def test_the_command_tells_draws_and_refuses(command, tmp_path):
    base = ("gating", "ad_autoencoder", "--set", IDEAL)
    status, shown, _ = command(*base, "--out", tmp_path / "g")
    assert status == 0
    assert "idle-detect" in shown
    assert (tmp_path / "g" / "gating.svg").read_text().count("<svg") == 1
    record = json.loads(command(*base, "--json", "--period-ms", 5)[1])
    energies = {each["policy"]: each["energy_uj"] for each in record["policies"]}
    assert energies["oracle"] <= energies["idle-detect"] <= energies["clock"] <= energies["none"]
    assert record["policies"][1]["average_power_mw"] * 5 == pytest.approx(energies["clock"], rel=1e-9)
    status, _, told = command(*base, "--period-ms", 0.001, "--out", tmp_path / "none")
    assert (status, told.count("\n")) == (2, 1)
    assert "--period-ms: should be at least an inference's" in told
    assert not (tmp_path / "none").exists()
    for setting in ("gating.engine.residual_share=1.5", "gating.dram.wake_ns=1", "gating.timeout_ns=-1"):
        assert command(*base, "--set", setting)[0] == 2
    with pytest.raises(UserError, match="residual_share: should be less than or equal to 1"):
        load_hardware("edge_npu", ["gating.engine.residual_share=1.5"])
