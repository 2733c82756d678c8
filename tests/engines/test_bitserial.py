"""Bit-serial units: closed form, stepped kernel and naive rules agree, and give the published figures."""

import itertools
import subprocess
import sys
from dataclasses import astuple, fields, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import bitserial as naive
from strategies.bitserial import SERIAL, convolution, gemms, unit, units
from strategies.networks import convolution_nodes
from strategies.operands import operands
from strategies.sizes import UNJITTED, examples

from accelsim.config import UserError
from accelsim.engines.bitserial import BitSlots
from accelsim.engines.space_to_depth import pack_space_to_depth
from accelsim.workload.gemm import Gemm, OperandBits, lower_to_gemm

STRIPES, DADIANNAO = unit(16, 16, 16, 16), unit(16, 16, 1, 16, "none")


def naive_layer(engine, gemm, signed):
    positions, channels = 1, gemm.k
    if gemm.convolution and not (engine.unit.pack_depthwise and gemm.convolution.channels == 1):
        positions, channels = gemm.convolution.kernel[0] * gemm.convolution.kernel[1], gemm.convolution.channels
    connected = gemm.convolution is None and gemm.m == 1
    return naive.Layer(positions, channels, gemm.activation_bits, gemm.weight_bits, signed, connected)


@examples(1200)
@given(units(), gemms(), st.integers(0, 99), st.booleans())
def test_all_texts_agree(engine, gemm, seed, signed):
    a, w = operands(gemm, seed, signed)
    product, counts = engine.step(replace(gemm, activation_signed=signed), a, w)
    assert np.array_equal(product, a @ w)
    assert counts == engine.count_values(gemm, a, w, signed)
    options = naive.Options(**engine.unit.model_dump(include=set(naive.Options._fields)))
    assert astuple(counts) == naive.bitserial(a.tolist(), w.tolist(), naive_layer(engine, gemm, signed), options)
    if engine.unit.skip == "none":
        assert counts == engine.count(gemm)
    assert counts.macs == gemm.macs
    peak = engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits)
    assert counts.cycles * peak >= gemm.macs * (1 - 1e-12)


@pytest.mark.parametrize("serial", SERIAL)
def test_product_is_exact_at_every_width(serial):
    for bits, weight_bits in itertools.product(range(1, 17), (1, 2, 15, 16) if UNJITTED else range(1, 17)):
        gemm = Gemm(2, 5, 3, 1, bits, weight_bits)
        for seed in (0, 3):
            a, w = operands(gemm, seed)
            assert np.array_equal(
                unit(1, 2, 2, 4, serial).step(replace(gemm, activation_signed=True), a, w)[0], a @ w
            ), (bits, weight_bits)


@given(units(), gemms(), st.integers(0, 99), st.booleans())
def test_losses_add_up(engine, gemm, seed, signed):
    """Ideal plus losses is every slot of every cycle, and the ideal is what bits alone decide."""
    described = engine.unit
    a, w = operands(gemm, seed, signed)
    cycles = engine.count_values(gemm, a, w, signed).cycles
    losses = engine.explain(gemm, a, w, signed)
    slots = described.bits_per_cycle if described.serial in ("activations", "both") else 1
    assert losses.total == cycles * described.tiles * described.rows * described.cols * described.lanes * slots
    bits = {
        "none": Fraction(1),
        "activations": Fraction(16, gemm.activation_bits),
        "weights": Fraction(16, gemm.weight_bits),
        "both": Fraction(16 * 16, gemm.activation_bits * gemm.weight_bits),
    }[described.serial]
    assert losses.ideal_speedup == bits
    parts = astuple(losses)
    assert sum(parts[5:10]) == losses.total - losses.ideal
    signless = {"skipped", "column_wait"} if described.column_registers else {"skipped"}
    assert all(getattr(losses, part.name) >= 0 for part in fields(BitSlots) if part.name not in signless)
    if described.skip == "none":
        assert losses == engine.explain(gemm)
        assert losses.skipped == losses.column_wait == 0


def test_losses_of_one_layer_by_hand():
    """5 windows on 2 columns, 3 filters on 2 tiles of 2 rows, 3 channels on 2 lanes, 3 bits taken 2 a cycle."""
    losses = unit(2, 2, 2, 2, bits_per_cycle=2).explain(Gemm(5, 3, 3, activation_bits=3))
    # 3 window sets x 2 bricks x 2 cycles, 16 lanes of 2 slots
    assert losses.total == 12 * 16 * 2
    assert losses.useful == 5 * 3 * 3 * 3
    assert losses.idle_lanes == 5 * 3 * 3
    assert losses.idle_rows == 5 * 4 * 3
    assert losses.idle_tiles == 0
    assert losses.unused_bits == 5 * 2 * 8 * (2 * 2 - 3)
    assert losses.idle_columns == 1 * 2 * 2 * 8 * 2
    assert losses.speedup == Fraction(5 * 2 * 8 * 16, 12 * 16 * 2)


# Activation bits of the convolutions at 100 % accuracy: Judd et al. 2016, from memory, not read again.
ALEXNET_BITS = (9, 8, 5, 5, 7)


VGG_19_BITS = (12, 12, 12, 11, 12, 10, 11, 11, 13, 12, 13, 13, 13, 13, 13, 13)


def network_convolutions(workload, bits):
    """Gemms of a network's convolutions, with 16-bit weights and the profile's activations."""
    widths = zip(convolution_nodes(workload), bits, strict=True)
    return [lower_to_gemm(node, 1, OperandBits(wide, 16, 16)) for node, wide in widths]


def total(engine, gemms):
    return sum(engine.count(gemm).cycles for gemm in gemms)


def test_alexnet():
    """Judd et al. 2016: Stripes over DaDianNao on AlexNet's convolutions at its 100 % profile."""
    gemms = network_convolutions("alexnet_grouped", ALEXNET_BITS)
    first_packed = [pack_space_to_depth(gemm) for gemm in gemms]
    assert [gemm is other for gemm, other in zip(gemms, first_packed, strict=True)] == [False, True, True, True, True]
    assert total(DADIANNAO, first_packed) == 312_705
    assert total(STRIPES, first_packed) == 145_722
    assert total(DADIANNAO, gemms) / total(STRIPES, gemms) == pytest.approx(1.948, abs=5e-4)
    losses = sum((STRIPES.explain(gemm) for gemm in first_packed), BitSlots())
    assert losses.speedup == Fraction(312_705, 145_722)
    assert losses.ideal_speedup > losses.speedup
    assert losses.total - losses.ideal == losses.idle_columns


def vgg_19_convolutions():
    """Channels, filters, side: Simonyan and Zisserman 2015, table 1, configuration E."""
    channels = 3
    for filters, count, side in ((64, 2, 224), (128, 2, 112), (256, 4, 56), (512, 4, 28), (512, 4, 14)):
        for _ in range(count):
            yield channels, filters, side
            channels = filters


def test_vgg_19():
    gemms = [
        convolution(channels, (3, 3), (side, side), filters, bits=(bits, 16))
        for (channels, filters, side), bits in zip(vgg_19_convolutions(), VGG_19_BITS, strict=True)
    ]
    assert total(DADIANNAO, gemms) / total(STRIPES, gemms) == pytest.approx(1.345, abs=5e-4)


def test_half_the_bits_take_half_the_cycles():
    for gemm in network_convolutions("alexnet_grouped", ALEXNET_BITS):
        wide, narrow = (STRIPES.count(replace(gemm, activation_bits=bits)).cycles for bits in (16, 8))
        assert wide == 2 * narrow


def test_sixteen_bits_are_bit_parallel_where_windows_divide():
    gemm = convolution(32, (3, 3), (8, 8), 300, bits=(16, 16))
    assert STRIPES.count(gemm).cycles == DADIANNAO.count(gemm).cycles


@pytest.mark.parametrize("bits", range(1, 17))
def test_one_unit_takes_bits_cycles_a_brick(bits):
    streamed, one = unit(1, 1, 1, 16), Gemm(1, 16 * 50, 1, activation_bits=bits)
    assert streamed.count(one).cycles == bits * 50
    assert streamed.count(convolution(16, (5, 10), (1, 1), 1, bits=(bits, 8))).cycles == bits * 50


def test_fully_connected():
    """AlexNet's last layer: weights arrive one column a cycle, so narrow activations buy nothing."""
    gemm = Gemm(1, 4096, 1000, activation_bits=8, weight_bits=16)
    steps = 4 * 256
    assert DADIANNAO.count(gemm).cycles == steps
    assert STRIPES.count(gemm).cycles == 63 * 16 + 15 + 8
    assert STRIPES.explain(gemm).weight_wait > 0
    assert unit(16, 16, 16, 16, "both").count(replace(gemm, weight_bits=3)).cycles == 63 * 24 + 15 + 24
    assert unit(16, 16, 16, 16, "weights").count(replace(gemm, weight_bits=3)).cycles == 63 * 16 + 15 + 3


def test_pragmatic_by_hand():
    """Lanes with bits {0, 5}, {1} and none: the shifter's reach decides how far from bit 0 a lane may be."""
    gemm, a, w = Gemm(1, 3, 1), np.array([[[33, 2, 0]]]), np.ones((1, 3, 1), int)
    cycles = [
        unit(1, 1, 1, 3, skip="essential", shifter_bits=reach).count_values(gemm, a, w).cycles for reach in range(5)
    ]
    assert cycles == [3, 2, 2, 2, 2]


def test_depthwise_packed_on_the_lanes():
    gemm = convolution(1, (3, 3), (7, 7), 1, groups=32)
    assert STRIPES.count(gemm).cycles == 32 * 4 * 9 * 8
    assert unit(16, 16, 16, 16, pack_depthwise=True).count(gemm).cycles == 32 * 4 * 1 * 8


def test_peak():
    assert STRIPES.peak_macs_per_cycle(16, 16) == DADIANNAO.peak_macs_per_cycle(16, 16) == 4096
    assert unit(16, 16, 16, 16, "both").peak_macs_per_cycle(16, 16) == 256
    assert unit(1, 1, 1, 16).peak_macs_per_cycle(16, 16) == 1
    assert STRIPES.peak_macs_per_cycle(5, 8) == 65536 / 5


def test_title_says_what_is_skipped():
    assert STRIPES.title == "16x16x16x16 bit-serial activations"
    assert unit(1, 2, 3, 4, skip="essential").title == "1x2x3x4 bit-serial activations, essential"


ORDINARY = Gemm(2, 3, 4)


REFUSED = [
    (replace(ORDINARY, activation_bits=0), {}, "activation_bits: 0; allowed on a unit with pe_bits 16: 1 to 16"),
    (replace(ORDINARY, activation_bits=17), {}, "activation_bits: 17"),
    (replace(ORDINARY, weight_bits=17), {}, "weight_bits: 17"),
    (ORDINARY, {"a": np.zeros((1, 2, 4), int)}, r"activations: shape \(1, 2, 4\); allowed: \(1, 2, 3\)"),
    (ORDINARY, {"w": np.zeros((3, 4), int)}, r"weights: shape \(3, 4\); allowed: \(1, 3, 4\)"),
    (ORDINARY, {"a": np.full((1, 2, 3), np.nan)}, "activations: holds float64; allowed: integers"),
    (ORDINARY, {"w": np.ones((1, 3, 4), bool)}, "weights: holds bool; allowed: integers"),
    (ORDINARY, {"a": np.full((1, 2, 3), 256)}, "values 256 to 256 do not fit 8 unsigned bits; allowed: 0 to 255"),
    (ORDINARY, {"a": np.full((1, 2, 3), 2**63, np.uint64)}, "do not fit 8 unsigned bits; allowed: 0 to 255"),
    (ORDINARY, {"a": np.array([[[-1, 128, 0]] * 2])}, "-1 to 128 do not fit 8 signed bits; allowed: -128 to 127"),
    (replace(ORDINARY, activation_signed=False), {"a": np.full((1, 2, 3), -1)}, "do not fit 8 unsigned bits"),
    (replace(ORDINARY, weight_bits=1), {"w": np.ones((1, 3, 4), int)}, "do not fit 1 signed bits; allowed: -1 to 0"),
]


@pytest.mark.parametrize(("gemm", "changed", "message"), REFUSED)
@pytest.mark.parametrize("skip", ["none", "essential"])
def test_mistakes_are_told_in_one_line(gemm, changed, message, skip):
    operands = {"a": np.zeros((1, 2, 3), int), "w": np.zeros((1, 3, 4), int), **changed}
    for text in (STRIPES.count_values, STRIPES.step, STRIPES.explain, unit(2, 2, 2, 2, skip=skip).step):
        with pytest.raises(UserError, match=message) as error:
            text(gemm, **operands)
        assert "\n" not in str(error.value)


def test_values_are_needed_where_they_decide():
    for text in (unit(1, 1, 1, 1, skip="dynamic").count, unit(1, 1, 1, 1, skip="essential").explain):
        with pytest.raises(UserError, match="takes the time that values need"):
            text(Gemm(1, 1, 1))


def test_counts_beyond_int64_are_refused():
    with pytest.raises(UserError, match="do not fit a 64-bit count"):
        STRIPES.count(Gemm(2**20, 2**20, 2**20))


def test_engine_is_a_value():
    assert unit(1, 2, 3, 4) == unit(1, 2, 3, 4)
    assert len({unit(1, 2, 3, 4), unit(1, 2, 3, 4), unit(1, 2, 3, 5)}) == 2


@pytest.mark.slow
def test_closed_form_needs_no_numba():
    code = (
        "import sys; import accelsim.engines.bitserial, accelsim.engines.space_to_depth; "
        "print(sorted({'numba', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
