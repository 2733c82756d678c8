"""A bit-serial unit, stepped: in every cycle each busy column ANDs a few bit planes and adds.

A column takes one window through its steps, one brick at a time, for the filters of all tiles at once. Bits come
most significant first, and what was summed so far shifts up as the next ones come. With ``skip: essential`` every
lane offers its lowest set bit instead, through a short first-stage shifter of its own and a second stage that the
lanes of a column share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.bitserial_planes import brick_at, step_count
from accelsim.kernels.bitserial_trees import Plane, accumulate, add_four_products, add_products, inlined
from accelsim.kernels.compiled import kernel
from accelsim.kernels.folds import ceil_div

CYCLES, MACS, FOLDS, ACTIVATION_READS, WEIGHT_READS, PSUM_READS, PSUM_WRITES = range(7)
"""Places in the int64 counts of what the kernel saw."""
NO_SKIP, DYNAMIC, ESSENTIAL = range(3)
STEP, WIDTH, BITS, WEIGHT_BITS, BRICK, WEIGHT_BRICK, FILTERS = range(7)
"""What a column knows: its step in the layer, its activations' width, the bits of both operands still to come, the
bricks they are of, and for how many filters."""


class SerialUnit(NamedTuple):
    """The unit's options."""

    cols: int
    filters: int  #: of all tiles
    bits: int  #: of an activation, that one cycle takes; all of them where activations are parallel
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
def walk_of(shape, order, unit):
    """The Walk of a layer with outputs of a shape [groups, M, N]."""
    groups, windows, filters = shape
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


@inlined
def serial_cycle(c, columns, unit, activations, weights, trees, sums):
    """Column c takes the next bits of its bricks.

    A tree adds up lanes; where both operands are serial, it shifts along while all bits of a weight pass under the same
    activation bits. The sums shift up and take in what the trees hold.
    """
    column, weight_width, filters = columns[c], weights.shape[1], columns[c, FILTERS]
    taken = 1 if unit.bits == 1 else (column[BITS] - 1) % unit.bits + 1
    weight_taken = 1 if unit.weights_serial else weight_width
    scale = 1 << weight_taken if unit.both_serial and column[WEIGHT_BITS] < weight_width else 0
    a, i, j = column[BRICK], 0, 0
    while i < taken:
        p, q = column[BITS] - 1 - i, column[WEIGHT_BITS] - 1 - j
        place = taken - 1 - i + weight_taken - 1 - j
        sign = -1 if unit.signed and p == column[WIDTH] - 1 else 1
        weight_sign = -1 if q == weight_width - 1 else 1
        down = 1 if weight_taken - j >= 4 else 0  # four weight bits at once, or else four activation bits
        a_down = 1 if weight_taken == 1 and taken - i >= 4 else 0
        for word in range(activations.shape[2]):
            at, lanes = Plane(c, filters, column[WEIGHT_BRICK], q, word), activations[a, p, word]
            if down + a_down > 0:
                four = (
                    lanes,
                    activations[a, p - a_down, word],
                    activations[a, p - 2 * a_down, word],
                    activations[a, p - 3 * a_down, word],
                )
                common, first = (sign, weight_sign) if down > 0 else (weight_sign, sign)
                add_four_products(trees, scale, common << (place - 3), first, four, weights, at, down)
            else:
                add_products(trees, scale, sign * weight_sign << place, lanes, weights, at)
            scale = 1
        if a_down > 0:
            i += 4
        else:
            j += 4 if down > 0 else 1
        if j == weight_taken:
            i, j = i + 1, 0
    column[WEIGHT_BITS] -= weight_taken
    if unit.weights_serial and not unit.both_serial:
        accumulate(sums, 1 << weight_taken, trees, 1, c, filters)
    elif column[WEIGHT_BITS] == 0:
        accumulate(sums, 1 << taken, trees, 1, c, filters)
    if column[WEIGHT_BITS] == 0:
        column[BITS] -= taken
        column[WEIGHT_BITS] = weight_width


@kernel
def lowest_plane(left, c):
    """The first plane of ``left[c]`` [bits + 1, words] that holds a bit, the signs on top left aside; bits if none."""
    _, planes, words = left.shape
    for p in range(planes - 1):
        for word in range(words):
            if left[c, p, word] != 0:
                return p
    return planes - 1


@inlined
def essential_cycle(c, columns, unit, left, weights, trees, sums):
    """Every lane of column c gives the lowest bit it has left, if that is in reach of the column's lowest.

    ``left`` [cols, bits + 1, words] holds the magnitudes' bits still to come, and the signs on top.
    """
    filters, bits, weight_width = columns[c, FILTERS], left.shape[1] - 1, weights.shape[1]
    low, scale = lowest_plane(left, c), 0
    for word in range(left.shape[2]):
        given = np.uint16(0)
        for p in range(low, min(bits, low + unit.shifter_reach)):
            gives = np.uint16(left[c, p, word] & ~given)
            given = np.uint16(given | gives)
            left[c, p, word] ^= gives
            negative = np.uint16(gives & left[c, bits, word])
            for sign, lanes in ((1, np.uint16(gives ^ negative)), (-1, negative)):
                q = weight_width - 1
                while q >= 0 and lanes != 0:
                    at, first = Plane(c, filters, columns[c, WEIGHT_BRICK], q, word), -1 if q == weight_width - 1 else 1
                    if q >= 3:
                        four = lanes, lanes, lanes, lanes
                        add_four_products(trees, scale, sign << (p - low + q - 3), first, four, weights, at, 1)
                        q -= 4
                    else:
                        add_products(trees, scale, sign * first << (p - low + q), lanes, weights, at)
                        q -= 1
                    scale = 1
    if scale == 1:
        accumulate(sums, 1, trees, 1 << low, c, filters)
    columns[c, BITS] = bits - lowest_plane(left, c)


@kernel
def begin(c, columns, walk, unit, activations, left):
    """Find the operands of column c's step, and how many activation bits it takes."""
    column = columns[c]
    group_sets, place = divmod(column[STEP], walk.filter_groups * walk.bricks)
    group, window_set = divmod(group_sets, walk.sets)
    window = window_set * walk.cols + (0 if unit.streamed else c)
    brick = place % walk.bricks
    column[FILTERS] = min(unit.filters, walk.filters - place // walk.bricks * unit.filters)
    column[WEIGHT_BRICK] = group * walk.filter_groups * walk.bricks + place
    column[BRICK] = (group * walk.windows + window) * walk.bricks + brick
    planes = activations[column[BRICK]]
    column[WIDTH] = width_of(planes, unit.signed) if unit.skip == DYNAMIC else planes.shape[0] - 1
    column[BITS] = column[WIDTH]
    if unit.skip == ESSENTIAL:
        left[c] = planes


@kernel
def end(c, columns, walk, unit, sums, out, lanes, counts):
    """Add column c's brick to the outputs, and count what it took; weights serve all columns unless streamed."""
    column, filters = columns[c], columns[c, FILTERS]
    step, window = column[BRICK] % walk.bricks, column[BRICK] // walk.bricks  # of all groups
    first = column[WEIGHT_BRICK] // walk.bricks % walk.filter_groups * unit.filters
    outputs, finished = out[window // walk.windows, window % walk.windows], sums[c]
    for f in range(filters):
        outputs[first + f] += finished[f]
        finished[f] = 0
    counts[MACS] += lanes * filters
    counts[ACTIVATION_READS] += lanes
    leads = unit.streamed or c == 0
    counts[WEIGHT_READS] += lanes * filters if leads else 0
    if step == walk.bricks - 1:
        counts[PSUM_WRITES] += filters
        counts[FOLDS] += 1 if leads else 0
    column[STEP] = column[STEP] + walk.cols if unit.streamed else next_step(walk, column[STEP] + 1, c)


@kernel
def step_unit(activations, weights, trees, sums, out, order, unit):
    """Add the product to zeroed int64 ``out`` [groups, M, N], and return int64 counts of what was seen.

    Planes are ``activations`` uint16 [bricks, bits + 1, words], signs on top (magnitudes below them if essential), and
    ``weights`` uint16 [bricks, bits, words, filters]; ``trees`` and zeroed ``sums`` [cols, filters] are of types that
    hold what an adder tree gives, and the sum of a brick.
    """
    walk = walk_of(out.shape, order, unit)
    counts = np.zeros(7, np.int64)
    columns = np.zeros((walk.cols, 7), np.int64)
    if unit.streamed:
        columns[:, STEP] = np.arange(walk.cols)
    left = np.zeros((walk.cols, *activations.shape[1:]), np.uint16)  # essential: bits that lanes still hold
    t, turn, oldest = 0, 0, 0
    while oldest < walk.total:
        first, last = (turn, turn) if unit.streamed else (0, oldest + unit.column_registers)
        oldest = walk.total
        for c in range(walk.cols):
            if columns[c, BITS] == 0 and first <= columns[c, STEP] <= min(last, walk.total - 1):
                begin(c, columns, walk, unit, activations, left)
                columns[c, WEIGHT_BITS] = weights.shape[1]
                turn += 1
            if columns[c, BITS] > 0:
                if unit.skip == ESSENTIAL:
                    essential_cycle(c, columns, unit, left, weights, trees, sums)
                else:
                    serial_cycle(c, columns, unit, activations, weights, trees, sums)
                if columns[c, BITS] == 0:
                    _, _, lanes = brick_at(order, columns[c, BRICK] % walk.bricks)
                    end(c, columns, walk, unit, sums, out, lanes, counts)
            oldest = min(oldest, columns[c, STEP])
        t += 1
    counts[CYCLES] = t
    return counts
