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

from accelsim.kernels.bitserial_planes import WORD_LANES
from accelsim.kernels.compiled import kernel

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
def add_products_of_two(trees, scale, weight, lanes, weights, at):
    """As ``add_products`` for columns ``at.c`` and the next, with a word of ``lanes`` for each: one plane serves both.

    One at a time they would take longer to get to their trees than to add up.
    """
    number = trees.dtype.type
    times, each = number(scale), number(weight)
    tree0, tree1, plane = trees[at.c], trees[at.c + 1], weights[at.brick, at.bit, at.word]
    lanes0, lanes1 = lanes
    for f in range(at.filters):
        bits = plane[f]
        tree0[f] = number(number(tree0[f] * times) + number(each * number(popcount(np.uint16(lanes0 & bits)))))
        tree1[f] = number(number(tree1[f] * times) + number(each * number(popcount(np.uint16(lanes1 & bits)))))


@inlined
def add_four_products(trees, scale, weight, first_sign, lanes, weights, at):
    """As ``add_products`` four times, at 8 * first_sign, 4, 2 and 1 times ``weight``, for four words of ``lanes``."""
    number = trees.dtype.type
    times, each, first = number(scale), number(weight), number(8 * first_sign)
    tree, plane = trees[at.c], weights[at.brick, at.bit, at.word]
    lanes0, lanes1, lanes2, lanes3 = lanes
    for f in range(at.filters):
        added = number(first * number(popcount(np.uint16(lanes0 & plane[f]))))
        added = number(added + number(number(4) * number(popcount(np.uint16(lanes1 & plane[f])))))
        added = number(added + number(number(2) * number(popcount(np.uint16(lanes2 & plane[f])))))
        added = number(added + number(popcount(np.uint16(lanes3 & plane[f]))))
        tree[f] = number(number(tree[f] * times) + number(each * added))


class Offer(NamedTuple):
    """What the lanes of one column give their trees in a cycle: bits, each at its place, with room for four more."""

    lanes: np.ndarray
    digits: np.ndarray  #: +- 2^place


@kernel
def no_offer(most):
    """Room for so many bits."""
    return Offer(np.zeros(most + 4, np.int64), np.zeros(most + 4, np.int32))


@inlined
def offer_lanes(offer, offered, lanes, word, digit):
    """Put the lanes of a word behind the ``offered``, all with the same digit; returns how many there are then."""
    left = np.int64(lanes)
    while left != 0:
        offer.lanes[offered] = word * WORD_LANES + popcount((left & -left) - 1)
        offer.digits[offered] = digit
        left &= left - 1
        offered += 1
    return offered


@inlined
def add_rows(trees, offer, offered, values, c, filters, brick):
    """Each tree of column c adds up its weights in the lanes that offer a bit, shifted to the bit's place.

    ``values`` int16 [bricks, lanes, filters]. Lanes without a bit would add zero, and are passed over.
    """
    number = trees.dtype.type
    offer.digits[offered : offered + 4] = 0
    tree, rows = trees[c], values[brick]
    for i in range(0, offered, 4):
        row0, row1 = rows[offer.lanes[i]], rows[offer.lanes[i + 1]]
        row2, row3 = rows[offer.lanes[i + 2]], rows[offer.lanes[i + 3]]
        digit0, digit1 = number(offer.digits[i]), number(offer.digits[i + 1])
        digit2, digit3 = number(offer.digits[i + 2]), number(offer.digits[i + 3])
        for f in range(filters):
            added = number(digit0 * number(row0[f])) + number(digit1 * number(row1[f]))
            added += number(digit2 * number(row2[f])) + number(digit3 * number(row3[f]))
            tree[f] = number(tree[f] + number(added))


@inlined
def shift_in(sums, scale, trees, c, filters):
    """Each sum of column c shifts and takes in its tree: sum * scale + tree; the tree is empty then."""
    number = sums.dtype.type
    times, column, tree = number(scale), sums[c], trees[c]
    for f in range(filters):
        column[f] = number(number(column[f] * times) + number(tree[f]))
        tree[f] = 0


@inlined
def add_in(sums, trees, weight, c, filters):
    """Each sum of column c takes in its shifted tree: sum + weight * tree; the tree is empty then."""
    number = sums.dtype.type
    each, column, tree = number(weight), sums[c], trees[c]
    for f in range(filters):
        column[f] = number(column[f] + number(each * number(tree[f])))
        tree[f] = 0
