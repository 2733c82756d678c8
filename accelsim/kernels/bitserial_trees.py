"""What the inner-product units of one column do: adder trees over lanes, and accumulators that shift.

A column's trees and sums are its rows of arrays over all columns. Three things make the loops fast: arrays are handed
on whole, since to pass a view costs as much as a tree; nothing is called; and casts keep the arithmetic as narrow as
the trees.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba.extending import intrinsic

inlined = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
"""``kernel``, but without a call: what these loops take would cost more to pass than they do."""


@intrinsic
def _ctpop(typing_context, word):
    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return word(word), generate


def _bit_count(word):
    return int(word).bit_count()


popcount = _bit_count if numba.config.DISABLE_JIT else _ctpop


class Plane(NamedTuple):
    """A plane of weight bits, and the trees that it is for: those of column ``c``, for so many filters."""

    c: int
    filters: int
    brick: int
    bit: int
    word: int


@inlined
def add_products(trees, scale, weight, lanes, weights, at):
    """Each tree shifts and adds: tree * scale + weight * how many ``lanes`` are set in the plane too.

    ``trees`` [cols, filters]; ``weights`` uint16 [bricks, bits, words, filters]; ``at`` is a Plane.
    """
    number = trees.dtype.type
    times, each = number(scale), number(weight)
    tree, plane = trees[at.c], weights[at.brick, at.bit, at.word]
    for f in range(at.filters):
        tree[f] = number(number(tree[f] * times) + number(each * number(popcount(np.uint16(lanes & plane[f])))))


@inlined
def add_four_products(trees, scale, weight, first_sign, lanes, weights, at, down):
    """As ``add_products`` four times, at 8 * first_sign, 4, 2 and 1 times ``weight``.

    ``lanes`` are four words; each one's plane is ``down`` bits below that of the one before.
    """
    number = trees.dtype.type
    times, each, first = number(scale), number(weight), number(8 * first_sign)
    tree, brick, q = trees[at.c], weights[at.brick], at.bit
    plane0, plane1 = brick[q, at.word], brick[q - down, at.word]
    plane2, plane3 = brick[q - 2 * down, at.word], brick[q - 3 * down, at.word]
    lanes0, lanes1, lanes2, lanes3 = lanes
    for f in range(at.filters):
        added = number(first * number(popcount(np.uint16(lanes0 & plane0[f]))))
        added = number(added + number(number(4) * number(popcount(np.uint16(lanes1 & plane1[f])))))
        added = number(added + number(number(2) * number(popcount(np.uint16(lanes2 & plane2[f])))))
        added = number(added + number(popcount(np.uint16(lanes3 & plane3[f]))))
        tree[f] = number(number(tree[f] * times) + number(each * added))


@inlined
def accumulate(sums, scale, trees, weight, c, filters):
    """Each sum of column c shifts and adds its tree: sum * scale + weight * tree."""
    number = sums.dtype.type
    times, each = number(scale), number(weight)
    column, tree = sums[c], trees[c]
    for f in range(filters):
        column[f] = number(number(column[f] * times) + number(each * number(tree[f])))
