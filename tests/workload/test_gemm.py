"""Layers as products: sizes, im2col against the direct convolution, widths, and bands."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.convolution import convolve
from strategies.convolutions import convolution, product_of
from strategies.networks import IMAGE, network, node

from accelsim.config import UserError
from accelsim.workload.gemm import Gemm, OperandBits, cut_bands, find_operand_widths, im2col, lower_to_gemm

BITS = OperandBits(8, 4, 16)


@pytest.mark.parametrize(
    ("shape", "text", "batch", "sizes"),
    [
        ("{channels: 4, height: 6, width: 5}", "type: conv2d, out_channels: 8, kernel: 3", 1, (12, 36, 8, 1)),
        (
            "{channels: 4, height: 6, width: 5}",
            "type: conv2d, out_channels: 8, kernel: 3, groups: 2",
            3,
            (36, 18, 4, 2),
        ),
        ("{channels: 4, height: 6, width: 5}", "type: conv2d, out_channels: 8, kernel: 3, groups: 4", 1, (12, 9, 2, 4)),
        ("{channels: 4, height: 6, width: 5}", "type: linear, out_features: 8", 3, (3, 120, 8, 1)),
        ("{tokens: 7, features: 5}", "type: linear, out_features: 8", 3, (21, 5, 8, 1)),
        ("{features: 5}", "type: linear, out_features: 8", 1, (1, 5, 8, 1)),
        ("{features: 5}", "type: matmul, m: 2, k: 3, n: 4, repeat: 5", 3, (2, 3, 4, 15)),
        ("{features: 5}", "type: matmul, m: 2, k: 3, n: 4, repeat: 5, weights: true", 3, (6, 3, 4, 5)),
    ],
)
def test_the_sizes_of_a_product(shape, text, batch, sizes):
    gemm = lower_to_gemm(node(text, shape=shape), batch, BITS)
    assert (gemm.m, gemm.k, gemm.n, gemm.groups) == sizes
    assert gemm.macs == math.prod(sizes)


@pytest.mark.parametrize(
    ("text", "bits", "stored", "biased"),
    [
        ("type: conv2d, out_channels: 8, kernel: 3", (8, 4, 16), True, True),
        ("type: conv2d, out_channels: 8, kernel: 3, bias: false", (8, 4, 16), True, False),
        ("type: conv2d, out_channels: 8, kernel: 3, batch_norm: true", (8, 4, 16), True, True),
        ("type: linear, out_features: 8", (8, 4, 16), True, True),
        ("type: linear, out_features: 8, bias: false", (8, 4, 16), True, False),
        ("type: matmul, m: 2, k: 3, n: 4, weights: true", (8, 4, 16), True, False),
        ("type: matmul, m: 2, k: 3, n: 4", (8, 8, 16), False, False),
    ],
)
def test_what_a_product_carries(text, bits, stored, biased):
    gemm = lower_to_gemm(node(text), 1, BITS)
    assert (gemm.activation_bits, gemm.weight_bits, gemm.output_bits) == bits
    assert (gemm.weights_stored, gemm.biased) == (stored, biased)


@pytest.mark.parametrize("text", ["type: softmax", "type: max_pool, kernel: 2", "type: reshape, to: flatten"])
def test_a_layer_without_a_product(text):
    assert lower_to_gemm(node(text), 1, BITS) is None


@given(
    st.sampled_from(["conv2d", "linear", "tokens", "matmul", "weights"]),
    st.lists(st.integers(1, 6), min_size=8, max_size=8),
)
def test_a_product_does_the_macs_of_its_layer(kind, sizes):
    groups, channels, filters, kernel, stride, rows, columns, batch = sizes
    shape = f"{{channels: {channels * groups}, height: {rows + 5}, width: {columns + 5}}}"
    text = f"type: linear, out_features: {filters}"
    if kind == "conv2d":
        text = f"type: conv2d, out_channels: {filters * groups}, kernel: {kernel}, stride: {stride}, groups: {groups}"
    elif kind == "tokens":
        shape = f"{{tokens: {rows}, features: {columns}}}"
    elif kind != "linear":
        text = f"type: matmul, m: {rows}, k: {columns}, n: {filters}, repeat: {groups}, weights: {kind == 'weights'}"
    layer = node(text, shape=shape)
    assert lower_to_gemm(layer, batch, BITS).macs == layer.macs * batch > 0


def test_counts_that_leave_int64_are_refused():
    assert Gemm(2**21, 2**21, 2**21 - 1).macs < 2**63
    with pytest.raises(UserError, match=r"^M=2097152, K=2097152, N=2097152, groups=1: .* at most 9223372036854775807$"):
        Gemm(2**21, 2**21, 2**21)
    with pytest.raises(UserError, match="groups=2: the MACs do not fit"):
        Gemm(2**21, 2**21, 2**20, 2)
    with pytest.raises(UserError, match="do not fit a 64-bit count"):
        Gemm(10**400, 1, 1)
    for sizes in ((0, 1, 1, 1), (1, 0, 1, 1), (1, 1, -1, 1), (1, 1, 1, 0)):
        with pytest.raises(UserError, match="must be 1 or more"):
            Gemm(*sizes)


small = st.integers(1, 3)


@st.composite
def convolutions(draw):
    """A conv2d layer on its image, and a batch."""
    groups, channels, filters, batch = draw(small), draw(small), draw(small), draw(small)
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    pair, four = st.tuples(small, small), st.tuples(*[st.integers(0, 3)] * 4)
    kernel, stride, dilation, padding = draw(pair), draw(pair), draw(pair), draw(four | st.just("same"))
    fits = padding == "same" or all(
        before + size + after >= (k - 1) * d + 1
        for size, before, after, k, d in zip((height, width), padding[:2], padding[2:], kernel, dilation, strict=True)
    )
    text = (
        f"type: conv2d, out_channels: {filters * groups}, groups: {groups}, kernel: {[*kernel]}, stride: {[*stride]},"
        f" dilation: {[*dilation] if fits else 1}, padding: {[*padding] if padding != 'same' and fits else 'same'},"
        f" ceil_mode: {draw(st.booleans())}"
    )
    return node(text, shape=f"{{channels: {channels * groups}, height: {height}, width: {width}}}"), batch


def check_convolution(layer, batch):
    gemm = lower_to_gemm(layer, batch, BITS)
    conv, groups = gemm.convolution, gemm.groups
    values = np.random.default_rng(0)
    images = values.integers(-9, 10, (batch, groups * conv.channels, conv.height, conv.width))
    weights = values.integers(-9, 10, (groups * gemm.n, conv.channels, *conv.kernel))
    a = im2col(images, conv)
    assert a.shape == (groups, gemm.m, gemm.k)
    w = weights.reshape(groups, gemm.n, gemm.k).transpose(0, 2, 1)
    got = (a @ w).transpose(0, 2, 1).reshape(groups * gemm.n, batch, conv.out_height, conv.out_width).swapaxes(0, 1)
    out = (conv.out_height, conv.out_width)
    want = convolve(images.tolist(), weights.tolist(), conv.stride, conv.padding, conv.dilation, groups, out)
    assert got.tolist() == want


@given(convolutions())
def test_im2col_times_weights_is_the_direct_convolution(drawn):
    check_convolution(*drawn)


@pytest.mark.parametrize(
    "text",
    [
        "kernel: 3, stride: 2, ceil_mode: true",  # one window reaches over right and bottom edge
        "kernel: 2, stride: 3, ceil_mode: true, padding: [1, 0]",
        "kernel: [6, 1], stride: [4, 1], ceil_mode: true, padding: [0, 0, 1, 0]",
        "kernel: 3, padding: [0, 1, 2, 3], dilation: 2",
        "kernel: 3, padding: [3, 3, 0, 0], groups: 2",
        "kernel: 1, stride: 2",
    ],
)
def test_im2col_at_the_edges(text):
    check_convolution(node(f"type: conv2d, out_channels: 4, {text}"), batch=2)


LINEAR = "type: linear, out_features: 2"


NARROW = f"{LINEAR}, activation_bits: 4"


RESHAPE, HALVE = "type: reshape, to: {tokens: 2, features: 1}", "type: split, parts: 2, part: "


@pytest.mark.parametrize(
    ("keys", "layers", "expected"),
    [
        ({}, [LINEAR], [(8, 8, 8)]),
        ({"activation_bits": 4, "weight_bits": 2}, [LINEAR], [(4, 2, 4)]),
        ({"activation_bits": 4, "weight_bits": 2}, [f"{LINEAR}, activation_bits: 6, weight_bits: 3"], [(6, 3, 6)]),
        ({"weight_bits": 2}, [LINEAR, NARROW], [(8, 2, 4), (4, 2, 4)]),
        (
            {},
            [NARROW, f"{LINEAR}, activation_bits: 6", f"{LINEAR}, activation_bits: 5, input: a"],
            [(4, 8, 6), (6, 8, 6), (5, 8, 5)],
        ),
        # a view stores nothing: what stands before it is stored as what stands behind it reads
        ({}, [LINEAR, RESHAPE, NARROW], [(8, 8, 4), (4, 8, 4), (4, 8, 4)]),
        (
            {},
            [
                LINEAR,
                HALVE + "0",
                HALVE + "1, input: a",
                f"{NARROW}, input: b",
                "type: softmax, activation_bits: 2, input: c",
            ],
            [(8, 8, 4), (4, 8, 4), (2, 8, 2), (4, 8, 4), (2, 8, 2)],
        ),
        (
            {},
            [LINEAR, "type: reshape, to: flatten, activation_bits: 3", "type: softmax"],
            [(8, 8, 3), (3, 8, 8), (8, 8, 8)],
        ),
        (
            {},
            [
                LINEAR,
                "type: softmax, activation_bits: 16, executed: false",
                "type: softmax, activation_bits: 4, input: a",
            ],
            [(8, 8, 4), (16, 8, 16), (4, 8, 4)],
        ),
    ],
)
def test_widths(keys, layers, expected):
    assert find_operand_widths(network(*layers, input=IMAGE, **keys), 8) == expected


def test_bands_cover_every_row_and_read_what_their_windows_touch():
    gemm = product_of(convolution((1, 1, 13, 9), (3, 3), (2, 2), (1, 1, 1, 1)), 4)
    for bands in (1, 2, 3, 7):
        parts = cut_bands(gemm, bands)
        assert sum(part.m for part in parts) == gemm.m
        row = 0
        for part in parts:
            conv = part.convolution
            touched = [y for r in range(row, row + conv.out_height) for y in range(2 * r - 1, 2 * r + 2)]
            assert conv.height == len({y for y in touched if 0 <= y < 13})
            assert conv.padding[0] == sum(y < 0 for y in set(touched))
            assert conv.padding[2] == sum(y >= 13 for y in set(touched))
            row += conv.out_height
