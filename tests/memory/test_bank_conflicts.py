"""Bank conflicts: what engines ask of their buffers, and the waits for banks, against a walk through every beat."""

from collections import Counter
from dataclasses import asdict

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive import ports as naive
from strategies import bitserial, systolic, tensorcore
from strategies.convolutions import convolution, product_of
from strategies.sizes import examples

import accelsim
from accelsim.config import UserError
from accelsim.engines.systolic import SystolicEngine
from accelsim.hardware import SystolicArray
from accelsim.load import load_hardware
from accelsim.memory.bank_conflicts import Buffer, Buffers, count_conflict_cycles
from accelsim.report.run_timeline import timeline_title
from accelsim.simulation.network import replay

FEW = examples(150, unjitted=3)


LAYOUTS = ("as_read", "channels_last", "rows")


def asked(beats):
    """Elements that beats move, in all."""
    total = Counter()
    for each in beats:
        for name in ("activations", "weights", "sums_in", "sums_out", "results"):
            total[name] += getattr(each, name) * each.vectors * each.repeat
    return total


def agree(engine, gemm, counts):
    total = asked(engine.beats(gemm, counts.cycles))
    assert total["activations"] == counts.activation_reads
    assert total["weights"] == counts.weight_reads
    assert total["sums_in"] == total["sums_out"] == counts.psum_reads
    assert total["sums_out"] + total["results"] == counts.psum_writes


@given(systolic.arrays(9, 9), systolic.gemms(40))
def test_beats_of_an_array_move_what_it_counts(array, gemm):
    engine = SystolicEngine(array)
    agree(engine, gemm, engine.count(gemm))


@given(bitserial.units(), bitserial.gemms())
def test_beats_of_a_serial_unit_move_what_it_counts(engine, gemm):
    assume(engine.unit.skip == "none")
    agree(engine, gemm, engine.count(gemm))


@given(st.data(), tensorcore.units())
def test_beats_of_tensor_cores_move_what_they_count(data, engine):
    gemm = data.draw(tensorcore.gemms(engine.unit.sparse_pattern))
    agree(engine, gemm, engine.count(gemm))


@st.composite
def convolutions(draw):
    """Small convolutions of every stride, padding and dilation, in groups; all padding is narrower than the window."""

    def size(most):
        return draw(st.integers(1, most))

    kernel, stride, dilation = (size(3), size(3)), (size(3), size(3)), (size(2), size(2))
    out, channels, groups = (size(4), size(5)), size(5), size(3)
    padding = draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1))
    height, width = (
        max(1, (o - 1) * s + (k - 1) * d + 1 - 2 * p)
        for o, s, k, d, p in zip(out, stride, kernel, dilation, padding, strict=True)
    )
    conv = convolution((size(2), channels, height, width), kernel, stride, (*padding, *padding), dilation)
    assume(min(conv.out_height, conv.out_width) >= 1)
    return product_of(conv, size(7), groups, activation_bits=draw(st.sampled_from([2, 4, 5, 8, 16])))


def buffers(draw, shared):
    def buffer(layouts):
        sizes = draw(st.integers(1, 6)), draw(st.integers(1, 2)), draw(st.sampled_from([8, 16, 32, 64]))
        return Buffer(*sizes, draw(st.sampled_from(layouts)))

    ifmap = buffer(LAYOUTS)
    if shared:
        return Buffers(ifmap, ifmap, ifmap, True, 32)
    return Buffers(ifmap, buffer(["as_read"]), buffer(["as_read"]), False, 32)


def plain(gemm):
    return naive.Product(asdict(gemm.convolution), gemm.groups, gemm.n, gemm.activation_bits)


def plainly(found):
    def plain(buffer):
        names = {"banks": buffer.banks, "ports": buffer.ports, "width": buffer.width_bits, "layout": buffer.layout}
        return names

    if found.shared:
        return {"shared": plain(found.ifmap)}
    return {name: plain(buffer) for name, buffer in zip(("ifmap", "weight", "ofmap"), found[:3], strict=True)}


@FEW
@given(st.data(), convolutions(), st.sampled_from(["ws", "os", "is"]), st.booleans(), st.booleans())
def test_waits_of_an_array_are_those_of_every_beat(data, gemm, dataflow, resident, shared):
    rows, cols = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    drain = data.draw(st.sampled_from(["rows", "cols", "none"]))
    array = SystolicArray(
        kind="systolic", rows=rows, cols=cols, dataflow=dataflow, output_drain=drain, weights_resident=resident
    )
    found = buffers(data.draw, shared)
    want = naive.systolic_waits(plain(gemm), naive.Array(rows, cols, dataflow, resident, drain), plainly(found))
    engine = SystolicEngine(array)
    assert count_conflict_cycles(gemm, engine, found, engine.count(gemm).cycles) == want


@FEW
@given(st.data(), convolutions(), st.booleans())
def test_waits_of_a_serial_unit_are_those_of_every_beat(data, gemm, shared):
    rows, cols, lanes = (data.draw(st.integers(1, 5)) for _ in range(3))
    engine, found = bitserial.unit(1, rows, cols, lanes), buffers(data.draw, shared)
    want = naive.serial_waits(plain(gemm), (rows, cols, lanes), gemm.activation_bits, plainly(found))
    assert count_conflict_cycles(gemm, engine, found, engine.count(gemm).cycles) == want


@FEW
@given(st.data(), convolutions(), st.sampled_from(["ws", "os", "is"]), st.booleans(), st.booleans())
def test_more_banks_or_ports_never_wait_longer(data, gemm, dataflow, overlap, shared):
    array = SystolicArray(
        kind="systolic",
        rows=data.draw(st.integers(1, 9)),
        cols=data.draw(st.integers(1, 9)),
        dataflow=dataflow,
        overlap_folds=overlap,
    )
    engine, found = SystolicEngine(array), buffers(data.draw, shared)
    cycles = engine.count(gemm).cycles
    few = count_conflict_cycles(gemm, engine, found, cycles)
    for name in ("banks", "ports"):
        richer = [buffer._replace(**{name: 2 * getattr(buffer, name)}) for buffer in found[:3]]
        assert count_conflict_cycles(gemm, engine, Buffers(*richer, *found[3:]), cycles) <= few
    if found.ifmap.layout == "as_read":
        wider = [buffer._replace(width_bits=2 * buffer.width_bits) for buffer in found[:3]]
        assert count_conflict_cycles(gemm, engine, Buffers(*wider, *found[3:]), cycles) <= few


def layer(stride, layout, dataflow="os", banks=4, channels=1):
    """Waits of a 3x3 convolution, padded, on a 32x32 array before banks of 32 bytes."""
    gemm = product_of(convolution((1, channels, 64, 64), (3, 3), (stride, stride), (1, 1, 1, 1)), 32)
    engine = SystolicEngine(SystolicArray(kind="systolic", rows=32, cols=32, dataflow=dataflow))
    wide = Buffer(64, 1, 256, "as_read")
    found = Buffers(Buffer(banks, 1, 256, layout), wide, wide, False, 32)
    return count_conflict_cycles(gemm, engine, found, engine.count(gemm).cycles)


def test_stride_costs_banks():
    """32 neighbouring pixels are a word or two of a row; four apart they are four or five, and beyond four banks."""
    assert layer(1, "rows") == layer(2, "rows") == 0
    assert layer(8, "rows", banks=1) > 0
    assert layer(1, "as_read") == 0
    pixels = 32 * 9 - 2 * 3  # 32 words of pixels, one a channel block apart: on four banks eight cycles, less padding
    assert layer(1, "channels_last", channels=32) > pixels


def test_ports_stall_a_network_and_are_told(command):
    shown = command("run", "ds_cnn_kws", "--set", "sram.ofmap.banks=1", "--set", "dram.fidelity=ideal")
    assert shown[0] == 0
    assert "bank conflicts" in shown[1]
    hardware = load_hardware("edge_npu", ["dram.fidelity=ideal"])
    narrow = load_hardware("edge_npu", ["dram.fidelity=ideal", "sram.ofmap.banks=1"])
    workload = accelsim.load_workload("ds_cnn_kws")
    free, bound = (accelsim.simulate(each, workload) for each in (hardware, narrow))
    assert free.summary["stall_cycles_by_cause"]["bank_conflict"] == 0
    assert bound.summary["stall_cycles_by_cause"]["bank_conflict"] > 0
    assert bound.summary["total_cycles"] > free.summary["total_cycles"]
    assert [row.compute_cycles for row in free.rows] == [row.compute_cycles for row in bound.rows]


def test_banks_hold_nobody_up_unless_their_ports_are_stated():
    network = accelsim.load_workload("ds_cnn_kws")
    free = ["dram.fidelity=ideal", "sram.ofmap.banks=1", "sram.ofmap.ports=null"]
    assert (
        accelsim.simulate(load_hardware("edge_npu", free), network).summary["stall_cycles_by_cause"]["bank_conflict"]
        == 0
    )
    wide = load_hardware("scalesim_default", ["engine.dataflow=ws", "engine.rows=128", "engine.cols=128"])
    assert accelsim.simulate(wide, network, dram="ideal").summary["stall_cycles_by_cause"]["bank_conflict"] == 0
    with pytest.raises(UserError, match="layout: rows makes banks collide, which needs ports"):
        load_hardware("edge_npu", ["sram.ifmap.layout=rows", "sram.ifmap.ports=null"])


def test_layout_is_one_of_activations():
    with pytest.raises(UserError, match=r"weight: layout: is one of activations"):
        load_hardware("edge_npu", ["sram.weight.layout=rows"])
    with pytest.raises(UserError, match="layout"):
        load_hardware("edge_npu", ["sram.ifmap.layout=columns"])


def test_serial_steps_hide_what_they_read():
    """A brick of each of 16 windows is a word, from two banks in the eight cycles of a step; with stride 2 from one."""
    found = Buffers(Buffer(2, 1, 128, "channels_last"), *[Buffer(64, 1, 256, "as_read")] * 2, False, 32)
    engine, waits = bitserial.unit(1, 16, 16, 16), []
    for stride in (1, 2):
        gemm = product_of(convolution((1, 16, 32, 32), (1, 1), (stride, stride)), 16)
        waits.append(count_conflict_cycles(gemm, engine, found, engine.count(gemm).cycles))
    assert waits == [0, 16 * 8]


def test_a_timeline_tells_of_the_banks():
    network = accelsim.load_workload("ds_cnn_kws")
    for layout, told in (("as_read", False), ("rows", True)):
        hardware = load_hardware("edge_npu", ["dram.fidelity=ideal", f"sram.ifmap.layout={layout}"])
        result = accelsim.simulate(hardware, network)
        layer = max(result.rows, key=lambda row: row.bank_conflict_cycles)
        title = timeline_title(layer, replay(hardware, network, result, layer.layer), hardware)
        assert (f"{layer.bank_conflict_cycles:,} wait for banks" in title) is told
