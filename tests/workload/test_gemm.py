"""Layers as products: sizes, im2col against the direct convolution, widths, element-wise work, random operands."""

import math
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.convolution import convolve
from strategies.convolutions import convolution, product_of
from strategies.networks import network

from accelsim.config import UserError
from accelsim.workload.gemm import Gemm, OperandBits, find_operand_widths, im2col, lower_to_gemm
from accelsim.workload.layers import Function
from accelsim.workload.random_operands import draw_operands, multiply_exactly
from accelsim.workload.vector_work import FUNCTION_OPERATIONS, count_vector_work

IMAGE = "{channels: 4, height: 6, width: 5}"
BITS = OperandBits(8, 4, 16)


def node(text, shape=IMAGE):
    """A layer on an input of a shape."""
    return network(text, input=shape).nodes[0]


# products


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


# im2col

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


# widths

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


# element-wise work: the shape is 4 x 6 x 5, 120 elements


@pytest.mark.parametrize(
    ("text", "integer", "exact"),
    [
        ("type: conv2d, out_channels: 2, kernel: 3", {"mul": 24}, {}),
        ("type: conv2d, out_channels: 2, kernel: 3, activation: relu6", {"mul": 24, "max": 48}, {"max": 48}),
        ("type: conv2d, out_channels: 2, kernel: 3, batch_norm: true", {"mul": 24}, {}),
        (
            "type: linear, out_features: 7, activation: hard_swish",
            {"add": 7, "mul": 21, "max": 14},
            {"add": 7, "mul": 14, "max": 14},
        ),
        ("type: matmul, m: 2, k: 3, n: 4, repeat: 5", {"mul": 40}, {}),
        ("type: max_pool, kernel: [2, 1]", {"max": 60}, {"max": 60}),
        ("type: max_pool, kernel: 1", {}, {}),
        ("type: avg_pool, kernel: [2, 1]", {"add": 60, "mul": 120}, {"add": 60, "mul": 60}),
        ("type: avg_pool, kernel: [6, 5]", {"add": 116, "mul": 8}, {"add": 116, "mul": 4}),
        ("type: global_avg_pool", {"add": 116, "mul": 8}, {"add": 116, "mul": 4}),
        ("type: add, input: [input, input, input]", {"add": 240, "mul": 120}, {"add": 240}),
        (
            "type: add, input: [input, input], activation: relu",
            {"add": 120, "mul": 120, "max": 120},
            {"add": 120, "max": 120},
        ),
        ("type: mul, input: [input, input]", {"mul": 240}, {"mul": 120}),
        ("type: activation, function: swish", {"lookup": 120, "mul": 120}, {"lookup": 120, "mul": 120}),
        ("type: activation, function: none", {}, {}),
        # each of 30 positions: largest of 4, subtracted, exp, summed, one reciprocal, 4 products
        (
            "type: softmax",
            {"max": 120, "add": 240, "exp": 120, "mul": 240, "divide": 30},
            {"max": 120, "add": 240, "exp": 120, "mul": 120, "divide": 30},
        ),
        (
            "type: softmax, groups: 2",
            {"max": 120, "add": 240, "exp": 120, "mul": 240, "divide": 60},
            {"max": 120, "add": 240, "exp": 120, "mul": 120, "divide": 60},
        ),
        # mean, centring, sum of squares, shift; square, reciprocal deviation, scale; one root and one division a row
        (
            "type: layer_norm",
            {"add": 480, "mul": 480, "divide": 30, "lookup": 30},
            {"add": 480, "mul": 360, "divide": 30, "lookup": 30},
        ),
        (
            "type: rms_norm",
            {"add": 120, "mul": 480, "divide": 30, "lookup": 30},
            {"add": 120, "mul": 360, "divide": 30, "lookup": 30},
        ),
        ("type: batch_norm", {"mul": 240, "add": 120}, {"mul": 120, "add": 120}),
        ("type: reshape, to: flatten", {}, {}),
        ("type: concat, input: [input, input]", {}, {}),
        ("type: split, parts: 2, part: 0", {}, {}),
        ("type: channel_shuffle, groups: 2", {}, {}),
        ("type: upsample, factor: 2", {}, {}),
    ],
)
def test_vector_work(text, integer, exact):
    layer = node(text)
    assert count_vector_work(layer, 1, integer=True) == integer
    assert count_vector_work(layer, 1, integer=False) == exact
    assert count_vector_work(layer, 3, integer=True) == {kind: 3 * count for kind, count in integer.items()}


def test_an_embedding_computes_nothing():
    layer = node("type: embedding, rows: 3, features: 4", shape="{tokens: 5, features: 1}")
    assert count_vector_work(layer, 1, integer=True) == {}


@pytest.mark.parametrize(
    ("function", "costs"),
    [
        ("none", {}),
        ("relu", {"max": 1}),
        ("relu6", {"max": 2}),
        ("leaky_relu", {"max": 1, "mul": 1}),  # max(x, slope x)
        ("sigmoid", {"lookup": 1}),
        ("tanh", {"lookup": 1}),
        ("gelu", {"lookup": 1, "mul": 1}),  # x times a table
        ("swish", {"lookup": 1, "mul": 1}),
        ("hard_sigmoid", {"add": 1, "mul": 1, "max": 2}),  # relu6(x + 3) / 6
        ("hard_swish", {"add": 1, "mul": 2, "max": 2}),
    ],
)
def test_a_function_costs_the_same_fused_or_alone(function, costs):
    fused = count_vector_work(node(f"type: linear, out_features: 3, activation: {function}"), 1, integer=False)
    alone = count_vector_work(node(f"type: activation, function: {function}", shape="{features: 3}"), 1, integer=False)
    assert fused == alone == {kind: 3 * count for kind, count in costs.items()}


def test_every_function_has_its_cost():
    assert set(FUNCTION_OPERATIONS) == set(get_args(Function))


# operands


@pytest.mark.parametrize("bits", range(1, 33))
def test_random_operands_fill_their_widths_and_stay_in_them(bits):
    gemm = Gemm(64, 32, 64, 2, activation_bits=bits, weight_bits=33 - bits)
    for values, width in zip(draw_operands(gemm, integer=True, seed=1), (bits, 33 - bits), strict=True):
        half = 2 ** (width - 1)
        assert values.dtype == (np.int8 if width <= 8 else np.int16 if width <= 16 else np.int32)
        assert -half <= values.min() < -half * 0.8
        assert half * 0.8 - 1 < values.max() <= half - 1


def test_random_operands_are_those_of_their_seed():
    gemm = lower_to_gemm(
        node("type: conv2d, out_channels: 8, kernel: 3, padding: 1, groups: 2"), 3, OperandBits(5, 3, 8)
    )
    one, again, other = (draw_operands(gemm, True, seed) for seed in (1, 1, 2))
    assert [part.shape for part in one] == [(2, 90, 18), (2, 18, 4)]
    assert all(map(np.array_equal, one, again))
    assert not any(map(np.array_equal, one, other))


def test_activations_of_a_convolution_are_windows_of_one_image():
    gemm = product_of(convolution((1, 1, 4, 1), (2, 1), padding=(0, 0, 1, 0)), 1)
    a, _ = draw_operands(gemm, True, seed=0)
    assert np.array_equal(a[0, :-1, 1], a[0, 1:, 0])
    assert a[0, -1, 1] == 0


def test_floating_point_is_stepped_with_small_integers():
    gemm = Gemm(64, 8, 64, activation_bits=32, weight_bits=16)
    for values in draw_operands(gemm, integer=False, seed=0):
        assert values.dtype == np.int8


@pytest.mark.parametrize(("bits", "k"), [(1, 3), (8, 64), (16, 300), (25, 4), (26, 2), (26, 64), (31, 2), (32, 1)])
def test_the_exact_product_is_that_of_int64(bits, k):
    a, w = draw_operands(Gemm(5, k, 6, 3, activation_bits=bits, weight_bits=bits), True, seed=bits)
    edge = SimpleNamespace(a=np.full((1, 1, k), -(2 ** (bits - 1))), w=np.full((1, k, 1), -(2 ** (bits - 1))))
    for left, right in ((a, w), (edge.a, edge.w), (edge.a, edge.w + 1), (a * 0, w)):
        exact = multiply_exactly(left, right)
        assert exact.dtype == np.int64
        # Python's integers, which have no width
        assert exact.tolist() == (left.astype(object) @ right.astype(object)).tolist()
