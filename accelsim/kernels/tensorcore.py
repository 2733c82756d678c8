"""Tensor cores, stepped: operands arrive cycle by cycle, instructions are issued, and metadata select activations.

A multiprocessor goes through its tiles in k-steps. A k-step has issue slots; in its n-th one the operands of the first
n must have arrived. Instructions of a round are dealt to the cores, one each, and multiply: for each filter and stored
weight, the place in its group picks the row of activations that it meets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import forceinlined, kernel
from accelsim.kernels.integers import ceil_div

CYCLES, MACS, FOLDS, ACTIVATION_READS, WEIGHT_READS, PSUM_READS, PSUM_WRITES, SKIPPED_MACS = range(8)
"""Places in the int64 counts of what the kernel saw."""


class TensorCoreUnit(NamedTuple):
    """The unit's options, and the product's pattern."""

    cores: int
    m: int
    n: int
    k: int  #: of an instruction, whole groups
    kept: int  #: of ``group`` weights; 1 of 1 where they are dense
    group: int
    multipliers: int  #: of a core
    depth: int  #: instructions of a k-step, one after the other on the same sums
    latency: int
    tile_m: int
    tile_n: int
    warp_m: int
    warp_n: int
    multiprocessors: int
    tiles_at_once: int
    overlap: bool
    charge_full_tile: bool
    launch: int
    fill: int
    epilogue: int
    math_above: int  #: sustained share of the multipliers, above over below
    math_below: int
    activation_bits: int
    weight_bits: int  #: of a stored weight, its index included
    rate: int  #: ticks of a bus in a cycle
    fills: bool  #: operands pass the cores' bus once more on their way in
    core_ticks: int  #: that a bit takes on the way into the cores
    l2_ticks: int  #: and from the L2


class Layout(NamedTuple):
    """A product cut into tiles, and tiles into k-steps."""

    groups: int
    pixels: int
    filters: int
    down: int  #: tiles below one another, of pixels
    across: int
    tiles: int
    instructions: int  #: along K
    steps: int  #: along K


class KStep(NamedTuple):
    """One k-step of the tiles that run at once."""

    slots: int
    rounds: int
    ticks: int
    batch: int
    first: int  #: of its instructions along K
    level: int  #: rounds of one instruction along K


@kernel
def layout_of(shape, k, unit):
    """The Layout of a product with outputs of a shape [groups, M, N]."""
    groups, pixels, filters = shape
    down, across = ceil_div(pixels, unit.tile_m), ceil_div(filters, unit.tile_n)
    instructions = ceil_div(k, unit.k)
    return Layout(
        groups, pixels, filters, down, across, groups * down * across, instructions, ceil_div(instructions, unit.depth)
    )


@kernel
def place_of(tile, layout, unit):
    """Group, first pixel, first filter, and pixels and filters that a tile has; pixels run fastest."""
    first_pixel, line = tile % layout.down * unit.tile_m, tile // layout.down
    first_filter = line % layout.across * unit.tile_n
    pixels = min(unit.tile_m, layout.pixels - first_pixel)
    filters = min(unit.tile_n, layout.filters - first_filter)
    return line // layout.across, first_pixel, first_filter, pixels, filters


@kernel
def batch_size(batch, mine, unit):
    """Tiles that run at once in the batch of a number."""
    return min(unit.tiles_at_once, mine - batch * unit.tiles_at_once)


@kernel
def step_of(number, sm, mine, layout, unit):
    """The k-step of a number, on a multiprocessor that has so many tiles to do."""
    batch, at = number // layout.steps, number % layout.steps
    first = at * unit.depth
    depth = min(unit.depth, layout.instructions - first)
    _, _, _, pixels, filters = place_of(sm + batch * unit.tiles_at_once * unit.multiprocessors, layout, unit)
    if unit.charge_full_tile:
        pixels, filters = unit.tile_m, unit.tile_n
    tiles = batch_size(batch, mine, unit)
    interval = ceil_div(unit.m * unit.n * (unit.k // unit.group * unit.kept), unit.multipliers)
    level = ceil_div(ceil_div(pixels, unit.m) * ceil_div(filters, unit.n) * tiles, unit.cores)
    busy = ceil_div(level * depth * interval * unit.math_below, unit.math_above)
    slots = max(busy, depth * (interval + unit.latency))
    k = depth * unit.k
    activation_bits = pixels * k * unit.activation_bits
    weight_bits = filters * (k // unit.group * unit.kept) * unit.weight_bits
    core_bits = activation_bits * ceil_div(filters, unit.warp_n) + weight_bits * ceil_div(pixels, unit.warp_m)
    l2_bits = activation_bits + weight_bits
    core_bits += l2_bits if unit.fills else 0
    ticks = max(core_bits * unit.core_ticks, l2_bits * unit.l2_ticks) * tiles
    return KStep(slots, level * depth, ticks, batch, first, level)


class Operands(NamedTuple):
    """What a multiprocessor reads and writes."""

    a: np.ndarray  #: [groups * tiles down, K, pixels of a tile], padded to whole instructions
    values: np.ndarray  #: of stored weights, [groups, instructions, N, stored k]
    places: np.ndarray  #: of these in their groups
    sums: np.ndarray  #: of the tiles that run at once, [tiles, filters, pixels]
    out: np.ndarray  #: [groups, M, N]
    k: int  #: what of K is no padding


class Work(NamedTuple):
    """Instructions side by side that have the same filters."""

    group: int
    band: int  #: of the activations: pixels of one tile
    tile: int  #: of those that run at once
    instruction: int  #: along K
    pixel: int  #: in the tile
    pixels: int
    filter: int
    filters: int
    across: int  #: first filter in the tile


@forceinlined
def add_four(sums, f, weights, a, rows, work):
    """Add four weighted rows of activations to the sums of a filter; casts keep the arithmetic narrow."""
    number = sums.dtype.type
    w0, w1, w2, w3 = number(weights[0]), number(weights[1]), number(weights[2]), number(weights[3])
    first, stop = work.pixel, work.pixel + work.pixels
    a0, a1 = a[work.band, rows[0], first:stop], a[work.band, rows[1], first:stop]
    a2, a3 = a[work.band, rows[2], first:stop], a[work.band, rows[3], first:stop]
    line = sums[work.tile, work.across + f, first:stop]
    for i in range(work.pixels):
        added = number(number(w0 * a0[i]) + number(w1 * a1[i]))
        added = number(added + number(number(w2 * a2[i]) + number(w3 * a3[i])))
        line[i] = number(line[i] + added)


@forceinlined
def add_one(sums, f, weight, a, row, work):
    """Add one weighted row of activations to the sums of a filter."""
    number = sums.dtype.type
    w0 = number(weight)
    first, stop = work.pixel, work.pixel + work.pixels
    a0, line = a[work.band, row, first:stop], sums[work.tile, work.across + f, first:stop]
    for i in range(work.pixels):
        line[i] = number(line[i] + number(w0 * a0[i]))


@kernel
def multiply(operands, work, unit):
    """All instructions of ``work``: metadata pick the rows of activations; returns multiplications by rows within K."""
    a, sums, k = operands.a, operands.sums, operands.k
    first = work.instruction * unit.k
    stored, met = operands.values.shape[3], 0
    for f in range(work.filters):
        weights = operands.values[work.group, work.instruction, work.filter + f]
        chosen = operands.places[work.group, work.instruction, work.filter + f]
        base, at = first, 0  # of a group: its first row, and how many of its weights are done
        r0, r1, r2, r3 = first, first, first, first
        for q in range(stored):
            r0, r1, r2, r3 = r1, r2, r3, base + chosen[q]
            met += r3 < k
            at += 1
            if at == unit.kept:
                base, at = base + unit.group, 0
            if q % 4 == 3:
                four = weights[q - 3], weights[q - 2], weights[q - 1], weights[q]
                add_four(sums, f, four, a, (r0, r1, r2, r3), work)
        for q in range(stored - stored % 4, stored):
            back = stored - 1 - q
            add_one(sums, f, weights[q], a, r1 if back == 2 else r2 if back == 1 else r3, work)
    return met * work.pixels


@kernel
def issue(number, step, sm, layout, unit, operands):
    """One round of a k-step: an instruction on each core; returns the multiplications that belong to the product."""
    level, place = number // step.level, number % step.level
    down_full, across_full = unit.tile_m // unit.m, unit.tile_n // unit.n
    macs, block, end = 0, place * unit.cores, (place + 1) * unit.cores
    while block < end:
        at_once, inside = block // (down_full * across_full), block % (down_full * across_full)
        tile = sm + (step.batch * unit.tiles_at_once + at_once) * unit.multiprocessors
        group, pixel, first, pixels, filters = place_of(tile, layout, unit)
        below = down_full if unit.charge_full_tile else ceil_div(pixels, unit.m)
        down, across = inside % below * unit.m, inside // below * unit.n
        run = min(end - block, below - inside % below)  # cores whose instructions have the same filters
        have, some = min(run * unit.m, pixels - down), min(unit.n, filters - across)
        if at_once < unit.tiles_at_once and tile < layout.tiles and have > 0 and some > 0:
            band = group * layout.down + pixel // unit.tile_m
            work = Work(group, band, at_once, step.first + level, down, have, first + across, some, across)
            macs += multiply(operands, work, unit)
        block += run
    return macs


@kernel
def finish(batch, sm, tiles, layout, unit, operands, counts):
    """Finished sums of so many tiles leave; counts what these tiles read and wrote."""
    sums, out, k = operands.sums, operands.out, operands.k
    for i in range(tiles):
        tile = sm + (batch * unit.tiles_at_once + i) * unit.multiprocessors
        g, pixel, first, pixels, filters = place_of(tile, layout, unit)
        for f in range(filters):
            for p in range(pixels):
                out[g, pixel + p, first + f] = sums[i, f, p]
                sums[i, f, p] = 0
        counts[FOLDS] += 1
        counts[PSUM_WRITES] += pixels * filters
        counts[SKIPPED_MACS] += pixels * filters * k  # as if none were executed
        counts[ACTIVATION_READS] += pixels * k * ceil_div(filters, unit.warp_n)
        counts[WEIGHT_READS] += ceil_div(k, unit.group) * unit.kept * filters * ceil_div(pixels, unit.warp_m)


@kernel
def run_multiprocessor(sm, layout, unit, operands, counts):
    """All tiles of one multiprocessor, cycle by cycle; returns when its last sums are complete."""
    mine = ceil_div(layout.tiles - sm, unit.multiprocessors)
    total = ceil_div(mine, unit.tiles_at_once) * layout.steps
    interval = ceil_div(unit.m * unit.n * (unit.k // unit.group * unit.kept), unit.multipliers)
    t = unit.launch + unit.fill
    number, slot, issued = 0, 0, 0
    step = step_of(0, sm, mine, layout, unit)
    arrived, used, asked = 0, 0, step.ticks  # ticks: of operands that are there, of finished k-steps, of all asked for
    while number < total:
        spare = unit.rate - min(unit.rate, asked - arrived)
        arrived += unit.rate - spare
        if (arrived - used) * step.slots >= step.ticks * (slot + 1):
            following = number + 1
            if slot == 0 and following < total and (unit.overlap or following % layout.steps > 0):
                asked += step_of(following, sm, mine, layout, unit).ticks
                arrived += min(spare, asked - arrived)
            while issued < step.rounds and issued * step.slots // step.rounds == slot:
                counts[MACS] += issue(issued, step, sm, layout, unit, operands)
                issued += 1
            slot += 1
        t += 1
        if slot == step.slots:
            used += step.ticks
            number += 1
            if number % layout.steps == 0:
                finish(step.batch, sm, batch_size(step.batch, mine, unit), layout, unit, operands, counts)
                if number == total or not unit.overlap:
                    last = (step.rounds - 1) * step.slots // step.rounds
                    t += max(0, last + interval + unit.latency - step.slots) + unit.epilogue
            if number < total:
                step = step_of(number, sm, mine, layout, unit)
                if number % layout.steps == 0 and not unit.overlap:
                    t += unit.fill
                    asked += step.ticks
            slot, issued = 0, 0
    return t


@kernel
def step_tensor_core(operands, unit):
    """Write the product to ``operands.out``, and return int64 counts of what was seen.

    Activations and values are of one integer type, zeroed sums of one that holds every sum.
    """
    layout = layout_of(operands.out.shape, operands.k, unit)
    counts = np.zeros(8, np.int64)
    for sm in range(min(unit.multiprocessors, layout.tiles)):
        cycles = run_multiprocessor(sm, layout, unit, operands, counts)
        counts[CYCLES] = max(counts[CYCLES], cycles)
    executed = counts[MACS]
    counts[MACS] = counts[SKIPPED_MACS]
    counts[SKIPPED_MACS] -= executed
    return counts
