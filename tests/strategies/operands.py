"""Integer operands of the kinds on which engines go wrong."""

import numpy as np

KINDS = ("any", "sparse", "small", "ends", "zeros")


def integers(rng, shape, bits, signed=True, kind="any"):
    """Integers of a width: all of it, many zeros among them, near zero, its ends, or zeros alone."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    if kind == "small":
        low, high = max(low, -2), min(high, 3)
    if kind == "ends":
        return rng.choice([low, high - 1], shape)
    values = rng.integers(low, high, shape)
    return values * (rng.random(shape) < {"zeros": 0, "sparse": 0.3}.get(kind, 1))


def operands(gemm, seed, signed=True, kinds=KINDS):
    """Tensors [groups, M, K] and [groups, K, N] of the product's widths, of a kind that the seed decides.

    Weights are signed; those of every third seed are of the same kind, others of any value.
    """
    rng = np.random.default_rng(seed)
    kind = kinds[seed % len(kinds)]
    a = integers(rng, (gemm.groups, gemm.m, gemm.k), gemm.activation_bits, signed, kind)
    return a, integers(rng, (gemm.groups, gemm.k, gemm.n), gemm.weight_bits, True, "any" if seed % 3 else kind)
