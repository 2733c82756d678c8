"""Weights in an n:m pattern: pruned to it, and stored as values with their places in the group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware.sparsity import Pattern


class Compressed(NamedTuple):
    """Stored weights [groups, N, stored K], each with its place in its group of the pattern."""

    values: np.ndarray  #: integers
    places: np.ndarray  #: uint8, rising within a group

    def check(self, shape: tuple[int, int, int], pattern: Pattern | None, k: int) -> None:
        """Raises: UserError for other shapes and kinds, places outside their group or not rising, weights beyond K."""
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
    """Weights [groups, K, N] with the largest of each group kept, by magnitude, the earlier of equal ones; others 0."""
    from accelsim.kernels.sparse_weights import prune

    kept = np.ascontiguousarray(w).copy()
    prune(kept, pattern.kept, pattern.group)
    return kept


def zero_smallest(w: np.ndarray, share: float) -> np.ndarray:
    """Weights with the smallest of them, by magnitude, set to zero wherever they stand: so large a share of all."""
    left = w.copy().reshape(-1)
    smallest = np.argsort(np.abs(left.astype(np.int64)), kind="stable")
    left[smallest[: int(share * left.size)]] = 0
    return left.reshape(w.shape)


def compress_weights(w: np.ndarray, pattern: Pattern | None) -> Compressed:
    """Weights [groups, K, N] as a sparse tensor core reads them.

    Raises: UserError where a group holds more weights than the pattern keeps.
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
