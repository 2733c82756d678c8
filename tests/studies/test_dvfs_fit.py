"""Laws fitted to points of silicon: what went in comes out, what cannot be told is not, and real chips are met."""

import csv
import json
import math
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive import power as naive

from accelsim.config import UserError
from accelsim.hardware.laws import AlphaPower, Leakage
from accelsim.power.law_fit import fit_clock, fit_power, sort_clocks
from accelsim.power.measured_points import MeasuredPoint, read_measured_points
from accelsim.studies.dvfs_fit import dvfs_fit

ANCHORS = Path(str(resources.files("accelsim") / "anchors"))
GAP9, RK3588 = ANCHORS / "dvfs_gap9_measured.csv", ANCHORS / "rk3588_npu_opp.csv"
SPREAD = (0.5, 0.6, 0.7, 0.8, 0.9)

alphas = st.builds(AlphaPower, st.floats(200, 4000), st.floats(0.15, 0.42), st.floats(1.0, 2.0))


def drawn(law, tasks, static_w, per_v, voltages=SPREAD, clocks=(0.5, 1.0)):
    """Points of a chip that obeys the laws: each task at shares of the highest clock."""
    leak = Leakage(max(voltages), per_v)
    points = []
    for task, pf in tasks.items():
        for volt in voltages:
            for share in clocks:
                mhz = share * law.frequency_mhz(volt)
                watts = pf * 1e-6 * volt**2 * mhz + static_w * leak.times(volt)
                points.append(MeasuredPoint(len(points) + 2, task, volt, mhz, watts))
    return points


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


def test_gap9_is_met():
    silicon = dvfs_fit(GAP9)
    record = silicon.as_record()
    assert record["mean_abs_error_percent"] < 0.5
    assert record["max_abs_error_percent"] < 0.6
    assert record["leave_one_out_max_abs_error_percent"] < 2
    parameters = record["parameters"]
    assert parameters["alpha"] is parameters["k_mhz"] is parameters["threshold_v"] is parameters["static_per_v"] is None
    assert silicon.operating_points == [(0.65, 240), (0.8, 370)]
    assert dvfs_fit(str(GAP9)).table["fitted_watts"].tolist() == [point["fitted_watts"] for point in record["points"]]


@pytest.mark.parametrize("column", range(6))
def test_rk3588_is_met_off_its_plateau(column, tmp_path):
    with RK3588.open(newline="") as file:
        rows = [(row[f"V_L{column}"], row["f_MHz"]) for row in csv.DictReader(file)]
    path = tmp_path / "rk3588.csv"
    path.write_text("volt,mhz\n" + "".join(f"{volt},{mhz}\n" for volt, mhz in rows))
    silicon = dvfs_fit(path)
    assert silicon.as_record()["max_abs_error_percent"] < 1
    volt, mhz = silicon.clocks.floor
    assert silicon.clock.law.frequency_mhz(volt) >= mhz * 0.99
    places = [point["clock"] for point in silicon.as_record()["points"]]
    assert places.count("plateau") == 1
    assert places.count("limit") + places.count("plateau") + places.count("slower") == 8


@given(alphas, st.floats(1.01, 3))
def test_a_clock_has_its_voltage(law, times):
    volt = law.threshold_v * times
    assert law.voltage_v(law.frequency_mhz(volt)) == pytest.approx(volt, rel=1e-6)
    assert law.frequency_mhz(law.threshold_v) == law.frequency_mhz(0.01) == 0


def test_a_clock_that_no_voltage_reaches_is_refused():
    slow = AlphaPower(1000, 0.4, 0.5)
    top = max(slow.frequency_mhz(volt) for volt in np.linspace(0.4, 3, 2000))
    assert slow.voltage_v(0.99 * top) < 0.8
    with pytest.raises(ValueError, match="no voltage reaches it"):
        slow.voltage_v(1.01 * top)


def test_leakage_is_what_it_was_at_the_reference():
    assert Leakage(0.9, 3.0).times(0.9) == 1
    assert Leakage(0.9, 0.0).times(0.45) == 0.5
    assert Leakage(0.9, 3.0).times(0.8) == pytest.approx(0.8 / 0.9 * math.exp(-0.3))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("volt,mhz\n", "holds no points"),
        ("volts,mhz\n1,2\n", ":1: missing column 'volt'; did you mean 'volts'?"),
        ("volt,mhz,microjoules\n1,2,3\n", ":1: missing column 'inferences_per_s' beside 'microjoules'"),
        ("volt,mhz,volt\n1,2,3\n", ":1: column 'volt' stands twice"),
        ("volt,mhz\n0.8,fast\n", ":2: mhz: should be a number, got 'fast'"),
        ("volt,mhz\n0.8,100\n0,300\n", ":3: volt: should be a number above 0, got '0'"),
        ("volt,mhz\n0.8,nan\n", ":2: mhz: should be a number above 0, got 'nan'"),
        ("volt,mhz\n800,100\n", ":2: volt: should be at most 5 (volts, not millivolts), got '800'"),
        ("volt,mhz,watts\n0.8,100,-1\n", ":2: watts: should be a number above 0"),
        ("volt,mhz,watts\n0.8,100\n", ":2: watts: should be a number, got ''"),
        ("volt,mhz\n0.8,100,7\n", ":2: more values than columns"),
        ("\xff\xfe", "no CSV text"),
    ],
)
def test_what_is_no_point_is_told(text, told, tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as error:
        read_measured_points(path)
    assert told in str(error.value)
    assert str(error.value).startswith(f"{path}:")


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
