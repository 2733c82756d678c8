"""Real chips: the fitted laws meet their points."""

import csv

import pytest
from strategies.silicon import GAP9, RK3588

from accelsim.studies.dvfs_fit import dvfs_fit


@pytest.mark.slow
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
