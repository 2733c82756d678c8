"""Operating points and governors: schedules against all of them, and what must hold between governors."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import power as naive
from strategies.sizes import examples

import accelsim
from accelsim.config import UserError
from accelsim.energy.prices import COMPONENTS
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import energy_table
from accelsim.hardware import OperatingPoint
from accelsim.load import load_hardware, load_workload
from accelsim.power.governors import Period, PointRun, govern
from accelsim.power.operating_point_search import Choices, find_front, find_lower_bound_pj, sum_schedule
from accelsim.studies.dvfs import dvfs, find_operating_points

IDEAL = "dram.fidelity=ideal"
positive = st.floats(0.5, 20)


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


VOLTAGES = {
    **dict.fromkeys(("mac", "registers", "vector"), "logic"),
    **dict.fromkeys(("sram_ifmap", "sram_weight", "sram_ofmap"), "sram"),
}


@pytest.mark.parametrize("setting", ["technology.voltage_v=0.6", "technology.sram_voltage_v=0.9"])
def test_a_voltage_moves_what_it_feeds_and_nothing_else(setting):
    network = load_workload("ds_cnn_kws")
    plain, fed = (
        accelsim.simulate(load_hardware("edge_npu", [IDEAL, *more]), network).summary for more in ([], [setting])
    )
    volts = float(setting.partition("=")[2])
    own = {"logic": 0.9, "sram": 0.7}  # the operations' table, and CACTI 7's 45 nm low-operating-power cells
    fed_sram = {"sram": volts} if "sram_voltage" in setting else {"sram": volts, "logic": volts}
    for name in COMPONENTS:
        before, after = plain["energy_pj_by_component"][name], fed["energy_pj_by_component"][name]
        supply = VOLTAGES.get(name)
        if name.startswith("leakage"):
            supply = name.partition("_")[2]
            times = fed_sram.get(supply, own[supply]) / own[supply]
            expected = times * np.exp(3 * (fed_sram.get(supply, own[supply]) - own[supply]))
        else:
            expected = (fed_sram.get(supply, own[supply]) / own[supply]) ** 2 if supply else 1
        assert after == pytest.approx(before * expected, rel=1e-12), name
    assert any("voltage" in constant["name"] for constant in fed["sources"])


def test_a_machine_at_its_reference_voltages_is_the_machine():
    technology = load_technology("cmos45")
    plain = energy_table(load_hardware("edge_npu"), technology)
    stated = ["technology.voltage_v=0.9", "technology.sram_voltage_v=0.7"]
    same = energy_table(load_hardware("edge_npu", stated), technology)
    assert replace(same, constants=()) == replace(plain, constants=())


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("[{voltage_v: 0.8, clock_mhz: 400}, {voltage_v: 0.7, clock_mhz: 500}]", "voltage_v: should ascend"),
        ("[{voltage_v: 0.7, clock_mhz: 400}, {voltage_v: 0.7, clock_mhz: 400}]", "voltage_v: should ascend"),
        ("[{voltage_v: 0.7, clock_mhz: 400}, {voltage_v: 0.8, clock_mhz: 400}]", "clock_mhz: should ascend"),
        ("[{voltage_v: 0.7, clock_mhz: 0}]", "clock_mhz: should be greater than 0, got 0"),
        ("[{voltage_v: 7, clock_mhz: 10}]", "voltage_v: should be less than or equal to 2, got 7"),
        ("[]", "should have 1 or more items"),
        (
            "{points: [{voltage_v: 0.3, clock_mhz: 9}], law: {k_mhz: 1000, threshold_v: 0.3, alpha: 1}}",
            "should be above the threshold of 0.3 V, got 0.3",
        ),
        (
            "{points: [{voltage_v: 0.6, clock_mhz: 999}], law: {k_mhz: 1000, threshold_v: 0.3, alpha: 1}}",
            "at 0.6 V the law reaches 500 MHz, got 999",
        ),
        ("{points: [{voltage_v: 0.6, clock_mhz: 9}], transition_us: -1}", "transition_us: should be greater than or"),
    ],
)
def test_points_that_cannot_be_are_told(setting, told):
    with pytest.raises(UserError, match="operating_points") as error:
        load_hardware("edge_npu", [f"operating_points={setting}"])
    assert told in str(error.value)


def test_a_voltage_below_the_threshold_is_told():
    hardware = load_hardware("edge_npu", [IDEAL, "technology.voltage_v=0.3"])
    with pytest.raises(UserError, match=r"voltage_v: should be above the threshold of cmos45, 0.35 V, got 0.3"):
        accelsim.simulate(hardware, load_workload("ad_autoencoder"))


def test_stated_points_are_taken_as_they_are():
    stated = "operating_points=[{voltage_v: 0.65, clock_mhz: 240}, {voltage_v: 0.8, clock_mhz: 370}]"
    points, derived = find_operating_points(load_hardware("edge_npu", [stated]))
    assert derived == ""
    assert [str(point) for point in points.points] == ["0.65 V, 240 MHz", "0.8 V, 370 MHz"]


def test_the_command_tells_writes_and_refuses(command, tmp_path):
    out = tmp_path / "dv"
    base = ("dvfs", "ad_autoencoder", "--set", IDEAL)
    status, shown, _ = command(*base, "--deadline-ms", 1, "--out", out)
    assert status == 0
    assert "race-to-idle" in shown
    assert (out / "dvfs.svg").read_text().count("<svg") == 1
    with (out / "points.csv").open(newline="") as file:
        points = list(csv.DictReader(file))
    assert len(points) == 8
    with (out / "schedule.csv").open(newline="") as file:
        schedule = list(csv.DictReader(file))
    record = json.loads(command(*base, "--deadline-ms", 1, "--json")[1])
    assert [float(row["energy_uj"]) for row in schedule] == [row["energy_uj"] for row in record["schedule"]]
    governors = {each["governor"]: each for each in record["governors"]}
    assert governors["per layer"]["total_uj"] <= governors["least energy"]["total_uj"] * (1 + 1e-9)
    assert record["bound_uj"] <= governors["per layer"]["total_uj"] * (1 + 1e-9)
    for options, told in (
        (("--deadline-ms", "0.0001"), "cannot be met; the fastest possible is"),
        (("--deadline-ms", "0"), "--deadline-ms: should be a number above 0, got 0"),
        (("--idle-mw", "-1"), "--idle-mw: should be 0 or a number above it, got -1"),
        (("--deadline-ms", "nan"), "--deadline-ms: should be a number above 0, got nan"),
    ):
        status, shown, error = command(*base, *options, "--out", tmp_path / "none")
        assert (status, shown, error.count("\n")) == (2, "", 1)
        assert told in error
        assert not (tmp_path / "none").exists()


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
