"""Devices that sleep: parts that add up, cascades by every way through them, batteries, and wake-ups by events."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import power as naive
from strategies.settings import IDEAL

import accelsim
from accelsim.config import UserError
from accelsim.load import load_hardware, load_workload
from accelsim.power.dutycycle import (
    Battery,
    Inference,
    Rest,
    Stage,
    Watch,
    combine_stages,
    split_event_hour,
    split_period,
)

amounts = st.floats(0.001, 10)


shares = st.floats(0, 1)


rests = st.builds(Rest, st.floats(0, 50), st.floats(0, 50), st.floats(0, 2), st.floats(0, 50))


works = st.lists(st.tuples(amounts, amounts, shares), min_size=1, max_size=4)


def work_of(stages):
    made = [Stage(Inference(f"n{i}", *stage[:2]), stage[2]) for i, stage in enumerate(stages)]
    return combine_stages([*made[:-1], made[-1]._replace(answers=1.0)])


@given(works)
def test_a_cascade_is_every_way_through_it(stages):
    found, paths = work_of(stages), naive.cascade_paths(stages)
    assert sum(chance for chance, _, _ in paths) == pytest.approx(1)
    assert found.seconds == pytest.approx(sum(chance * seconds for chance, seconds, _ in paths))
    assert found.mj == pytest.approx(sum(chance * energy for chance, _, energy in paths))
    assert found.worst_seconds == pytest.approx(max(seconds for chance, seconds, _ in paths if chance > 0))
    assert found.seconds <= found.worst_seconds * (1 + 1e-12)


@given(works, rests, st.floats(1, 60))
def test_every_second_and_joule_of_a_period_is_in_one_part(stages, rest, times):
    work = work_of(stages)
    period = work.worst_seconds * times
    cycle = split_period(work, period, rest)
    assert cycle.active_s + cycle.wake_s + cycle.rest_s == pytest.approx(period, rel=1e-9)
    assert cycle.average_mw * period == pytest.approx(cycle.mj, rel=1e-9)
    assert min(cycle.active_s, cycle.wake_s, cycle.rest_s + 1e-9) >= 0
    idle = work.mj + (period - work.seconds) * rest.idle_mw
    assert cycle.mj <= idle * (1 + 1e-9)
    if not cycle.sleeps:
        assert cycle.mj == pytest.approx(idle)


@given(amounts, amounts, rests, st.floats(1.001, 60))
def test_a_device_is_what_one_period_after_another_takes(seconds, mj, rest, times):
    period = seconds * times
    cycle = split_period(work_of([(seconds, mj, 1.0)]), period, rest)
    energy, slept = naive.sleeping_device((seconds, mj), 7, period, *rest)
    assert 7 * cycle.mj == pytest.approx(energy, rel=1e-6, abs=1e-9)
    assert abs(7 * cycle.mj - energy) < 1e-6 or cycle.sleeps == (slept > 3)


@given(rests)
def test_sleeping_pays_from_its_break_even_on(rest):
    even = rest.break_even_s
    if not math.isfinite(even):
        assert rest.idle_mw - rest.sleep_mw < 1e-300
        return
    assert even >= rest.wake_s

    def saved(gap):
        return rest.idle_mw * gap - rest.wake_mj - rest.sleep_mw * (gap - rest.wake_s)

    if rest.sleep_mw <= rest.idle_mw:
        assert saved(1.01 * even + 1e-6) >= -1e-9 * (1 + rest.idle_mw * even)
    assert even == rest.wake_s or saved(even) == pytest.approx(0, abs=1e-9 * (1 + rest.idle_mw * even))
    if even > 1e-6:  # a shorter gap is a rounding of the period
        assert not split_period(work_of([(1.0, 1.0, 1.0)]), 1.0 + 0.99 * even, rest).sleeps


def test_sleep_as_deep_as_idling_pays_where_waking_draws_nothing():
    rest = Rest(1.0, 1.0, 0.1, 0.0)
    assert rest.break_even_s == 0.1
    assert split_period(work_of([(0.1, 1.0, 1.0)]), 1.0, rest).sleeps
    assert Rest(1.0, 1.0, 0.1, 0.1).break_even_s == math.inf


def test_power_by_duty_is_the_design_s_formula():
    """P = D Pactive + (1 - D) Psleep + Ewake / T: 10 ms of 100 mW and 1 mJ of waking a second, 2 mW asleep."""
    work = work_of([(0.01, 1.0, 1.0)])
    cycle = split_period(work, 1.0, Rest(80.0, 2.0, 0.0, 1.0))
    assert cycle.average_mw == pytest.approx(0.01 * 100 + 0.99 * 2 + 1.0 / 1.0)
    assert Battery(1000, 3.7, 1.0, 0.0).days(cycle.average_mw) == pytest.approx(3700 / cycle.average_mw / 24)


def test_batteries():
    full = Battery(1000, 3.7, 0.8, 0.0)
    assert full.mj == pytest.approx(1000 * 3.7 * 3600 * 0.8)
    assert full.days(0.0) == math.inf
    leaking = full._replace(self_discharge_per_month=0.5)
    assert leaking.days(0.0) == pytest.approx(60)  # half of it a month
    assert leaking.days(5.0) < full.days(5.0)


@given(amounts, amounts, rests, st.integers(0, 500), st.floats(0, 5))
def test_an_hour_of_events_is_what_one_wake_up_after_another_takes(seconds, mj, rest, wakes, power):
    work, watch = work_of([(seconds, mj, 1.0)]), Watch(power, 2 * wakes, 0.25, wakes / 2)
    idle, asleep = naive.woken_device((seconds, mj), wakes, power, *rest)
    if idle is None:
        with pytest.raises(UserError, match="wake-ups an hour are too many"):
            split_event_hour(work, watch, rest)
        return
    cycle = split_event_hour(work, watch, rest)
    assert cycle.active_s + cycle.wake_s + cycle.rest_s == pytest.approx(3600)
    assert cycle.average_mw * 3600 == pytest.approx(cycle.mj, rel=1e-9)
    assert cycle.mj == pytest.approx(idle if asleep is None else min(idle, asleep), rel=1e-9)
    if asleep is None:
        assert not cycle.sleeps


def test_what_cannot_be_is_told():
    work, rest = work_of([(2.0, 1.0, 1.0)]), Rest(1, 0.1, 0.5, 0.1)
    with pytest.raises(UserError, match="period_s: should be at least 2, which an inference may take, got 1"):
        split_period(work, 1.0, rest)
    with pytest.raises(UserError, match="at most 1800 of these"):
        split_event_hour(work, Watch(1, 2000, 1, 0), rest)
    with pytest.raises(UserError, match=r"hit: should be a probability from 0 to 1, got 1\.5"):
        split_event_hour(work, Watch(1, 1, 1.5, 0), rest)
    with pytest.raises(UserError, match="answers with a probability from 0 to 1, got -1"):
        combine_stages([Stage(Inference("n", 1, 1), -1.0)])


def test_a_device_is_described_by_plain_names():
    hardware, network = load_hardware("mcu_npu", [IDEAL]), load_workload("ad_autoencoder")
    larger = load_workload("ds_cnn_kws")
    assert accelsim.dutycycle(hardware, network) == accelsim.dutycycle(hardware, [(network, 0.3)], {"period_s": 1})
    assert accelsim.dutycycle(hardware, network).battery_days is None
    both = accelsim.dutycycle(hardware, [(network, 0.75), (larger, 1.0)], {"sleep_mw": 0.1}, "ideal")
    assert both.work.reached == (1.0, 0.25)
    assert both.rest.sleep_mw == 0.1
    woken = accelsim.dutycycle(hardware, network, {"detector_mw": 0.3, "events_per_hour": 20, "hit": 1})
    assert woken.watch == Watch(0.3, 20.0, 1.0, 1.0)
    assert woken.average_mw > 0.3
    for use, problem in (
        ({"sleep_mww": 1}, r"^use: unknown key 'sleep_mww'; did you mean 'sleep_mw'\?$"),
        ({"period_s": 0}, "^use: period_s: should be greater than 0, got 0$"),
        (
            {"battery_mah": 1, "battery_usable": 1.5},
            "^use: battery_usable: should be less than or equal to 1, got 1.5",
        ),
        ({"wake_ms": "1"}, "^use: wake_ms: should be a number, got '1'$"),
        ({"period_s": 1e-9}, "should be at least"),
    ):
        with pytest.raises(UserError, match=problem):
            accelsim.dutycycle(hardware, network, use)
    with pytest.raises(UserError, match="answers with a probability from 0 to 1, got 2"):
        accelsim.dutycycle(hardware, [(network, 2.0), (larger, 1.0)])
