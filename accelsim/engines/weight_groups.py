"""Weights of tensor cores: K runs over kernel positions, then channels, and is cut into groups of the pattern.

Groups so lie along the channels, as weights are pruned; where channels are no multiple of a group, as in a first layer
of three or a depthwise one, they reach over to the next kernel position. Recipes leave such layers dense: a network
says so by ``weight_sparsity: 0``.
"""

from __future__ import annotations

import numpy as np

from accelsim.compress import compress_weights, prune_to_pattern, zero_smallest
from accelsim.workload.gemm import Gemm


def channels_inside(x: np.ndarray, gemm: Gemm, axis: int) -> np.ndarray:
    """An operand with K in the order of tensor cores: kernel positions outside, channels inside."""
    return x.take(_order(gemm), axis)


def pruned_weights(w: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Weights [groups, K, N] pruned to the product's pattern; as they are without one."""
    if gemm.pattern is None:
        return w
    left: np.ndarray = np.empty_like(w)
    left[:, _order(gemm)] = prune_to_pattern(channels_inside(w, gemm, axis=1), gemm.pattern)
    return left


def given_in_pattern(w: np.ndarray, gemm: Gemm, prunes: bool) -> np.ndarray:
    """Weights [groups, K, N] from a file as the product has them: pruned if asked for, to its pattern or sparsity.

    Raises: UserError where they break its pattern and are not to be pruned.
    """
    if prunes and gemm.pattern is None:
        return zero_smallest(w, gemm.weight_sparsity or 0)
    if prunes:
        return pruned_weights(w, gemm)
    if gemm.pattern:
        compress_weights(channels_inside(w, gemm, axis=1), gemm.pattern)
    return w


def zeros(w: np.ndarray, gemm: Gemm) -> int:
    """Zero weights among those that are executed: all, or those that the pattern stores."""
    executed = gemm.executed_k * gemm.n * gemm.groups
    return executed - int(np.count_nonzero(w))


def _order(gemm: Gemm) -> np.ndarray:
    """Numbers along K, where channels are outside, in the order in which tensor cores take them."""
    order = np.arange(gemm.k)
    return order.reshape(gemm.convolution.channels, -1).T.reshape(-1) if gemm.convolution else order
