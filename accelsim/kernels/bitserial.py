"""A bit-serial unit, stepped: in every cycle each busy column ANDs a few bit planes with weights and adds.

A column takes one window through its steps, one brick at a time, for the filters of all tiles at once. Bits come
most significant first, and what was summed so far shifts up as the next ones come. Where weights are serial too or
alone, they are bit planes as well; else they are whole, and every set bit of an activation adds a weight. With
``skip: essential`` each lane offers its lowest set bit, through a short first-stage shifter of its own and a second
stage that the lanes of a column share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.bitserial_planes import brick_at, step_count
from accelsim.kernels.bitserial_trees import (
    IN_COUNT,
    Pairs,
    add_in,
    add_pairs,
    add_rows,
    no_offer,
    offer_lanes,
    shift_in,
)
from accelsim.kernels.compiled import forceinlined, kernel
from accelsim.kernels.integers import ceil_div

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


class Weights(NamedTuple):
    """All weights, as they come to the lanes; of the two arrays the one that is not used is empty."""

    planes: np.ndarray  #: serial: uint8 [bricks, bits, 2 * words, filters]
    values: np.ndarray  #: parallel: int16 [bricks, lanes, filters]


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


@forceinlined
def add_weight_bits(c, q, taken, columns, unit, activations, planes, trees, counts):
    """The trees of column c take weight bits from q up to IN_COUNT - 1 higher, under each activation bit of a cycle."""
    column, width = columns[c], planes.shape[1]
    pairs = min(IN_COUNT, width - q)
    top, scale = q + pairs - 1, 1 << pairs
    for i in range(taken):
        p = column[BITS] - 1 - i
        weight = (-1 if unit.signed and p == column[WIDTH] - 1 else 1) << (taken - 1 - i)
        at = Pairs(column[BRICK], p, 0, column[WEIGHT_BRICK], top, 1, column[FILTERS], top == width - 1)
        add_pairs(c, pairs, scale, weight, at, activations, planes, trees, counts)
        scale = 1


@forceinlined
def add_activation_bits(c, q, taken, columns, unit, activations, planes, trees, counts):
    """The trees of column c take all activation bits of a cycle under weight bit q."""
    column, sign, i = columns[c], -1 if q == planes.shape[1] - 1 else 1, 0
    while i < taken:
        p, pairs = column[BITS] - 1 - i, (taken - 1 - i) % IN_COUNT + 1
        negative = unit.signed and p == column[WIDTH] - 1
        at = Pairs(column[BRICK], p, 1, column[WEIGHT_BRICK], q, 0, column[FILTERS], negative)
        i += pairs
        add_pairs(c, pairs, 1, sign << (taken - i), at, activations, planes, trees, counts)


@kernel
def weight_bit_cycle(first, last, columns, unit, activations, planes, trees, sums, counts):
    """Columns first to last - 1, all at the same bits, take the next bit of their weights.

    A tree counts lanes in which both bits are set. Where activations are serial as well, it shifts along while all
    bits of a weight pass under the same activation bits, else it serves one weight bit. The sums shift up and take in
    what the trees hold. What trees take in IN_COUNT successive cycles is evaluated in the last of them.
    """
    left, q, number = columns[first, BITS], columns[first, WEIGHT_BITS] - 1, sums.dtype.type
    taken = 1 if unit.bits == 1 else (left - 1) % unit.bits + 1
    for c in range(first, last):
        if not unit.both_serial:
            add_activation_bits(c, q, taken, columns, unit, activations, planes, trees, counts)
            shift_in(sums, number(2), trees, c, columns[c, FILTERS])
        elif q % IN_COUNT == 0:
            add_weight_bits(c, q, taken, columns, unit, activations, planes, trees, counts)
            if q == 0:
                shift_in(sums, number(1 << taken), trees, c, columns[c, FILTERS])
        columns[c, WEIGHT_BITS] = q if q > 0 else planes.shape[1]
        if q == 0:
            columns[c, BITS] = left - taken


@forceinlined
def activation_bits_cycle(c, columns, unit, activations, values, trees, sums, offer):
    """Column c takes the next bits of its activations, under whole weights; the sums shift up and take them in."""
    column, filters = columns[c], columns[c, FILTERS]
    taken, offered = 1 if unit.bits == 1 else (column[BITS] - 1) % unit.bits + 1, 0
    for i in range(taken):
        p = column[BITS] - 1 - i
        digit = (-1 if unit.signed and p == column[WIDTH] - 1 else 1) << (taken - 1 - i)
        for word in range(activations.shape[2]):
            offered = offer_lanes(offer, offered, activations[column[BRICK], p, word], word, digit)
    add_rows(trees, offer, offered, values, c, filters, column[WEIGHT_BRICK])
    shift_in(sums, sums.dtype.type(1 << taken), trees, c, filters)
    column[BITS] -= taken


@kernel
def lowest_plane(left, c):
    """The first plane of ``left[c]`` [bits + 1, words] that holds a bit, the signs on top left aside; bits if none."""
    _, planes, words = left.shape
    for p in range(planes - 1):
        for word in range(words):
            if left[c, p, word] != 0:
                return p
    return planes - 1


@forceinlined
def essential_cycle(c, columns, unit, left, values, trees, sums, offer):
    """Every lane of column c gives the lowest bit it has left, if that is in reach of the column's lowest.

    ``left`` [cols, bits + 1, words] holds the magnitudes' bits still to come, and the signs on top.
    """
    filters, bits = columns[c, FILTERS], left.shape[1] - 1
    low, offered = lowest_plane(left, c), 0
    for word in range(left.shape[2]):
        given = np.uint16(0)
        for p in range(low, min(bits, low + unit.shifter_reach)):
            gives = np.uint16(left[c, p, word] & ~given)
            given = np.uint16(given | gives)
            left[c, p, word] ^= gives
            negative = np.uint16(gives & left[c, bits, word])
            offered = offer_lanes(offer, offered, gives ^ negative, word, 1 << (p - low))
            offered = offer_lanes(offer, offered, negative, word, -1 << (p - low))
    if offered > 0:
        add_rows(trees, offer, offered, values, c, filters, columns[c, WEIGHT_BRICK])
        add_in(sums, trees, sums.dtype.type(1 << low), c, filters)
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
    outputs, finished = out[window // walk.windows, window % walk.windows, first : first + filters], sums[c]
    for f in range(filters):
        outputs[f] += finished[f]
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

    ``activations`` are planes, uint16 [bricks, bits + 1, words], signs on top (magnitudes below them if essential), and
    ``weights`` Weights; zeroed ``trees`` and ``sums`` [cols, filters] are of types that hold what an adder tree gives,
    and the sum of a brick.
    """
    walk = walk_of(out.shape, order, unit)
    counts = np.zeros(7, np.int64)
    columns = np.zeros((walk.cols, 7), np.int64)
    columns[:, WEIGHT_BITS] = weights.planes.shape[1]
    if unit.streamed:
        columns[:, STEP] = np.arange(walk.cols)
    left = np.zeros((walk.cols, *activations.shape[1:]), np.uint16)  # essential: bits that lanes still hold
    offer = no_offer(order.lanes * min(unit.bits, activations.shape[1]))
    counted = np.zeros(trees.shape[1], np.uint8)
    apart = unit.streamed or unit.skip != NO_SKIP
    t, turn, oldest, ended = 0, 0, 0, True
    while oldest < walk.total:
        if ended or unit.streamed:  # else nobody can begin who could not before
            first, last = (turn, turn) if unit.streamed else (0, oldest + unit.column_registers)
            for c in range(walk.cols):
                if columns[c, BITS] == 0 and first <= columns[c, STEP] <= min(last, walk.total - 1):
                    begin(c, columns, walk, unit, activations, left)
                    turn += 1
        ended = False
        c = 0
        while c < walk.cols:
            at = c
            c += 1
            if columns[at, BITS] == 0:
                continue
            if unit.weights_serial:
                while not apart and c < walk.cols and columns[c, BITS] > 0:
                    c += 1
                weight_bit_cycle(at, c, columns, unit, activations, weights.planes, trees, sums, counted)
            elif unit.skip == ESSENTIAL:
                essential_cycle(at, columns, unit, left, weights.values, trees, sums, offer)
            else:
                activation_bits_cycle(at, columns, unit, activations, weights.values, trees, sums, offer)
            if columns[at, BITS] == 0:
                for done in range(at, c):
                    _, _, lanes = brick_at(order, columns[done, BRICK] % walk.bricks)
                    end(done, columns, walk, unit, sums, out, lanes, counts)
                ended = True
        if ended:
            oldest = walk.total
            for c in range(walk.cols):
                oldest = min(oldest, columns[c, STEP])
        t += 1
    counts[CYCLES] = t
    return counts
