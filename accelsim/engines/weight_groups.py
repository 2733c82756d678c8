"""Sparse weights of tensor cores: K runs over kernel positions, then channels, and is cut into groups of the pattern.

Groups therefore lie along the channels, as pruning wants it. Where the channels are no multiple of a group, as in a
first layer with three channels or a depthwise one, a group reaches over to the next kernel position. Pruning recipes
leave such layers dense; a network states that by ``weight_sparsity: 0``.
"""

from __future__ import annotations

import numpy as np

from accelsim.compress import compress_weights, prune_to_pattern, zero_smallest
from accelsim.workload.gemm import Gemm


def move_channels_inside(x: np.ndarray, gemm: Gemm, axis: int) -> np.ndarray:
    """Reorder K, along ``axis`` of an operand, to kernel positions outside and channels inside."""
    return x.take(_order(gemm), axis)


def prune_weights(w: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Prune weights [groups, K, N] to the product's pattern; without a pattern return them unchanged."""
    if gemm.pattern is None:
        return w
    left: np.ndarray = np.empty_like(w)
    left[:, _order(gemm)] = prune_to_pattern(move_channels_inside(w, gemm, axis=1), gemm.pattern)
    return left


def fit_to_pattern(w: np.ndarray, gemm: Gemm, prunes: bool) -> np.ndarray:
    """Prune weights [groups, K, N] from a file to the product's pattern or sparsity, or check them if not ``prunes``.

    Raises: UserError where weights that are not to be pruned break the pattern.
    """
    if prunes and gemm.pattern is None:
        return zero_smallest(w, gemm.weight_sparsity or 0)
    if prunes:
        return prune_weights(w, gemm)
    if gemm.pattern:
        compress_weights(move_channels_inside(w, gemm, axis=1), gemm.pattern)
    return w


def count_zero_weights(w: np.ndarray, gemm: Gemm) -> int:
    """Count the zeros among weights [groups, K, N] that the engine executes: all, or those that the pattern stores."""
    executed = gemm.executed_k * gemm.n * gemm.groups
    return executed - int(np.count_nonzero(w))


def _order(gemm: Gemm) -> np.ndarray:
    """Indices int[K] into a K with channels outside, in the order in which tensor cores take them."""
    order = np.arange(gemm.k)
    return order.reshape(gemm.convolution.channels, -1).T.reshape(-1) if gemm.convolution else order
