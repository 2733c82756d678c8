"""Tensor cores: closed form, stepped kernel and naive rules agree, and give the published figures."""

import re
from dataclasses import astuple, fields, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import tensorcore as naive
from strategies.sizes import examples
from strategies.tensorcore import PATTERNS, deep, gemms, operands, unit

from accelsim.compress import Compressed
from accelsim.config import UserError
from accelsim.engines.tensorcore import TensorCoreEngine
from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import load_hardware
from accelsim.mapping.footprint import count_compulsory_bytes
from accelsim.workload.gemm import Gemm, apply_pattern


def options_of(engine):
    u, rates = engine.unit, engine.unit.operand_rates
    return naive.Options(
        **{name: getattr(u, name) for name in naive.Options._fields if hasattr(u, name)}
        | {
            "rate": u.rate,
            "tile_k": u.tile_k or u.k,
            "warp_m": u.warp_m or u.tile_m,
            "warp_n": u.warp_n or u.tile_n,
            "core_bits_per_cycle": rates[0],
            "l2_bits_per_cycle": rates[1],
            "sustained_math": Fraction(u.sustained_math).limit_denominator(1000),
        }
    )


def product_of(gemm):
    bits = gemm.activation_bits, gemm.weight_bits
    return naive.Product(gemm.groups, gemm.m, gemm.k, gemm.n, *bits, gemm.pattern and tuple(gemm.pattern))


@examples(1200)
@given(st.data(), deep(), st.integers(0, 99))
def test_all_texts_agree(data, engine, seed):
    gemm = data.draw(gemms(engine.unit.sparse_pattern))
    a, w = operands(gemm, seed)
    product, counts = engine.step(gemm, a, w)
    assert np.array_equal(product, a @ w)
    assert counts == engine.count(gemm)
    assert tuple(astuple(counts)) == naive.count(product_of(gemm), options_of(engine))
    peak = engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits)
    assert counts.cycles * peak >= counts.macs - counts.skipped_macs
    assert counts.macs == gemm.macs


@examples(75)
@given(st.data(), deep())
def test_closed_form_of_long_products(data, engine):
    """Sizes at which k-steps and tiles are skipped over."""
    sizes = [data.draw(st.integers(1, most)) for most in (25, 120, 12, 5)]
    gemm = Gemm(*sizes, pattern=engine.unit.sparse_pattern)
    assert astuple(engine.count(gemm)) == naive.count(product_of(gemm), options_of(engine))


@given(st.data(), deep())
def test_slots_add_up(data, engine):
    gemm = data.draw(gemms(engine.unit.sparse_pattern))
    counts, slots = engine.count(gemm), engine.explain(gemm)
    assert slots.total == counts.cycles * engine.pes
    assert slots.useful == counts.macs - counts.skipped_macs
    assert slots.dense_total == engine.count(replace(gemm, pattern=None)).cycles * engine.pes
    assert slots.ideal_speedup == (gemm.pattern.speedup if gemm.pattern else 1)
    if engine.unit.sustained_math <= 1:
        assert all(getattr(slots, part.name) >= 0 for part in fields(slots))


def of_shape(pattern, m, k, n, bits=8):
    return Gemm(m, k, n, 1, bits, bits, pattern=parse_pattern(pattern))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_gives_exactly_what_it_promises_where_all_divides_and_operands_keep_up(pattern):
    engine = TensorCoreEngine(load_hardware("sparseloop_stc", ["engine.operand_bytes_per_cycle=null"]).engine)
    gemm = of_shape(pattern, 256, 512, 128)
    slots, promised = engine.explain(gemm), gemm.pattern.speedup if gemm.pattern else 1
    assert slots.speedup == slots.ideal_speedup == promised
    assert engine.count(of_shape("dense", 256, 512, 128)).cycles == 256 * 512 * 128 // 1024


def test_unstructured_zeros_change_no_count():
    engine, gemm = unit(cores=2, operand_bytes_per_cycle=3.0), of_shape("dense", 7, 20, 9)
    a, w = operands(gemm, 3)
    thinned = np.where(np.random.default_rng(1).random(w.shape) < 0.7, 0, w)
    assert engine.step(gemm, a, w)[1] == engine.step(gemm, a, thinned)[1] == engine.count(gemm)


def test_one_tile_by_hand():
    """2 x 2 instructions of 4: at 2:4 two cycles each, operands in time; then a bus of one byte a cycle."""
    gemm = of_shape("2:4", 4, 10, 4)  # three instructions deep, K padded by 2; four instructions a k-step
    assert unit().count(gemm).cycles == 3 * 4 * 2
    # 4 pixels x 4 activations, and 4 filters x 2 weights of 8 bits with indices of 2, a k-step: 16 + 10 bytes
    assert unit(operand_bytes_per_cycle=1.0).count(gemm).cycles == 3 * 26
    whole_bytes = replace(gemm, pattern=parse_pattern("2:4", 8))
    assert unit(operand_bytes_per_cycle=1.0).count(whole_bytes).cycles == 3 * 32
    # a k-step waits 2 + 9 cycles for sums; the last of its four instructions is issued in slot 8, and is done 11 later
    assert unit(latency_cycles=9).count(gemm).cycles == 2 * 11 + 8 + 11
    slots = unit().explain(gemm)
    assert (slots.useful, slots.padded_k) == (4 * 4 * 6, 0)  # of the last group two are there
    assert unit().explain(of_shape("2:4", 4, 9, 4)).padded_k == 4 * 4


@pytest.mark.parametrize(("text", "bits", "share"), [("2:4", 16, 0.5625), ("2:4", 8, 0.625), ("1:4", 8, 0.3125)])
def test_bytes_of_compressed_weights(text, bits, share):
    gemm = of_shape(text, 1, 4096, 64, bits)
    assert gemm.weight_column_bits(4096) == share * 4096 * bits
    read, _ = count_compulsory_bytes(gemm)
    assert read == 4096 * bits // 8 + share * 4096 * 64 * bits / 8
    assert gemm.weight_column_bits(4097) - gemm.weight_column_bits(4096) == gemm.pattern.kept * gemm.stored_weight_bits


def test_sparseloop_needs_its_index_granule():
    """2:6 and 2:8 come out with 4-bit indices; with 3 bits they would not."""
    gemm = apply_pattern(Gemm(1024, 1152, 128), parse_pattern("2:8", 2))
    assert TensorCoreEngine(load_hardware("sparseloop_stc").engine).count(gemm).cycles == 66707
    three = TensorCoreEngine(load_hardware("sparseloop_stc", ["engine.index_granule_bits=1"]).engine)
    assert three.count(apply_pattern(Gemm(1024, 1152, 128), parse_pattern("2:8"))).cycles < 66707


def test_what_a_core_refuses():
    engine, gemm = unit("2:4"), of_shape("2:4", 2, 8, 2)
    a, w = np.ones((1, 2, 8), int), np.zeros((1, 8, 2), int)
    full = w.copy()
    full[0, 5:8, 1] = 1
    for bad_a, bad_w, told in (
        (a, full, "weights break the 2:4 pattern: filter 1 has 3 that are not zero among 4 to 7 along K"),
        (a, w[:, :7], "weights: shape (1, 7, 2)"),
        (a.astype(float), w, "activations: holds float64"),
        (a * 200, w - 1, "weights break"),
        (a * 999, w, "activations: values 999 to 999 do not fit 8 unsigned bits"),
    ):
        with pytest.raises(UserError, match=re.escape(told)):
            engine.step(gemm, bad_a, bad_w)
    with pytest.raises(UserError, match="do not fit a 64-bit count"):
        TensorCoreEngine(load_hardware("a100").engine).count(Gemm(1, 2**31, 1, 2**30))


@pytest.mark.parametrize("places", [[0, 4], [1, 1], [2, 0], [3, 255]])
def test_invalid_metadata_is_refused(places):
    gemm, metadata = of_shape("2:4", 1, 8, 1), np.array([[[0, 1, 0, 1]]], np.uint8)
    stored = Compressed(np.ones((1, 1, 4), int), metadata)
    a = np.arange(8)[None, None]
    product, _ = unit("2:4").step_compressed(gemm, a, stored)
    assert product[0, 0, 0] == 0 + 1 + 4 + 5
    beyond = of_shape("2:4", 1, 5, 1)
    with pytest.raises(UserError, match="some that are not zero lie beyond K; allowed: below 5"):
        unit("2:4").step_compressed(beyond, a[:, :, :5], stored)
    with pytest.raises(UserError, match="weights: values 200 to 200 do not fit 8 signed bits"):
        unit("2:4").step_compressed(gemm, a, Compressed(stored.values * 200, metadata))
    metadata[0, 0, 2:] = places
    with pytest.raises(UserError, match=r"metadata of filter 0, group 1 along K: places .* allowed: 2 rising places"):
        unit("2:4").step_compressed(gemm, a, stored)


def test_a_bus_too_odd_to_step_is_refused_and_counted_all_the_same():
    odd = unit(
        m=1,
        n=1,
        k=1,
        macs_per_cycle=1,
        tile_m=4096,
        tile_n=4096,
        operand_bytes_per_cycle=125.001,
        l2_bytes_per_cycle=131.071,
    )
    gemm = Gemm(4096, 1, 4096)
    assert odd.count(gemm).cycles == 4096 * 4096
    with pytest.raises(UserError, match=r"too long to step with \d+ bus ticks a cycle; allowed: rounder"):
        odd.step(gemm, np.ones((1, 4096, 1), int), np.ones((1, 1, 4096), int))


def test_what_is_sustained_is_the_peak_as_well():
    engine = unit(macs_per_cycle=64, m=8, n=8, tile_m=8, tile_n=8, sustained_math=1.33333)
    counts = engine.count(Gemm(4096, 1024, 8))
    assert counts.macs <= counts.cycles * engine.peak_macs_per_cycle(8, 8)
