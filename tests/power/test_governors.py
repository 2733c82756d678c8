"""Governors: what must hold between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import UserError
from accelsim.hardware import OperatingPoint
from accelsim.power.governors import Period, PointRun, govern

positive = st.floats(0.5, 20)


@st.composite
def chips(draw):
    """Runs at points of ascending voltage, slower and leakier as physics has it, or any way at all."""
    layers, points = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    volts = sorted(draw(st.lists(st.floats(0.4, 1.2), min_size=points, max_size=points, unique=True)))
    runs = []
    for number, volt in enumerate(volts):
        time, energy = (tuple(draw(st.lists(positive, min_size=layers, max_size=layers))) for _ in range(2))
        point = OperatingPoint(voltage_v=volt, clock_mhz=100.0 * (number + 1))
        runs.append(PointRun(point, time, energy, {}, draw(positive)))
    return runs


@given(chips(), st.floats(0.3, 3), st.floats(0, 5), st.booleans())
def test_no_governor_beats_the_schedule_of_each_layer(runs, slack, idle, changes):
    period = Period(slack * min(run.total_ns for run in runs), idle, 0.3 * changes, 0.5 * changes)
    try:
        found = govern(runs, period)
    except UserError as error:
        assert "the fastest possible is" in str(error)  # noqa: PT017
        assert all(run.total_ns > period.deadline_ns for run in runs)
        return
    chosen = {choice.name: choice for choice in found.choices}
    per_layer = chosen["per layer"]
    assert per_layer.active_ns <= period.deadline_ns * (1 + 1e-9)
    assert found.bound_pj <= per_layer.total_pj * (1 + 1e-9)
    for name in ("slowest", "least energy"):
        if name in chosen:
            assert chosen[name].active_ns <= period.deadline_ns * (1 + 1e-9)
            assert per_layer.total_pj <= chosen[name].total_pj * (1 + 1e-9)
    if "least energy" in chosen:
        assert chosen["least energy"].total_pj <= chosen["slowest"].total_pj
    for choice in found.choices:
        assert choice.total_pj == pytest.approx(choice.active_pj + choice.idle_pj)


def test_racing_pays_where_idling_is_cheap():
    """Half the clock at 0.8 of the energy never loses; at 1.2 of it, until idling costs as much."""
    slow, fast = OperatingPoint(voltage_v=0.6, clock_mhz=100), OperatingPoint(voltage_v=0.9, clock_mhz=200)
    for idle in (0.5, 0.0):
        runs = [PointRun(slow, (10.0,), (80.0,), {}, 1.0), PointRun(fast, (5.0,), (100.0,), {}, 2.0)]
        found = {choice.name: choice for choice in govern(runs, Period(10.0, idle, 0, 0)).choices}
        assert found["slowest"].total_pj < found["race-to-idle"].total_pj
    for idle in (0.5, 3.9, 4.1, 8.0):
        runs = [PointRun(slow, (10.0,), (120.0,), {}, 1.0), PointRun(fast, (5.0,), (100.0,), {}, 2.0)]
        found = {choice.name: choice for choice in govern(runs, Period(10.0, idle, 0, 0)).choices}
        assert (found["race-to-idle"].total_pj < found["slowest"].total_pj) == (idle < 4)
        least = min(found["race-to-idle"].total_pj, found["slowest"].total_pj)
        assert found["least energy"].total_pj == pytest.approx(least)
