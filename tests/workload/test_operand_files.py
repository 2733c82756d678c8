"""Operands read from files: the product is that of a direct convolution, or of tokens."""

import numpy as np
from strategies.convolutions import convolution, product_of

from accelsim.workload.gemm import Gemm
from accelsim.workload.operand_files import read_operands
from accelsim.workload.random_operands import lower_activations


def test_files_become_the_product_that_a_direct_convolution_gives(tmp_path):
    """Batch, groups, signed values: the oracle reads the files' own layout."""
    generator = np.random.default_rng(1)
    images = generator.integers(-7, 8, (2, 4, 5, 6))
    weights = generator.integers(-7, 8, (6, 2, 3, 2))
    np.save(tmp_path / "c.activation.npy", images)
    np.save(tmp_path / "c.weight.npy", weights)
    conv = convolution((2, 2, 5, 6), (3, 2), (2, 1), (1, 0, 1, 0))
    gemm = product_of(conv, 3, groups=2, activation_bits=4, weight_bits=4)
    data, w = read_operands(tmp_path, "c", gemm)
    ours = lower_activations(data, gemm) @ w
    expected = np.zeros((2, 6, 3, 5), int)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (0, 0)))
    for image, filter_, y, x in np.ndindex(expected.shape):
        group = filter_ // 3
        window = padded[image, group * 2 : group * 2 + 2, y * 2 : y * 2 + 3, x : x + 2]
        expected[image, filter_, y, x] = (window * weights[filter_]).sum()
    assert np.array_equal(ours.reshape(2, 2, 3, 5, 3).transpose(1, 0, 4, 2, 3).reshape(expected.shape), expected)


def test_tokens_of_a_linear_layer(tmp_path):
    generator = np.random.default_rng(2)
    tokens, weights = generator.integers(0, 9, (3, 5)), generator.integers(-8, 8, (2, 5))
    np.save(tmp_path / "t.activation.npy", tokens)
    np.save(tmp_path / "t.weight.npy", weights)
    data, w = read_operands(tmp_path, "t", Gemm(3, 5, 2, activation_bits=4, weight_bits=4))
    assert np.array_equal(data[0] @ w[0], tokens @ weights.T)


def test_layers_without_files_have_no_tensors(tmp_path):
    assert read_operands(tmp_path, "none", Gemm(1, 2, 3)) is None
