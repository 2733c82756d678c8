"""Random operands for runs without tensors: seeded integers of the stated widths."""

from __future__ import annotations

import numpy as np

from accelsim.workload.gemm import Gemm, im2col

FLOAT_STAND_IN_BITS = 8  # floating-point operands are small integers here, which every format holds exactly
ACTIVATIONS, WEIGHTS = 0, 1  # streams of random numbers, so that either operand can be drawn without the other
SIGMAS = 6  # standard deviations of the half-normal distribution in the range of an activation
SYNTHETIC = (
    f"synthetic: half-normal activations, sigma 2^bits / {SIGMAS}, uniform where they are stated to be signed;"
    " seed = number of the layer"
)


def draw_operands(gemm: Gemm, integer: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw signed activations, integers[groups, M, K], and weights, integers[groups, K, N].

    The activations of a convolution are cut out of random images. Operands that are not ``integer`` are small integers.
    """
    return lower_activations(draw_activations(gemm, integer, seed), gemm), draw_weights(gemm, integer, seed)


def draw_activations(gemm: Gemm, integer: bool, seed: int, after_relu: bool = False) -> np.ndarray:
    """Draw activations: integers[groups, M, K], or for a convolution integers[batch, channels, height, width].

    They are signed and uniform over all codes. With ``after_relu`` they are unsigned and half-normal (``SYNTHETIC``),
    for engines whose cycles depend on the values.
    """
    generator = np.random.default_rng((seed, ACTIVATIONS))
    bits = gemm.activation_bits if integer else FLOAT_STAND_IN_BITS
    conv = gemm.convolution
    shape: tuple[int, ...] = (gemm.groups, gemm.m, gemm.k)
    if conv is not None:
        shape = (conv.batch, gemm.groups * conv.channels, conv.height, conv.width)
    if not after_relu:
        return _integers(generator, bits, shape)
    spread: np.ndarray = np.abs(generator.normal(0, 2**bits / SIGMAS, shape))
    return np.asarray(np.minimum(np.rint(spread), 2**bits - 1).astype(np.int32))


def draw_weights(gemm: Gemm, integer: bool, seed: int) -> np.ndarray:
    """Draw signed weights, integers[groups, K, N], uniform over all codes."""
    generator = np.random.default_rng((seed, WEIGHTS))
    return _integers(generator, gemm.weight_bits if integer else FLOAT_STAND_IN_BITS, (gemm.groups, gemm.k, gemm.n))


def lower_activations(data: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Lower what ``draw_activations`` gives to activations, integers[groups, M, K]."""
    return im2col(data, gemm.convolution) if gemm.convolution else data


def _integers(generator: np.random.Generator, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """Signed integers of so many bits, uniform, in the narrowest type that holds them."""
    dtype = np.int8 if bits <= 8 else np.int16 if bits <= 16 else np.int32
    half = 1 << (bits - 1)
    return generator.integers(-half, half - 1, size=shape, dtype=dtype, endpoint=True)


def multiply_exactly(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Multiply integers a[..., M, K] and w[..., K, N] exactly: int64[..., M, N], which wraps beyond 2^63.

    Products below 2^53 go through float64 BLAS, which is exact there and forty times faster.
    """
    largest = a.shape[-1] * int(np.abs(a.astype(np.int64)).max()) * int(np.abs(w.astype(np.int64)).max())
    if largest < 2**53:
        return np.asarray((a.astype(np.float64) @ w.astype(np.float64)).astype(np.int64))
    return np.asarray(a.astype(np.int64) @ w.astype(np.int64))
