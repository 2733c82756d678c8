"""A bit-serial unit, stepped: in every cycle each busy column ANDs a few bit planes and adds.

A column takes one window through its steps, one brick at a time, for the filters of all tiles at once. Bits come
most significant first, and what was summed so far shifts up as the next ones come. With ``skip: essential`` every
lane offers its lowest set bit instead, through a short first-stage shifter of its own and a second stage that the
lanes of a column share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.bitserial_planes import accumulate, add_four_products, add_products, brick_at, step_count
from accelsim.kernels.compiled import kernel
from accelsim.kernels.folds import ceil_div

CYCLES, MACS, FOLDS, ACTIVATION_READS, WEIGHT_READS, PSUM_READS, PSUM_WRITES = range(7)
"""Places in the int64 counts of what the kernel saw."""
NO_SKIP, DYNAMIC, ESSENTIAL = range(3)
STEP, WIDTH, BITS, WEIGHT_BITS, GROUP, WINDOW, FILTER, BRICK = range(8)
"""What a column knows: its step in the layer, its activations' width, the bits of both operands still to come, and
where the step's operands and outputs are."""


class SerialUnit(NamedTuple):
    """The unit's options."""

    cols: int
    filters: int  #: of all tiles
    bits: int  #: of an activation, that one cycle takes; all of them where activations are parallel
    weight_bits: int  #: of a weight, that one cycle takes
    both_serial: bool
    weights_serial: bool
    skip: int
    shifter_reach: int  #: essential: how many places, from its column's lowest bit up, a lane's bit may lie in
    column_registers: int
    signed: bool  #: activations
    streamed: bool  #: fully connected: weights arrive one column a cycle, columns share one window


class Walk(NamedTuple):
    """The order of a layer's steps: groups outside, then window sets, filter groups, and a window's bricks."""

    windows: int
    sets: int
    cols: int  #: those that have anything to do
    filters: int
    filter_groups: int
    bricks: int
    total: int


@kernel
def walk_of(groups, windows, filters, order, unit):
    """The Walk of a layer."""
    sets = 1 if unit.streamed else ceil_div(windows, unit.cols)
    filter_groups, bricks = ceil_div(filters, unit.filters), step_count(order)
    total = groups * sets * filter_groups * bricks
    cols = min(unit.cols, total if unit.streamed else windows)
    return Walk(windows, sets, cols, filters, filter_groups, bricks, total)


@kernel
def next_step(walk, number, c):
    """The first step from ``number`` on in which column c has a window, else the end."""
    set_steps = walk.filter_groups * walk.bricks
    while number < walk.total and number // set_steps % walk.sets * walk.cols + c >= walk.windows:
        number = (number // set_steps + 1) * set_steps
    return number


@kernel
def same(plane, other):
    """Whether two planes agree in every lane."""
    differences = 0
    for word in range(plane.size):
        differences |= plane[word] ^ other[word]
    return differences == 0


@kernel
def width_of(brick, signed):
    """Bits of the widest value in ``brick`` [bits + 1, words], signs on top: above its last there are only signs."""
    top = brick.shape[0] - 1
    p = top - 1
    while p > 0 and same(brick[p], brick[top]):
        p -= 1
    return p + 2 if signed else p + 1


@kernel
def serial_cycle(column, unit, brick, weights, trees, sums):
    """Take the next bits of ``brick`` [bits + 1, words] and ``weights`` [bits, words, filters].

    A tree adds up lanes, and shifts along while bits of a weight follow each other under the same activation bits.
    The sums shift up and take in what the trees hold.
    """
    weight_width = weights.shape[0]
    taken = (column[BITS] - 1) % unit.bits + 1
    weight_taken = (column[WEIGHT_BITS] - 1) % unit.weight_bits + 1
    scale = 1 << weight_taken if unit.both_serial and column[WEIGHT_BITS] < weight_width else 0
    i = j = 0
    while i < taken:
        p, q = column[BITS] - 1 - i, column[WEIGHT_BITS] - 1 - j
        place = taken - 1 - i + weight_taken - 1 - j
        sign = -1 if unit.signed and p == column[WIDTH] - 1 else 1
        weight_sign = -1 if q == weight_width - 1 else 1
        four_weight_bits, four_bits = weight_taken - j >= 4, weight_taken == 1 and taken - i >= 4
        for word in range(brick.shape[1]):
            if four_weight_bits:
                words = brick[p, word], brick[p, word], brick[p, word], brick[p, word]
                planes = weights[q, word], weights[q - 1, word], weights[q - 2, word], weights[q - 3, word]
                add_four_products(trees, scale, sign << (place - 3), weight_sign, words, planes)
            elif four_bits:
                words = brick[p, word], brick[p - 1, word], brick[p - 2, word], brick[p - 3, word]
                planes = weights[q, word], weights[q, word], weights[q, word], weights[q, word]
                add_four_products(trees, scale, weight_sign << (place - 3), sign, words, planes)
            else:
                add_products(trees, scale, sign * weight_sign << place, brick[p, word], weights[q, word])
            scale = 1
        i += 4 if four_bits else 0
        j += 4 if four_weight_bits else 0 if four_bits else 1
        if j == weight_taken:
            i, j = i + 1, 0
    column[WEIGHT_BITS] -= weight_taken
    if unit.weights_serial and not unit.both_serial:
        accumulate(sums, 1 << weight_taken, trees, 1)
    elif column[WEIGHT_BITS] == 0:
        accumulate(sums, 1 << taken, trees, 1)
    if column[WEIGHT_BITS] == 0:
        column[BITS] -= taken
        column[WEIGHT_BITS] = weight_width


@kernel
def lowest_plane(left):
    """The first plane of ``left`` [bits + 1, words] that holds a bit, the signs on top left aside; bits if none."""
    bits, words = left.shape[0] - 1, left.shape[1]
    for p in range(bits):
        for word in range(words):
            if left[p, word] != 0:
                return p
    return bits


@kernel
def essential_cycle(column, unit, left, weights, trees, sums):
    """Every lane gives the lowest bit it has left, if that is in reach of the column's lowest.

    ``left`` [bits + 1, words] holds the magnitudes' bits still to come, and the signs on top.
    """
    bits, weight_width = left.shape[0] - 1, weights.shape[0]
    low, scale = lowest_plane(left), 0
    for word in range(left.shape[1]):
        given = np.uint16(0)
        for p in range(low, min(bits, low + unit.shifter_reach)):
            gives = np.uint16(left[p, word] & ~given)
            given = np.uint16(given | gives)
            left[p, word] ^= gives
            negative = np.uint16(gives & left[bits, word])
            positive = np.uint16(gives ^ negative)
            for q in range(weight_width):
                weight = (1 << (p - low + q)) * (-1 if q == weight_width - 1 else 1)
                if positive != 0:
                    add_products(trees, scale, weight, positive, weights[q, word])
                    scale = 1
                if negative != 0:
                    add_products(trees, scale, -weight, negative, weights[q, word])
                    scale = 1
    if scale == 1:
        accumulate(sums, 1, trees, 1 << low)
    column[BITS] = bits - lowest_plane(left)


@kernel
def begin(column, c, walk, unit, activations, left):
    """Find the operands of the column's step, and how many activation bits it takes."""
    number = column[STEP]
    column[BRICK] = number % walk.bricks
    column[FILTER] = number // walk.bricks % walk.filter_groups * unit.filters
    number //= walk.bricks * walk.filter_groups
    column[GROUP] = number // walk.sets
    column[WINDOW] = number % walk.sets * walk.cols + (0 if unit.streamed else c)
    brick = activations[column[GROUP], column[WINDOW], column[BRICK]]
    column[WIDTH] = width_of(brick, unit.signed) if unit.skip == DYNAMIC else brick.shape[0] - 1
    column[BITS] = column[WIDTH]
    if unit.skip == ESSENTIAL:
        left[:] = brick


@kernel
def end(column, c, walk, unit, sums, outputs, lanes, counts):
    """Add a finished brick to the outputs, and count what it read; weights are read for all columns unless streamed."""
    filters = sums.size
    accumulate(outputs, 1, sums, 1)
    sums[:] = 0
    counts[MACS] += lanes * filters
    counts[ACTIVATION_READS] += lanes
    if unit.streamed or c == 0:
        counts[WEIGHT_READS] += lanes * filters
    if column[BRICK] == walk.bricks - 1:
        counts[PSUM_WRITES] += filters
        counts[FOLDS] += 1 if unit.streamed or c == 0 else 0
    column[STEP] = column[STEP] + walk.cols if unit.streamed else next_step(walk, column[STEP] + 1, c)


@kernel
def step_unit(activations, weights, trees, out, order, unit):
    """Add the product to zeroed int64 ``out`` [groups, M, N], and return int64 counts of what was seen.

    Planes are ``activations`` uint16 [groups, M, steps, bits + 1, words], signs on top (magnitudes below them if
    essential), and ``weights`` uint16 [groups, steps, bits, words, N]; ``trees`` [cols, filters] are of a type that
    holds what a tree can.
    """
    groups, windows = activations.shape[:2]
    walk = walk_of(groups, windows, out.shape[2], order, unit)
    counts = np.zeros(7, np.int64)
    columns = np.zeros((walk.cols, 8), np.int64)
    if unit.streamed:
        columns[:, STEP] = np.arange(walk.cols)
    left = np.zeros((walk.cols, *activations.shape[3:]), np.uint16)  # essential: bits that lanes still hold
    sums = np.zeros(trees.shape, np.int64)  # of a brick
    t, turn, oldest = 0, 0, 0
    while oldest < walk.total:
        first, last = (turn, turn) if unit.streamed else (0, oldest + unit.column_registers)
        for c in range(walk.cols):
            column = columns[c]
            if column[BITS] == 0 and first <= column[STEP] <= min(last, walk.total - 1):
                begin(column, c, walk, unit, activations, left[c])
                column[WEIGHT_BITS] = weights.shape[3]
                turn += 1
            if column[BITS] > 0:
                g, m, k, n = column[GROUP], column[WINDOW], column[BRICK], column[FILTER]
                filters = min(unit.filters, walk.filters - n)
                planes = weights[g, n // unit.filters, k]
                column_trees, column_sums = trees[c][:filters], sums[c][:filters]
                if unit.skip == ESSENTIAL:
                    essential_cycle(column, unit, left[c], planes, column_trees, column_sums)
                else:
                    serial_cycle(column, unit, activations[g, m, k], planes, column_trees, column_sums)
                if column[BITS] == 0:
                    _, _, lanes = brick_at(order, k)
                    end(column, c, walk, unit, column_sums, out[g, m][n : n + filters], lanes, counts)
        oldest = columns[:, STEP].min()
        t += 1
    counts[CYCLES] = t
    return counts
