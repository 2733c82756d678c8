"""Pruning: weights in an n:m pattern or without a pattern, and weights stored with their places in the pattern."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware.sparsity import Pattern


class Compressed(NamedTuple):
    """Weights as a sparse tensor core reads them: the stored ones, each with its place in its group of the pattern."""

    values: np.ndarray  #: integers[groups, N, stored K]
    places: np.ndarray  #: uint8[groups, N, stored K], ascending within a group of the pattern

    def check(self, shape: tuple[int, int, int], pattern: Pattern | None, k: int) -> None:
        """Check that these are weights of a shape, in a pattern, of filters with k weights.

        Raises: UserError for another shape or type, for places that are outside their group or do not ascend, and for
        weights beyond k that are not zero.
        """
        for name, x in (("values", self.values), ("places", self.places)):
            if x.shape != shape or x.dtype.kind not in "iu":
                raise UserError(f"compressed weights, {name}: {x.dtype} {x.shape}; allowed: integers {shape}")
        kept, group = (pattern.kept, pattern.group) if pattern else (1, 1)
        places = self.places.astype(np.int64).reshape(*shape[:2], -1, kept)
        wrong = (places < 0) | (places >= group)
        wrong[..., 1:] |= places[..., 1:] <= places[..., :-1]
        if wrong.any():
            g, n, which, at = (int(x) for x in np.argwhere(wrong)[0])
            found, product = places[g, n, which].tolist(), f" of product {g}" if shape[0] > 1 else ""
            raise UserError(
                f"metadata of filter {n}{product}, group {which} along K: places {found}, wrong at number {at};"
                f" allowed: {kept} rising places from 0 to {group - 1}"
            )
        rows = np.arange(places.shape[2])[:, None] * group + places
        if ((rows >= k) & (self.values.reshape(places.shape) != 0)).any():
            raise UserError(f"compressed weights: some that are not zero lie beyond K; allowed: below {k}")


def prune_to_pattern(w: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Prune weights, integers[groups, K, N], to a pattern: in each group along K the largest magnitudes stay.

    Of equal magnitudes the earlier stays. Returns an array of the same shape and type, with zeros for the others.
    """
    from accelsim.kernels.sparse_weights import prune

    kept = np.ascontiguousarray(w).copy()
    prune(kept, pattern.kept, pattern.group)
    return kept


def zero_smallest(w: np.ndarray, share: float) -> np.ndarray:
    """Set the share of weights (0 to 1) with the smallest magnitudes to zero, wherever they stand.

    Returns an array of the shape and type of ``w``, integers of any shape.
    """
    left = w.copy().reshape(-1)
    smallest = np.argsort(np.abs(left.astype(np.int64)), kind="stable")
    left[smallest[: int(share * left.size)]] = 0
    return left.reshape(w.shape)


def compress_weights(w: np.ndarray, pattern: Pattern | None) -> Compressed:
    """Compress weights, integers[groups, K, N], as a sparse tensor core reads them; without a pattern all are stored.

    Raises: UserError where a group of the pattern holds more weights that are not zero than it may.
    """
    from accelsim.kernels.sparse_weights import compress

    if pattern is None:
        values = np.ascontiguousarray(w.swapaxes(1, 2))
        return Compressed(values, np.zeros(values.shape, np.uint8))
    groups, k, n = w.shape
    values = np.zeros((groups, n, int(pattern.stored(k))), w.dtype)
    places: np.ndarray = np.zeros(values.shape, np.uint8)
    broken = int(compress(np.ascontiguousarray(w), values, places, pattern.kept, pattern.group))
    if broken >= 0:
        g, rest = divmod(broken, k * n)
        row, column = divmod(rest, n)
        there = np.flatnonzero(w[g, row : row + pattern.group, column])
        raise UserError(
            f"weights break the {pattern} pattern: filter {column}{f' of product {g}' if groups > 1 else ''} has"
            f" {len(there)} that are not zero among {row} to {min(k, row + pattern.group) - 1} along K;"
            f" allowed: {pattern.kept} of {pattern.group}, or --sparsity {pattern} to prune them first"
        )
    return Compressed(values, places)
