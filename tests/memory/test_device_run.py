"""DRAM devices alone, against DRAMsim3's figures; pieces of traces, energy, and both fidelities."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.dram import DDR4, VARIANTS, as_requests, as_settings, nasty_traces
from strategies.sizes import UNJITTED, examples

from accelsim.config.places import locate_anchors
from accelsim.load import load_device
from accelsim.memory.banked_dram import DRAM_COMMANDS
from accelsim.memory.device_run import run_trace
from accelsim.memory.traces import Requests, read_trace

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
