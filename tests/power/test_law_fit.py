"""Laws fitted to points of silicon: what went in comes out, and what points do not say is None."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive import power as naive
from strategies.silicon import SPREAD, alphas, drawn

from accelsim.hardware.laws import AlphaPower
from accelsim.power.law_fit import fit_clock, fit_power, sort_clocks
from accelsim.power.measured_points import MeasuredPoint


@pytest.mark.slow
@given(alphas, st.lists(st.floats(20, 5000), min_size=1, max_size=3), st.floats(0.05, 1), st.floats(0.5, 8))
def test_what_a_chip_obeys_is_found(law, capacitances, share, per_v):
    tasks = {f"t{i}": pf for i, pf in enumerate(capacitances)}
    static_w = share * min(capacitances) * 1e-6 * law.frequency_mhz(0.9) * 0.81
    points = drawn(law, tasks, static_w, per_v)
    found = fit_power(points)
    assert found.per_v == pytest.approx(per_v, rel=1e-3, abs=1e-3)
    assert found.static_mw == pytest.approx(1e3 * static_w, rel=1e-3)
    for task, pf in tasks.items():
        assert found.switched_pf[task] == pytest.approx(pf, rel=1e-3)
    clock = fit_clock([(volt, law.frequency_mhz(volt)) for volt in SPREAD]).law
    assert clock.threshold_v == pytest.approx(law.threshold_v, abs=1e-3)
    assert clock.alpha == pytest.approx(law.alpha, abs=5e-3)
    for volt in (0.55, 0.85):
        assert clock.frequency_mhz(volt) == pytest.approx(law.frequency_mhz(volt), rel=1e-4)


@pytest.mark.slow
@given(st.integers(0, 10**6))
def test_noise_moves_laws_little(seed):
    noise = np.random.default_rng(seed)
    law = AlphaPower(2000, 0.3, 1.4)
    points = drawn(law, {"a": 300, "b": 100}, 0.02, 3.0)
    points = [point._replace(watts=point.watts * (1 + 0.005 * noise.uniform(-1, 1))) for point in points]
    found = fit_power(points)
    assert found.static_mw == pytest.approx(20, rel=0.2)
    assert found.switched_pf["a"] == pytest.approx(300, rel=0.03)
    rounded = [(volt, round(law.frequency_mhz(volt))) for volt in SPREAD]
    for volt, mhz in rounded:
        assert fit_clock(rounded).law.frequency_mhz(volt) == pytest.approx(mhz, rel=5e-3)


@pytest.mark.slow
@given(alphas, st.floats(20, 500), st.floats(0.1, 1), st.floats(1, 6), st.integers(0, 99))
def test_the_search_is_no_worse_than_any_place(law, pf, share, per_v, seed):
    static_w = share * pf * 1e-6 * law.frequency_mhz(0.9) * 0.81
    noise = np.random.default_rng(seed)
    points = [
        p._replace(watts=p.watts * (1 + 0.02 * noise.uniform(-1, 1)))
        for p in drawn(law, {"a": pf, "b": 2 * pf}, static_w, per_v)
    ]
    found = fit_power(points)
    assume(found.per_v is not None)
    plain = [(p.task, p.volt, p.mhz, p.watts) for p in points]
    mine = math.sqrt(sum((found.predict(*p[:3]) / p[3] - 1) ** 2 for p in plain) / len(plain))
    for place in np.linspace(-2, 20, 45):
        misfit, values = naive.power_misfit(plain, float(place))
        if min(values) >= 0:
            assert mine <= misfit + 1e-9


def test_what_points_cannot_tell_is_none():
    law = AlphaPower(2000, 0.3, 1.4)
    alone = fit_power(drawn(law, {"a": 300}, 0.02, 3.0, voltages=(0.8,), clocks=(1.0,)))
    assert alone.switched_pf == {"a": None}
    assert alone.static_mw is None
    one_voltage = fit_power(drawn(law, {"a": 300}, 0.02, 3.0, voltages=(0.8,)))
    assert one_voltage.switched_pf["a"] == pytest.approx(300)
    assert one_voltage.static_mw == pytest.approx(20)
    assert one_voltage.per_v is None
    assert fit_power(drawn(law, {"a": 300}, 0.0, 3.0)).per_v is None  # nothing leaks, so nothing follows the voltage
    assert fit_clock([(0.6, 300.0), (0.8, 500.0)]).law is None
    assert fit_clock([(0.6, 300.0), (0.8, 500.0)]).alpha_range is None


numbers = st.floats(0.01, 5).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(st.sampled_from("ab"), numbers, st.floats(1, 3000), numbers), min_size=1, max_size=9))
def test_any_points_are_fitted_without_complaint(rows):
    points = [MeasuredPoint(i, *row) for i, row in enumerate(rows)]
    found = fit_power(points)
    assert all(pf is None or pf >= 0 for pf in found.switched_pf.values())
    assert all(math.isfinite(found.predict(*row[:3])) for row in rows)
    clocks = sort_clocks(points)
    law = fit_clock(clocks.used, clocks.floor).law
    assert law is None or all(math.isfinite(law.frequency_mhz(volt)) for volt, _ in clocks.used)
