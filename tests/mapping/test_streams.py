"""Streams of tiles: they move what the loop nest does."""

import dataclasses
from fractions import Fraction
from math import ceil

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from naive import mapping as naive
from strategies.mappings import BASE, machine, mappings

import accelsim
from accelsim.engines.table import build_engine
from accelsim.mapping.streams import build_gemm_stream, build_vector_stream
from accelsim.memory.schedule import schedule_stream
from accelsim.memory.sram import describe_room


def expected_moves(gemm, mapping):
    """Bytes per step by walking the loop nest with buffers and counting raw elements one by one."""
    sizes, tiles = {"m": gemm.m, "n": gemm.n, "k": gemm.k}, dict(zip("mnk", mapping[:3], strict=True))
    kept = dict(zip(("ifmap", "weight", "ofmap"), mapping.kept, strict=True))
    conv = gemm.convolution and dataclasses.asdict(gemm.convolution)
    bits = gemm.activation_bits, gemm.weight_bits, gemm.output_bits
    for ranges, moves in naive.walk(sizes, tiles, mapping.order, kept):
        yield naive.moved_bytes(ranges, moves, conv, bits, gemm.biased)


@given(mappings())
def test_a_stream_moves_what_the_loop_nest_does(case):
    gemm, mapping = case
    hardware = machine()
    stream = build_gemm_stream(gemm, mapping, hardware, build_engine(hardware.engine), 1000, Fraction(0))
    assert int(stream.engine_cycles.sum()) == 1000
    loads = np.column_stack([stream.load_bytes, stream.store_bytes])
    expected = list(expected_moves(gemm, mapping)) * gemm.groups
    assert loads.shape[0] == len(expected)
    ours, theirs = loads[:, 1:], np.array(expected)[:, 1:]
    assert ours.tolist() == theirs.tolist()
    assert ((loads[:, 0] > 0) == (np.array(expected)[:, 0] > 0)).all() or gemm.convolution
    assert (loads[:, 0] >= np.array(expected)[:, 0]).all()  # all kernel rows, also where a slice of K needs fewer
    if gemm.convolution is None or mapping.tile_k == gemm.k:
        assert loads[:, 0].tolist() == [row[0] for row in expected]


@given(st.integers(0, 10**6), st.integers(0, 10**5), st.integers(1, 10**6), st.floats(0, 1e6))
def test_vector_stream_moves_everything_once(ifmap, weights, stored, work):
    stream = build_vector_stream((ifmap, weights), stored, Fraction(work), BASE, describe_room(BASE.sram))
    assert stream.load_bytes.sum(axis=0).tolist() == [ifmap, weights, 0]
    assert stream.write_bytes == stored
    assert (stream.load_bytes[:, 0] <= BASE.sram.operand_bytes[0] // 2).all()
    busy = ceil(Fraction(work) / BASE.vector.lanes) + BASE.vector.latency_cycles * (work > 0)
    assert int(stream.vector_cycles.sum()) == busy
    assert schedule_stream(stream, BASE).total_cycles > 0


def test_the_vector_unit_s_latency_is_paid_once():
    from fractions import Fraction

    hardware = accelsim.load_hardware("edge_npu", ["vector.latency_cycles=11"])
    busy = build_vector_stream((64, 0), 64, Fraction(640), hardware, describe_room(hardware.sram))
    assert int(busy.vector_cycles.sum()) == 10 + 11
    assert (
        int(build_vector_stream((64, 0), 64, Fraction(0), hardware, describe_room(hardware.sram)).vector_cycles.sum())
        == 0
    )
