"""Weights in groups along K: the smallest of each group set to zero, and what is left packed with its places."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.compiled import kernel


@kernel
def prune(w, kept, group):
    """Zero all but the ``kept`` largest of every ``group`` of ``w`` [groups, K, N]; of equal ones the earlier stay."""
    products, k, n = w.shape
    for g in range(products):
        for first in range(0, k, group):
            rows = min(group, k - first)
            for column in range(n):
                for _ in range(held(w, g, first, rows, column) - kept):
                    smallest = -1
                    for row in range(first, first + rows):
                        value = abs(np.int64(w[g, row, column]))
                        if value != 0 and (smallest < 0 or value <= abs(np.int64(w[g, smallest, column]))):
                            smallest = row
                    w[g, smallest, column] = 0


@kernel
def held(w, g, first, rows, column):
    """Weights of a group that are not zero."""
    count = 0
    for row in range(first, first + rows):
        count += w[g, row, column] != 0
    return count


@kernel
def compress(w, values, places, kept, group):
    """Pack ``w`` [groups, K, N] into zeroed ``values`` and ``places`` [groups, N, stored K].

    A group with fewer weights keeps zeros at the first places that are free, those beyond K last. Returns the flat
    index of the first row of a group with too many, else -1.
    """
    products, k, n = w.shape
    taken = np.zeros(group, np.bool_)
    for g in range(products):
        for first in range(0, k, group):
            rows = min(group, k - first)
            for column in range(n):
                weights = held(w, g, first, rows, column)
                if weights > kept:
                    return (g * k + first) * n + column
                free = kept - weights
                for place in range(group):
                    taken[place] = place < rows and w[g, first + place, column] != 0
                    if not taken[place] and free > 0:
                        taken[place] = True
                        free -= 1
                at = first // group * kept
                for place in range(group):
                    if taken[place]:
                        places[g, column, at] = place
                        if place < rows:
                            values[g, column, at] = w[g, first + place, column]
                        at += 1
    return -1
