"""Devices of banks: an independent check of every timing rule, and stories."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.dram import DDR4, VARIANTS, as_requests, as_settings, checked, commands_of, nasty_traces
from strategies.sizes import UNJITTED, count_examples, examples

from accelsim.config import UserError
from accelsim.load import load_device
from accelsim.memory.device_run import run_trace


@pytest.mark.parametrize(("name", "values"), VARIANTS, ids=str)
def test_no_rule_is_broken_on_random_requests(name, values):
    device = load_device(name, as_settings(values))
    random = np.random.default_rng(1)
    count = (2 if UNJITTED else 20) * count_examples()
    address = random.integers(0, device.capacity_bytes, count)
    near = random.integers(0, 40, count) * device.request_bytes  # and some that meet often
    address = np.where(random.random(count) < 0.4, near, address)
    arrival = np.cumsum(random.integers(0, 2, count) * random.integers(0, 60, count))
    rows = list(zip(arrival.tolist(), address.tolist(), (random.random(count) < 0.4).tolist(), strict=True))
    _, run = checked(name, values, rows)
    assert run.requests == count


@given(st.sampled_from(VARIANTS), nasty_traces())
@examples(150, unjitted=10)
def test_no_rule_is_broken_on_the_nastiest(variant, rows):
    checked(*variant, rows)


def run_rows(rows, *values):
    return run_trace(load_device(DDR4, values), [as_requests(rows)])


def test_one_read_takes_activate_read_and_its_data():
    timing = load_device(DDR4).timing_cycles
    assert run_rows([(0, 0, 0)]).total_cycles == 1 + timing.trcd_read + timing.cl + 4


def test_a_read_of_a_waiting_write_is_served_from_it_in_the_next_cycle():
    run = run_rows([(0, 4096, 1), (1, 4096, 0)])
    assert (run.counts["served_by_writes"], run.counts["RD"], run.counts["WR"]) == (1, 0, 1)
    assert run.average_read_latency_cycles == 1


def test_a_second_request_of_a_waiting_block_joins_the_first():
    reads = run_rows([(0, 0, 0), (5, 0, 0), (6, 0, 0)])
    assert (reads.counts["RD"], reads.counts["joined_reads"], reads.total_cycles) == (1, 2, 39)
    assert reads.average_read_latency_cycles == pytest.approx((39 + 34 + 33) / 3)
    writes = run_rows([(0, 0, 1), (1, 0, 1)])
    assert (writes.counts["WR"], writes.counts["joined_writes"]) == (1, 1)


def test_a_request_of_a_block_that_was_served_is_sent_again():
    run = run_rows([(0, 0, 0), (200, 0, 0)])
    assert (run.counts["RD"], run.counts["joined_reads"]) == (2, 0)


def test_a_write_waits_for_an_older_read_of_its_place():
    rows = [(0, 64 * i, 0) for i in range(30)] + [(0, 64 * i, 1) for i in range(30)]
    commands, _ = checked(DDR4, {}, rows)
    for i in range(30):
        kinds = [name for _, _, name, *where in commands if name in ("RD", "WR") and tuple(where)[3] == i]
        assert kinds == ["RD", "WR"]


def test_few_writes_wait_until_no_bank_has_work():
    rows = [(0, 64 * i, 1) for i in range(5)] + [(0, 2**20 + 64 * i, 0) for i in range(20)]
    commands, _ = checked(DDR4, {}, rows)
    kinds = [name for _, _, name, *_ in commands if name in ("RD", "WR")]
    assert kinds == ["RD"] * 20 + ["WR"] * 5


def test_a_full_write_buffer_is_drained_between_reads():
    rows = [(0, 2**20 * (i % 2) + 64 * i, i % 2) for i in range(200)]
    commands, _ = checked(DDR4, {}, rows)
    kinds = "".join(name[0] for _, _, name, *_ in commands if name in ("RD", "WR"))
    assert "R" * 20 in kinds
    assert "W" * 20 in kinds


def test_two_ranks_share_the_bus_and_refresh_by_turns():
    values = {"ranks": 2}
    device = load_device(DDR4, as_settings(values))
    bit = 1 << (device.shifts["ra"] + device.request_bytes.bit_length() - 1)
    rows = [(100 * i, (i % 2) * bit + 64 * i, i % 3 == 0) for i in range(40 if UNJITTED else 400)]
    commands, _ = checked(DDR4, values, rows)
    assert {rank for _, _, name, rank, *_ in commands if name == "RD"} == {0, 1}
    refreshed = [rank for _, _, name, rank, *_ in commands if name == "REF"]
    assert refreshed == [i % 2 for i in range(len(refreshed))]


def test_a_conflict_waits_for_four_hits_and_no_more_where_the_timing_allows():
    timing = {"trtp": 4, "tras": 20}  # so that a precharge is legal between two hits
    device = load_device(DDR4, [f"timing_cycles.{key}={value}" for key, value in timing.items()])
    rows = [(0, 0, 0), (0, 2**20, 0), *((0, 64 * i, 0) for i in range(1, 30))]
    commands, _ = commands_of(device, as_requests(rows))
    assert [name for _, _, name, *_ in commands][:7] == ["ACT", "RD", "RD", "RD", "RD", "PRE", "ACT"]


def test_idle_time_is_skipped_and_refreshed():
    run = run_rows([(0, 0, 0), (9360 * 1000 + 500, 64, 0)])
    assert run.counts["REF"] == 1000
    assert run.total_cycles == 9360 * 1000 + 500 + 39
    assert run_rows([(0, 0, 0), (2**50, 64, 0)], "refresh=false").total_cycles == 2**50 + 22


def test_the_mapping_decides():
    rows = [(0, 64 * i, 0) for i in range(4000 if not UNJITTED else 40)]
    low, high = (run_trace(load_device(DDR4, (), m), [as_requests(rows)]) for m in ("rochrabacobg", "rochrababgco"))
    assert low.total_cycles < high.total_cycles


def test_wires_are_priced_apart_by_what_crosses_them():
    run = run_rows([(0, 0, 0), (1, 0, 0), (2, 64, 1)])
    assert run.io_energy_pj == pytest.approx(512 * (3.66 + 3.66))
    assert run.energy_pj == pytest.approx(sum(run.energy_pj_by_component.values()))


def test_an_unknown_fidelity_and_a_sink_that_gets_nothing_are_refused():
    banked, serial = load_device(DDR4), load_device("octospi_psram_8mib")
    for device, fidelity, sink, problem in (
        (banked, "exact", None, "fidelity: should be transaction or cycle, got 'exact'"),
        (serial, "exact", None, "fidelity: should be transaction or cycle, got 'exact'"),
        (banked, "transaction", print, "only a DRAM at fidelity cycle has commands"),
        (serial, "cycle", print, "only a DRAM at fidelity cycle has commands, got octospi_psram_8mib at cycle"),
    ):
        with pytest.raises(UserError, match=problem):
            run_trace(device, [as_requests([(0, 0, 0)])], fidelity, sink)
