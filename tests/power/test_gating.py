"""Gating of idle intervals: policies against each other, break-even times, and a walk through every nanosecond."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import power as naive

from accelsim.power.gating import POLICIES, Block, Mode, find_idle_gaps, find_timeouts_ns, save_by_gating

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
