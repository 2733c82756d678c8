"""What the inner-product units of one column do: adder trees over lanes, and accumulators that shift.

A column's trees and sums are its rows of arrays over all columns. Three things make the loops fast: arrays are handed
on whole, since to pass a view costs as much as a tree; nothing is called; and arithmetic is narrow. Lanes are counted
in bytes, of which a vector holds most, and what scales a tree comes as a number of the tree's type: cast in here, it
would be narrowed again for each vector.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba.extending import intrinsic

from accelsim.kernels.bitserial_planes import WORD_LANES
from accelsim.kernels.compiled import forceinlined, kernel


@intrinsic
def _ctpop(typing_context, word):
    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return word(word), generate


def _bit_count(word):
    return int(word).bit_count()


popcount = _bit_count if numba.config.DISABLE_JIT else _ctpop


IN_COUNT = 4
"""Pairs of planes whose counts of at most 16 lanes, each twice the next, fit 8 bits together."""


class Pairs(NamedTuple):
    """Where up to IN_COUNT pairs of an activation plane and a weight plane are, the most significant pair first."""

    a: int  #: brick of the activations
    p: int  #: activation bit
    down: int  #: by how much it falls from pair to pair
    brick: int  #: of the weights
    q: int  #: weight bit
    weight_down: int
    filters: int
    negative: bool  #: the first pair is at a sign


@forceinlined
def count_pair(counts, i, word, at, activations, weights):
    """Each count doubles and adds the lanes in which both bits of pair i are set, or at a sign those in which not.

    ``counts`` uint8 [filters]; ``activations`` uint16 [bricks, bits, words]; ``weights`` uint8 [bricks, bits,
    2 * words, filters]; ``at`` is Pairs.
    """
    lanes, q = activations[at.a, at.p - i * at.down, word], at.q - i * at.weight_down
    low, high = weights[at.brick, q, 2 * word], weights[at.brick, q, 2 * word + 1]
    low_lanes, high_lanes = np.uint8(lanes & 255), np.uint8(lanes >> 8)
    negative = at.negative and i == 0
    for f in range(at.filters):
        met = np.uint8(popcount(np.uint8(low_lanes & low[f])) + popcount(np.uint8(high_lanes & high[f])))
        met = np.uint8(WORD_LANES - met) if negative else met
        counts[f] = np.uint8(2 * counts[f] + met)


@forceinlined
def count_four_pairs(counts, word, at, activations, weights):
    """As ``count_pair`` for four pairs, whatever the counts were."""
    lanes0, lanes1 = activations[at.a, at.p, word], activations[at.a, at.p - at.down, word]
    lanes2, lanes3 = activations[at.a, at.p - 2 * at.down, word], activations[at.a, at.p - 3 * at.down, word]
    a0, a1, a2, a3 = np.uint8(lanes0 & 255), np.uint8(lanes1 & 255), np.uint8(lanes2 & 255), np.uint8(lanes3 & 255)
    b0, b1, b2, b3 = np.uint8(lanes0 >> 8), np.uint8(lanes1 >> 8), np.uint8(lanes2 >> 8), np.uint8(lanes3 >> 8)
    brick, low, q, down = at.brick, 2 * word, at.q, at.weight_down
    v0, v1, v2, v3 = (
        weights[brick, q, low],
        weights[brick, q - down, low],
        weights[brick, q - 2 * down, low],
        weights[brick, q - 3 * down, low],
    )
    w0, w1, w2, w3 = (
        weights[brick, q, low + 1],
        weights[brick, q - down, low + 1],
        weights[brick, q - 2 * down, low + 1],
        weights[brick, q - 3 * down, low + 1],
    )
    for f in range(at.filters):
        met = np.uint8(popcount(np.uint8(a0 & v0[f])) + popcount(np.uint8(b0 & w0[f])))
        met = np.uint8(WORD_LANES - met) if at.negative else met
        met = np.uint8(2 * met + popcount(np.uint8(a1 & v1[f])) + popcount(np.uint8(b1 & w1[f])))
        met = np.uint8(2 * met + popcount(np.uint8(a2 & v2[f])) + popcount(np.uint8(b2 & w2[f])))
        counts[f] = np.uint8(2 * met + popcount(np.uint8(a3 & v3[f])) + popcount(np.uint8(b3 & w3[f])))


@forceinlined
def add_counts(trees, scale, weight, counts, base, c, filters):
    """Each tree of column c shifts and adds: tree * scale + weight * (count - base), all numbers of its type."""
    number, tree = trees.dtype.type, trees[c]
    for f in range(filters):
        tree[f] = number(tree[f] * scale + weight * (counts[f] - base))


@forceinlined
def add_pairs(c, pairs, scale, weight, at, activations, planes, trees, counts):
    """The trees of column c shift by ``scale`` and add so many ``pairs`` of planes, in all words of their lanes."""
    number, base = trees.dtype.type, WORD_LANES << (pairs - 1) if at.negative else 0
    for word in range(activations.shape[2]):
        if pairs == IN_COUNT:
            count_four_pairs(counts, word, at, activations, planes)
        else:
            for f in range(at.filters):
                counts[f] = 0
            for i in range(pairs):
                count_pair(counts, i, word, at, activations, planes)
        add_counts(trees, number(scale), number(weight), counts, number(base), c, at.filters)
        scale = 1


class Offer(NamedTuple):
    """What the lanes of one column give their trees in a cycle: bits, each at its place, with room for four more."""

    lanes: np.ndarray
    digits: np.ndarray  #: +- 2^place


@kernel
def no_offer(most):
    """Room for so many bits."""
    return Offer(np.zeros(most + 4, np.int64), np.zeros(most + 4, np.int32))


@forceinlined
def offer_lanes(offer, offered, lanes, word, digit):
    """Put the lanes of a word behind the ``offered``, all with the same digit; returns how many there are then."""
    left = np.int64(lanes)
    while left != 0:
        offer.lanes[offered] = word * WORD_LANES + popcount((left & -left) - 1)
        offer.digits[offered] = digit
        left &= left - 1
        offered += 1
    return offered


@forceinlined
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


@forceinlined
def shift_in(sums, scale, trees, c, filters):
    """Each sum of column c shifts and takes in its tree: sum * scale + tree; the tree is empty then."""
    number, column, tree = sums.dtype.type, sums[c], trees[c]
    for f in range(filters):
        column[f] = number(column[f] * scale + tree[f])
        tree[f] = 0


@forceinlined
def add_in(sums, trees, weight, c, filters):
    """Each sum of column c takes in its shifted tree: sum + weight * tree; the tree is empty then."""
    number, column, tree = sums.dtype.type, sums[c], trees[c]
    for f in range(filters):
        column[f] = number(column[f] + weight * tree[f])
        tree[f] = 0
