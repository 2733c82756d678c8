"""DRAM devices alone: against DRAMsim3's figures, an independent check of every timing rule, and stories."""

import csv
from functools import cache

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from naive import dram as naive_dram
from strategies.sizes import UNJITTED, examples

from accelsim.config import UserError
from accelsim.config.places import locate_anchors, locate_devices
from accelsim.load import list_names, load_device
from accelsim.memory.banked_dram import DRAM_COMMANDS
from accelsim.memory.device_run import run_trace
from accelsim.memory.traces import Requests, read_trace

BANKED = [name for name in list_names(locate_devices()) if load_device(name).kind == "banked"]
SERIAL = [name for name in list_names(locate_devices()) if load_device(name).kind == "serial"]
HBM_BAND = 0.0153  # DRAMsim3's second pick on HBM; the largest difference is 1.518 %
LARGEST_UNJITTED = 50  # requests


def table(name):
    with (locate_anchors() / f"{name}.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


CONFIGS = {row["config"]: row for row in table("dram_configs")}


def expected_rows():
    rows = table("dram_expected")
    return [row for row in rows if not UNJITTED or int(row["n_req"]) <= LARGEST_UNJITTED]


def name_of(row):
    return f"{row['config'].removeprefix('ds3_')}-{row['trace']}"


def simulated(row, fidelity="cycle", sink=None):
    config = CONFIGS[row["config"]]
    device = load_device(config["device"], config["settings"].split())
    trace = locate_anchors() / "dram_traces" / f"{row['trace']}.npz"
    return run_trace(device, read_trace(trace, device.capacity_bytes), fidelity, sink)


@pytest.mark.parametrize("row", [row for row in expected_rows() if not int(row["writes_left_in_buffer"])], ids=name_of)
def test_cycle_meets_dramsim3(row):
    run = simulated(row)
    band = float(CONFIGS[row["config"]]["cycles_band"])
    hits = int(row["rd_row_hits"]) + int(row["wr_row_hits"])
    if band:
        assert run.total_cycles == pytest.approx(int(row["total_cycles"]), rel=band)
        return
    assert run.total_cycles == int(row["total_cycles"])
    assert run.counts["ACT"] == int(row["act"])
    assert run.counts["REF"] == int(row["ref"])
    assert run.counts["row_hits"] == hits
    assert run.energy_pj == pytest.approx(float(row["e_total_pJ"]), rel=1e-3)
    assert run.average_read_latency_cycles == pytest.approx(float(row["avg_read_latency"]), rel=1e-4)


@pytest.mark.parametrize("row", [row for row in expected_rows() if int(row["writes_left_in_buffer"])], ids=name_of)
def test_where_dramsim3_leaves_writes_behind_reads_end_alike(row):
    commands = []
    run = simulated(row, sink=lambda records: commands.append(records.copy()))
    records = np.concatenate(commands)
    last = int(records[records[:, 2] == DRAM_COMMANDS.index("RD"), 0].max())
    timing = run.device.timing_cycles
    assert last + timing.cl + run.device.burst_cycles == pytest.approx(int(row["last_read_cycle"]), rel=HBM_BAND)
    assert run.counts["WR"] == int(row["n_write"])  # none is left behind here


@pytest.mark.skipif(UNJITTED, reason="whole traces")
def test_transaction_is_close_to_dramsim3():
    rows = [row for row in expected_rows() if not int(row["writes_left_in_buffer"])]
    errors = [simulated(row, "transaction").total_cycles / int(row["total_cycles"]) - 1 for row in rows]
    assert np.abs(errors).mean() < 0.02
    assert np.abs(errors).max() < 0.10


@cache
def plain(name):
    return yaml.safe_load((locate_devices() / f"{name}.yaml").read_text())


# Every banked device, and what no published trace exercises: ranks, closed pages, two channels
CHANGES = ({}, {"page_policy": "closed"}, {"ranks": 2}, {"channels": 2, "ranks": 4})
VARIANTS = [(name, change) for name in BANKED for change in CHANGES]


def as_settings(values):
    return [f"{key}={value}" for key, value in values.items()]


def commands_of(device, requests):
    """Command list of a trace, in the checker's words, and the run."""
    kept = []
    run = run_trace(device, [requests], "cycle", lambda records: kept.append(records.copy()))
    rows = np.concatenate(kept).tolist() if kept else []
    return [(c, ch, DRAM_COMMANDS[k], ra, ba, ro, co) for c, ch, k, ra, ba, ro, co in rows], run


def as_requests(rows):
    arrival, address, is_write = (np.array(column) for column in zip(*rows, strict=True))
    return Requests(arrival.astype(np.int64), address.astype(np.int64), is_write.astype(np.uint8))


def checked(name, values, rows):
    device = load_device(name, as_settings(values))
    commands, run = commands_of(device, as_requests(rows))
    naive_dram.check(plain(name) | values, commands)
    naive_dram.check_served(plain(name) | values, rows, commands)
    return commands, run


@pytest.mark.parametrize(("name", "values"), VARIANTS, ids=str)
def test_no_rule_is_broken_on_random_requests(name, values):
    device = load_device(name, as_settings(values))
    random = np.random.default_rng(1)
    count = 30 if UNJITTED else 3000
    address = random.integers(0, device.capacity_bytes, count)
    near = random.integers(0, 40, count) * device.request_bytes  # and some that meet often
    address = np.where(random.random(count) < 0.4, near, address)
    arrival = np.cumsum(random.integers(0, 2, count) * random.integers(0, 60, count))
    rows = list(zip(arrival.tolist(), address.tolist(), (random.random(count) < 0.4).tolist(), strict=True))
    _, run = checked(name, values, rows)
    assert run.requests == count


@st.composite
def nasty_traces(draw):
    """One address, one bank, all writes, bursts around a refresh: what schedulers trip over."""
    spread = draw(st.sampled_from([1, 2, 64, 2**16, 2**20]))
    writes = draw(st.sampled_from([0.0, 0.5, 1.0]))
    count = draw(st.integers(1, 20 if UNJITTED else 120))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    start = draw(st.sampled_from([0, 3000, 8600, 9300, 11850]))
    step = draw(st.sampled_from([0, 1, 3, 50, 400]))
    address = random.integers(0, 30, count) // draw(st.integers(1, 30)) * spread * 64
    arrival = start + np.cumsum(random.integers(0, step + 1, count))
    return list(zip(arrival.tolist(), address.tolist(), (random.random(count) < writes).tolist(), strict=True))


@given(st.sampled_from(VARIANTS), nasty_traces())
@examples(150, unjitted=10)
def test_no_rule_is_broken_on_the_nastiest(variant, rows):
    checked(*variant, rows)


@given(nasty_traces(), st.integers(1, 40))
@examples(60, unjitted=5)
def test_a_trace_in_pieces_gives_the_same_as_in_one(rows, size):
    requests = as_requests(rows)
    for fidelity in ("cycle", "transaction"):
        for values in ([], ["channels=2"]):
            device = load_device("hbm2_8gb_x128", values)
            whole = run_trace(device, [requests], fidelity)
            parts = (Requests(*(c[i : i + size] for c in requests)) for i in range(0, requests.size, size))
            assert run_trace(device, parts, fidelity) == whole


@given(st.sampled_from(VARIANTS), nasty_traces())
@examples(100, unjitted=10)
def test_both_fidelities_move_the_same_data(variant, rows):
    name, values = variant
    device = load_device(name, as_settings(values))
    runs = [run_trace(device, [as_requests(rows)], fidelity) for fidelity in ("cycle", "transaction")]
    for run in runs:
        counts = run.counts
        reads = counts["RD"] + counts["served_by_writes"] + counts["joined_reads"]
        assert reads == run.reads
        assert counts["WR"] + counts["joined_writes"] == run.requests - run.reads
        assert counts["ACT"] >= counts["PRE"] or device.page_policy == "closed"
        assert 0 <= counts["active_cycles"] <= run.total_cycles * device.channels * device.ranks


DDR4 = "ddr4_2400_8gb_x8"


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


@pytest.mark.parametrize(
    ("name", "activate", "read", "write", "refresh"),
    [  # nJ; dram_idd.csv of the reference figures: DDR4_8Gb_x8_2400, HBM2_8Gb_x128
        (DDR4, 3.45, 2.9322, 2.5498, 692.74),
        ("hbm2_8gb_x128", 0.828, 0.804, 1.068, 60.84),
    ],
)
def test_energy_per_command_follows_from_the_currents(name, activate, read, write, refresh):
    from accelsim.memory.device_run import price_banked

    device = load_device(name)
    counts = dict.fromkeys((*DRAM_COMMANDS, "active_cycles", "standby_cycles"), 0)
    for command, key, nanojoules in (
        ("ACT", "activate", activate),
        ("RD", "read", read),
        ("WR", "write", write),
        ("REF", "refresh", refresh),
    ):
        energy = price_banked(device, counts | {command: 1})
        assert energy[key] == pytest.approx(nanojoules * 1000, rel=1e-4)
        assert sum(energy.values()) == energy[key]


def test_wires_are_priced_apart_by_what_crosses_them():
    run = run_rows([(0, 0, 0), (1, 0, 0), (2, 64, 1)])
    assert run.io_energy_pj == pytest.approx(512 * (3.66 + 3.66))
    assert run.energy_pj == pytest.approx(sum(run.energy_pj_by_component.values()))


@pytest.mark.parametrize("name", SERIAL)
@given(rows=nasty_traces())
@examples(60, unjitted=10)
def test_serial_devices_equal_a_plain_loop(name, rows):
    values = plain(name)
    if values["write_latency_cycles"] is None:
        rows = [(arrival, address, 0) for arrival, address, _ in rows]
    rows = [(arrival, address % 2**23, write) for arrival, address, write in rows]
    for settings_ in ((), ("page_bytes=64", "longest_burst_ns=500")):
        device = load_device(name, settings_)
        changed = values | dict(item.split("=") for item in settings_)
        changed = {key: int(v) if isinstance(v, str) and v.isdigit() else v for key, v in changed.items()}
        run = run_trace(device, [as_requests(rows)])
        assert (run.total_cycles, run.counts["bursts"]) == naive_dram.serial_end(changed, rows)


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


def test_a_flash_takes_no_writes():
    device = load_device("octospi_flash_64mib")
    with pytest.raises(UserError, match=r"request 1 writes .*octospi_flash_64mib is read only"):
        run_trace(device, [as_requests([(0, 0, 0), (0, 0, 1)])])
