"""The search for tiles and loop orders: what it finds fits, and is the best of its candidates."""

import dataclasses
import itertools
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import mapping as naive
from strategies.convolutions import convolution, product_of
from strategies.mappings import gemms, machine
from strategies.sizes import examples

from accelsim import UserError, load_hardware, load_workload, simulate
from accelsim.engines.systolic import SystolicEngine
from accelsim.engines.table import build_engine
from accelsim.mapping.candidates import ORDERS, list_tile_sizes
from accelsim.mapping.footprint import bound_moved_bytes, count_compulsory_bytes
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.search import Prices, find_best_mapping, start_search
from accelsim.mapping.streams import build_gemm_stream, count_mapped
from accelsim.memory.schedule import schedule_stream
from accelsim.simulation.rows import measure_objective
from accelsim.workload.gemm import Gemm


def mapped(gemm, hardware, lane_cycles_per_output=0.0):
    """The stream of the mapping that is found."""
    engine = SystolicEngine(hardware.engine)
    alone = engine.count(gemm)
    work = Fraction(lane_cycles_per_output)
    mapping = find_best_mapping(gemm, hardware, engine, alone.cycles, work)
    counts = count_mapped(gemm, mapping, engine, alone)
    return build_gemm_stream(gemm, mapping, hardware, engine, counts.cycles, work)


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize("overlap", ["false", "true"])
@given(gemm=gemms())
def test_the_mapping_found_fits_and_loses_no_cycles_or_bytes(gemm, dataflow, overlap):
    hardware = machine(**{"engine.dataflow": dataflow, "engine.overlap_folds": overlap})
    engine = SystolicEngine(hardware.engine)
    stream = mapped(gemm, hardware, lane_cycles_per_output=1.0)
    assert stream.read_bytes >= count_compulsory_bytes(gemm)[0]
    assert stream.write_bytes >= count_compulsory_bytes(gemm)[1]
    assert int(stream.engine_cycles.sum()) >= engine.count(gemm).cycles
    assert (stream.engine_cycles >= 0).all()
    assert int(stream.vector_cycles.sum()) >= gemm.m * gemm.n * gemm.groups // hardware.vector.lanes


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@given(
    sizes=st.tuples(st.integers(1, 300), st.integers(1, 400), st.integers(1, 200)),
    groups=st.integers(1, 3),
    kib=st.integers(1, 4),
    bits=st.tuples(st.sampled_from([2, 4, 8]), st.sampled_from([2, 4, 8])),
    double=st.booleans(),
)
def test_buffers_that_bind_hold_what_is_mapped(dataflow, shared, sizes, groups, kib, bits, double):
    names = ("shared",) if shared else ("ifmap", "weight", "ofmap")
    sram = ", ".join(f"{name}: {{capacity_kib: {kib * (3 if shared else 1)}}}" for name in names)
    clear = [f"sram.{name}=null" for name in ("ifmap", "weight", "ofmap", "shared") if name not in names]
    single = [f"sram.{name}.double_buffered={double}" for name in names]
    settings = [f"sram={{{sram}}}", *clear, *single, "engine.rows=4", "engine.cols=3", f"engine.dataflow={dataflow}"]
    hardware = load_hardware("textbook_os_32", settings)
    gemm = Gemm(*sizes, groups, *bits)
    stream = mapped(gemm, hardware)
    partial = dataflow != "os" and gemm.k > hardware.engine.rows  # sums wait in the buffer, four bytes each
    spilled = stream.load_bytes[:, 2].any()  # then partial sums leave as they are, four bytes each
    sums = stream.store_bytes * (4 if partial and not spilled else 1)
    moves = enumerate((*stream.load_bytes[:, :2].T, sums))
    needed = [held_bytes(stream.fresh[:, x], moved, 1 + double) for x, moved in moves]
    if shared:
        assert sum(needed) <= hardware.sram.capacity_bytes
    else:
        assert all(room <= kib * 1024 for room in needed)


def held_bytes(fresh, moved, halves):
    """Bytes that a buffer of so many halves needs: its largest content in each, or the only one."""
    contents = np.bincount(np.cumsum(fresh), weights=moved)[1:]
    return contents.max() * min(halves, len(contents))


@given(
    sizes=st.tuples(*[st.integers(1, 40)] * 3),
    dataflow=st.sampled_from(["os", "ws", "is"]),
    slow=st.booleans(),
    double=st.tuples(*[st.booleans()] * 3),
)
def test_the_search_is_near_the_best_of_its_candidates(sizes, dataflow, slow, double):
    names = (f"sram.{name}.double_buffered" for name in ("ifmap", "weight", "ofmap"))
    halves = dict(zip(names, double, strict=True))
    hardware = machine(**{"engine.dataflow": dataflow, "dram.bandwidth_gb_s": 0.5 if slow else 8}, **halves)
    gemm, engine = Gemm(*sizes), SystolicEngine(hardware.engine)
    alone = engine.count(gemm)
    played = schedule_stream(mapped(gemm, hardware), hardware).total_cycles
    best = played
    rungs = [list_tile_sizes(size, grain) for size, grain in zip((gemm.m, gemm.n, gemm.k), engine.grain, strict=True)]
    for tiles in itertools.product(*rungs):
        for order in ORDERS:
            mapping = Mapping(*tiles, order)  # everything fits: whatever is reused is kept
            counts = count_mapped(gemm, mapping, engine, alone)
            if engine.holds_sums and tiles[2] < gemm.k and (tiles[0] > 4 or tiles[1] > 3 or order[2] != "k"):
                continue  # sums do not leave an output-stationary array unfinished
            stream = build_gemm_stream(gemm, mapping, hardware, engine, counts.cycles, Fraction(0))
            best = min(best, schedule_stream(stream, hardware).total_cycles)
    worst = 1.5 if all(double) else 1.6  # found among 1,100 random cases: 1.20 and 1.53
    assert played <= worst * best + 60


@examples(12, unjitted=12)
@given(sizes=st.tuples(st.integers(1, 60), st.integers(1, 14), st.integers(1, 30)), image=st.booleans(), data=st.data())
def test_the_mapper_equals_brute_force(sizes, image, data):
    names = ("ifmap", "weight", "ofmap")
    small = {f"sram.{name}.capacity_kib": 1 for name in names}
    small |= {f"sram.{name}.double_buffered": data.draw(st.booleans()) for name in names}
    hardware = machine(**small, **{"mapper.objective": "bytes"})
    gemm = Gemm(sizes[0], sizes[2], sizes[1])
    if image:
        side, channels, stride = data.draw(st.tuples(st.integers(4, 9), st.integers(1, 3), st.integers(1, 2)))
        conv = convolution((1, channels, side, side), (3, 3), (stride, stride), (1, 1, 1, 1))
        gemm = product_of(conv, sizes[1])
    grains = dict(zip("mnk", build_engine(hardware.engine).grain, strict=True))
    row = gemm.convolution.out_width if image else 1
    rungs = {d: list_tile_sizes(getattr(gemm, d), grains[d], row if d == "m" else 1) for d in "mnk"}
    if image:
        rungs["k"] = rungs["k"][:1]  # where a slice of K needs fewer kernel rows, all of them are fetched
    stream = mapped(gemm, hardware)
    moved = stream.read_bytes + stream.write_bytes
    size_of, conv = {d: getattr(gemm, d) for d in "mnk"}, gemm.convolution and dataclasses.asdict(gemm.convolution)
    best = min(naive.all_mappings(size_of, conv, rungs, hardware.sram.operand_bytes, hardware.sram.halves))
    assert moved == best if not image else moved <= best
    assert bound_moved_bytes(gemm, hardware.sram.capacity_bytes) <= moved


OBJECTIVES = {
    "bytes": lambda row: row.dram_read_bytes + row.dram_write_bytes,
    "energy": lambda row: row.energy_pj,
    "cycles": lambda row: row.total_cycles,
    "edp": lambda row: row.energy_pj * row.total_cycles,
}


def test_each_objective_gets_what_it_asks_for():
    network = load_workload("squeezenet_1_1")
    runs = {
        name: simulate(load_hardware("edge_npu", [f"mapper.objective={name}"]), network, dram="ideal").rows
        for name in (*OBJECTIVES, "delay_traffic")
    }
    for name, measure in OBJECTIVES.items():
        for other, rows in runs.items():
            slack = 0 if name == "bytes" else 0.03  # bytes are counted exactly, cycles are estimated
            mine, theirs = sum(map(measure, runs[name])), sum(map(measure, rows))
            assert mine <= (1 + slack) * theirs, (name, other)
    bytes_of = OBJECTIVES["bytes"]
    for rows in runs.values():
        assert all(bytes_of(least) <= bytes_of(row) for least, row in zip(runs["bytes"], rows, strict=True))


@examples(30, unjitted=30)
@given(
    sizes=st.tuples(st.integers(1, 3000), st.integers(1, 900), st.integers(1, 300)),
    objective=st.sampled_from(["bytes", "cycles", "energy", "edp", "delay_traffic"]),
    more=st.sampled_from(
        ["dram.bandwidth_gb_s", "sram.ifmap.capacity_kib", "sram.weight.capacity_kib", "sram.ofmap.capacity_kib"]
    ),
)
def test_more_of_anything_never_worsens_what_was_optimized(sizes, objective, more):
    gemm, prices = Gemm(*sizes), Prices(1e6, 40.0, 30.0)
    scores = []
    for times in (1, 2, 4, 8):
        hardware = machine(
            **{"mapper.objective": objective, "dram.bandwidth_gb_s": 0.4, more: 16 * times}
            if "sram" in more
            else {"mapper.objective": objective, more: 0.4 * times}
        )
        engine = SystolicEngine(hardware.engine)
        found = start_search(gemm, hardware.vector, engine, engine.count(gemm).cycles, Fraction(1))
        scores.append(found.find_scored(hardware, prices)[1])
    assert scores == sorted(scores, reverse=True)


@pytest.mark.needs_jit
@pytest.mark.parametrize(
    "objective", ["cycles", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bytes", "delay_traffic"))]
)
def test_auto_takes_the_best_dataflow_of_each_layer(objective):
    network = load_workload("resnet8")
    runs = {
        dataflow: simulate(
            load_hardware("edge_npu", [f"engine.dataflow={dataflow}", f"mapper.objective={objective}"]),
            network,
            dram="ideal",
        )
        for dataflow in ("ws", "os", "is", "auto")
    }
    auto = runs.pop("auto")
    for rows in zip(auto.rows, *(run.rows for run in runs.values()), strict=True):
        mine, *others = (measure_objective(row, objective) for row in rows)
        assert mine == min(others)
        assert rows[0].dataflow == (rows[1 + list(runs).index(rows[0].dataflow)].dataflow if rows[0].macs else "")
    stepped = simulate(
        load_hardware("edge_npu", ["engine.dataflow=auto", f"mapper.objective={objective}"]),
        network,
        "stepped",
        dram="ideal",
    )
    assert stepped.rows == auto.rows
    assert build_engine(load_hardware("edge_npu", ["engine.dataflow=auto"]).engine).title == "32x32 auto int8"


def test_a_given_mapping_is_used():
    settings = ["workload.layers.stack1_conv1.mapping={m: 96, n: 16, k: 144, order: nkm}"]
    rows = simulate(load_hardware(), load_workload("resnet8", [settings[0].removeprefix("workload.")])).rows
    assert rows[1].mapping == "96x144x16 nkm"
    assert rows[0].mapping == simulate(load_hardware(), load_workload("resnet8")).rows[0].mapping


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("{m: 96, n: 16, k: 100, order: nkm}", "mapping: k: should be 144, or a multiple of the engine's 32 below it"),
        ("{m: 1025, n: 16, k: 144, order: nkm}", "mapping: m: should be at most 1024, got 1025"),
        ("{m: 96, n: 16, k: 144, order: nmm}", "mapping.order: should be 'mnk'"),
        ("{m: 96, n: 16, k: 144}", "mapping: missing key 'order'"),
    ],
)
def test_given_mappings_that_are_wrong(mapping, told):
    with pytest.raises(UserError, match=re.escape(told)):
        simulate(load_hardware(), load_workload("resnet8", [f"layers.stack1_conv1.mapping={mapping}"]))


def test_a_given_mapping_that_does_not_fit_names_the_buffer():
    network = load_workload("resnet50", ["layers.conv1.mapping={m: 12544, n: 64, k: 147, order: nkm}"])
    told = "the given tiles need 3211264 bytes in sram.ofmap, which holds 262144 (2949120 short)"
    with pytest.raises(UserError, match=re.escape(told)):
        simulate(load_hardware(), network)


@pytest.mark.parametrize("name", ["edge_npu", "mcu_npu", "tpu_v1", "textbook_os_32"])
@pytest.mark.parametrize(
    "network",
    ["squeezenet_1_1", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilenet_v2", "resnet18"))],
)
def test_no_layer_waits_for_long_without_a_bound_that_says_so(name, network):
    hardware = load_hardware(name)
    per_cycle = hardware.dram.bandwidth_gb_s * 1e3 / hardware.clock_mhz
    for row in simulate(hardware, load_workload(network), dram="ideal").rows:
        transfers = (row.dram_read_bytes + row.dram_write_bytes) / per_cycle
        least = max(row.compute_cycles, row.vector_cycles, transfers)
        assert row.total_cycles <= 1.5 * least + 2000, row


def test_more_sram_never_moves_more_bytes_when_bytes_decide():
    gemm = Gemm(3136, 576, 64)
    moved = []
    for kib in (8, 16, 32, 64, 128, 256, 512, 1024):
        sizes = {f"sram.{name}.capacity_kib": kib for name in ("ifmap", "weight", "ofmap")}
        hardware = machine(**{"engine.rows": 32, "engine.cols": 32, "dram.bandwidth_gb_s": 0.01, **sizes})
        stream = mapped(gemm, hardware)
        moved.append(stream.read_bytes + stream.write_bytes)
    assert moved == sorted(moved, reverse=True)
    assert moved[-1] == sum(count_compulsory_bytes(gemm))


def test_a_product_whose_tiles_cannot_fit_names_buffer_and_shortage():
    hardware = machine(**{"engine.rows": 512, "engine.cols": 512, "sram.weight.capacity_kib": 16})
    with pytest.raises(UserError, match=r"sram\.weight, which holds 16384 \(\d+ short\)"):
        mapped(Gemm(64, 1024, 1024), hardware)
