"""Operands for stepped runs where no tensors are given: seeded random integers of the stated widths."""

from __future__ import annotations

import numpy as np

from accelsim.lowering import Gemm, im2col

FLOAT_STAND_IN_BITS = 8  # floating-point operands step as small integers, which every format holds exactly


def random_operands(gemm: Gemm, integer: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed activations [groups, M, K], cut out of random images for a convolution, and weights [groups, K, N]."""
    generator = np.random.default_rng(seed)
    activation_bits, weight_bits = (
        bits if integer else FLOAT_STAND_IN_BITS for bits in (gemm.activation_bits, gemm.weight_bits)
    )
    w = _integers(generator, weight_bits, (gemm.groups, gemm.k, gemm.n))
    conv = gemm.convolution
    if conv is None:
        return _integers(generator, activation_bits, (gemm.groups, gemm.m, gemm.k)), w
    images = _integers(generator, activation_bits, (conv.batch, gemm.groups * conv.channels, conv.height, conv.width))
    return im2col(images, conv), w


def _integers(generator: np.random.Generator, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = np.int8 if bits <= 8 else np.int16 if bits <= 16 else np.int32
    half = 1 << (bits - 1)
    return generator.integers(-half, half - 1, size=shape, dtype=dtype, endpoint=True)


def exact_product(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """a @ w in int64 (which wraps beyond 2^63), by float64 BLAS where exact (below 2^53): forty times faster."""
    largest = a.shape[-1] * int(np.abs(a.astype(np.int64)).max()) * int(np.abs(w.astype(np.int64)).max())
    if largest < 2**53:
        return np.asarray((a.astype(np.float64) @ w.astype(np.float64)).astype(np.int64))
    return np.asarray(a.astype(np.int64) @ w.astype(np.int64))
