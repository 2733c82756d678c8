"""Element-wise work of layers: operations by kind."""

from typing import get_args

import pytest
from strategies.networks import node

from accelsim.workload.layers import Function
from accelsim.workload.vector_work import FUNCTION_OPERATIONS, count_vector_work


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
