"""What every engine counts, and how lists are cut: shared by the oracles of the engines."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """Counts of a product, in the order in which the engines give theirs."""

    cycles: int
    macs: int
    folds: int
    activation_reads: int
    weight_reads: int
    psum_reads: int
    psum_writes: int
    skipped_macs: int = 0


def ceil_div(a, b):
    """The quotient of two integers, rounded up."""
    return -(-a // b)


def cut(items, size):
    """The items in pieces of a size; the last one may be shorter."""
    return [items[first : first + size] for first in range(0, len(items), size)]


def cut_sizes(total, size):
    """Sizes of the pieces into which ``total`` items are cut."""
    return [len(piece) for piece in cut(range(total), size)]
