"""Random operands: they fill their widths, follow their seed, and their product is exact."""

from types import SimpleNamespace

import numpy as np
import pytest
from strategies.convolutions import convolution, product_of
from strategies.networks import node

from accelsim.workload.gemm import Gemm, OperandBits, lower_to_gemm
from accelsim.workload.random_operands import draw_operands, multiply_exactly


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
