"""Operands of a bit-serial unit as bit planes: one word per 16 lanes, for each bit of each brick.

A brick is up to ``lanes`` successive channels at one kernel position. Plane p of it holds bit p of every lane, lane l
at bit l % 16 of word l // 16. Bit 0 is the least significant; lanes without a channel hold zeros.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba.extending import intrinsic

from accelsim.kernels.compiled import kernel
from accelsim.kernels.folds import ceil_div

WORD_LANES = 16


class BrickOrder(NamedTuple):
    """How a unit walks through K: kernel positions outside, then bricks; in a product channels are outside."""

    positions: int
    channels: int
    lanes: int


@intrinsic
def _ctpop(typing_context, word):
    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return word(word), generate


def _bit_count(word):
    return int(word).bit_count()


popcount = _bit_count if numba.config.DISABLE_JIT else _ctpop


@kernel
def step_count(order):
    """Bricks of one window."""
    return order.positions * ceil_div(order.channels, order.lanes)


@kernel
def brick_at(order, step):
    """Kernel position, first channel and number of channels of a step."""
    bricks = ceil_div(order.channels, order.lanes)
    first = step % bricks * order.lanes
    return step // bricks, first, min(order.lanes, order.channels - first)


@kernel
def pack_activations(a, planes, order):
    """Bits of ``a`` [groups, M, K] into zeroed uint16 ``planes`` [groups, M, steps, bits, words]."""
    groups, windows, steps, bits, _ = planes.shape
    for g in range(groups):
        for m in range(windows):
            row = a[g, m]
            for step in range(steps):
                position, first, lanes = brick_at(order, step)
                brick = planes[g, m, step]
                for lane in range(lanes):
                    value = row[(first + lane) * order.positions + position]
                    for p in range(bits):
                        brick[p, lane // WORD_LANES] |= np.uint16(((value >> p) & 1) << (lane % WORD_LANES))


@kernel
def pack_weights(w, planes, order):
    """Bits of ``w`` [groups, K, N] into zeroed uint16 [groups, filter groups, steps, bits, words, filters]."""
    groups, filter_groups, steps, bits, _, filters = planes.shape
    for g in range(groups):
        for step in range(steps):
            position, first, lanes = brick_at(order, step)
            for lane in range(lanes):
                row = w[g, (first + lane) * order.positions + position]
                for f in range(filter_groups):
                    values = row[f * filters : (f + 1) * filters]
                    for p in range(bits):
                        plane = planes[g, f, step, p, lane // WORD_LANES]
                        for n in range(values.size):
                            plane[n] |= np.uint16(((values[n] >> p) & 1) << (lane % WORD_LANES))


@kernel
def add_products(trees, scale, weight, word, plane):
    """Every filter's adder tree counts the lanes where both bits are set: trees * scale + weight * lanes.

    The casts keep the arithmetic as narrow as the trees, which is what makes it fast.
    """
    number = trees.dtype.type
    times, each = number(scale), number(weight)
    for f in range(trees.size):
        lanes = number(popcount(np.uint16(word & plane[f])))
        trees[f] = number(number(trees[f] * times) + number(each * lanes))


@kernel
def add_four_products(trees, scale, weight, first_sign, words, planes):
    """As ``add_products``, for four pairs at once whose weights halve: 8, 4, 2, 1 times ``weight``."""
    number = trees.dtype.type
    times, each, first = number(scale), number(weight), number(8 * first_sign)
    word0, word1, word2, word3 = words
    plane0, plane1, plane2, plane3 = planes
    for f in range(trees.size):
        lanes = number(first * number(popcount(np.uint16(word0 & plane0[f]))))
        lanes = number(lanes + number(number(4) * number(popcount(np.uint16(word1 & plane1[f])))))
        lanes = number(lanes + number(number(2) * number(popcount(np.uint16(word2 & plane2[f])))))
        lanes = number(lanes + number(popcount(np.uint16(word3 & plane3[f]))))
        trees[f] = number(number(trees[f] * times) + number(each * lanes))


@kernel
def accumulate(sums, scale, trees, weight):
    """Every filter's accumulator shifts what it holds and adds what its tree gives, shifted too."""
    for f in range(trees.size):
        sums[f] = sums[f] * scale + np.int64(trees[f]) * weight
