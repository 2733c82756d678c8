"""Schedules of operating points: the best of all, and near their bound where there are too many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import power as naive
from strategies.sizes import examples

from accelsim.power.operating_point_search import Choices, find_front, find_lower_bound_pj, sum_schedule


@st.composite
def choices(draw, most_layers=5, most_points=3):
    layers, points = draw(st.integers(1, most_layers)), draw(st.integers(1, most_points))

    def matrix(rows, low):
        row = st.lists(st.floats(low, 20), min_size=points, max_size=points)
        return np.array(draw(st.lists(row, min_size=rows, max_size=rows)))

    apart = 1 - np.eye(points)
    return Choices(matrix(layers, 0.5), matrix(layers, 0.5), matrix(points, 0) * apart, matrix(points, 0) * apart)


@given(choices(), st.floats(0.5, 120))
def test_a_schedule_is_the_best_of_all(found, within):
    want = naive.best_schedule(*(array.tolist() for array in found), within)
    front = find_front(found, within)
    assert front.exact
    if want is None:
        assert front.time_ns.size == 0
        return
    best = int(front.energy_pj.argmin())
    assert front.energy_pj[best] == pytest.approx(want)
    energy, time = sum_schedule(found, front.points[best].tolist())
    assert (energy, time) == (pytest.approx(front.energy_pj[best]), pytest.approx(front.time_ns[best]))
    assert time <= within * (1 + 1e-9)
    assert find_lower_bound_pj(found, within) <= want * (1 + 1e-9)
    assert (np.diff(front.time_ns) > 0).all()
    assert (np.diff(front.energy_pj) < 0).all()


@examples(12, unjitted=2)
@given(st.integers(0, 999), st.booleans(), st.floats(1.0, 1.9))
def test_a_long_schedule_is_near_its_bound(seed, changes, slack):
    draw = np.random.default_rng(seed)
    layers, points = 120, 8
    volts = np.linspace(0.55, 0.9, points)
    speed = (volts - 0.35) ** 1.3 / volts
    speed /= speed[-1]
    work = draw.exponential(1e5, layers)
    time = np.where((draw.random(layers) < 0.4)[:, None], work[:, None] * np.ones(points), work[:, None] / speed)
    energy = work[:, None] * (volts / 0.9) ** 2 * 100 + 20 * time
    apart = (1 - np.eye(points)) * changes
    found = Choices(time, energy, 1e3 * apart, 1e3 * apart)
    within = time[:, -1].sum() * slack
    front = find_front(found, within)
    assert front.energy_pj.min() <= 1.001 * find_lower_bound_pj(found, within)
