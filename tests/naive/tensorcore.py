"""Tensor cores in plain Python: every k-step's operands and slots in exact time, nothing imported from accelsim."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from naive.counts import Counts, cut, cut_sizes


class Options(NamedTuple):
    """A unit, as its hardware description names it, with every default filled in; rates are exact, None unlimited."""

    cores: int
    m: int
    n: int
    k: int
    rate: int
    latency_cycles: int
    tile_m: int
    tile_n: int
    tile_k: int
    warp_m: int
    warp_n: int
    core_bits_per_cycle: Fraction | None
    l2_bits_per_cycle: Fraction | None
    operand_fills: bool
    multiprocessors: int
    tiles_at_once: int
    overlap_tiles: bool
    charge_full_tile: bool
    launch_cycles: int
    fill_cycles: int
    epilogue_cycles: int
    sustained_math: Fraction


class Product(NamedTuple):
    groups: int
    m: int
    k: int
    n: int
    activation_bits: int
    weight_bits: int
    pattern: tuple[int, int, int] | None  #: kept, group, index bits


class KStep(NamedTuple):
    slots: int
    rounds: int
    operand_cycles: Fraction


def kept_of(product):
    return product.pattern or (1, 1, 0)


def instruction(product, unit):
    """Reduction of an instruction, weights that it multiplies for a filter, and its interval."""
    kept, group, _ = kept_of(product)
    k = ceil(Fraction(unit.k, group)) * group
    stored = k // group * kept
    return k, stored, ceil(Fraction(unit.m * unit.n * stored, unit.rate))


def k_step(product, unit, tiles, depth):
    """One k-step of tiles (pixels, filters) that run at once."""
    k, stored, interval = instruction(product, unit)
    _, _, index_bits = kept_of(product)
    at_once, core_bits, l2_bits = 0, 0, 0
    for pixels, filters in tiles:
        at_once += len(cut_sizes(pixels, unit.m)) * len(cut_sizes(filters, unit.n))
        a = pixels * k * depth * product.activation_bits
        w = filters * stored * depth * (product.weight_bits + index_bits)
        core_bits += a * len(cut_sizes(filters, unit.warp_n)) + w * len(cut_sizes(pixels, unit.warp_m))
        core_bits += a + w if unit.operand_fills else 0
        l2_bits += a + w
    rounds = ceil(Fraction(at_once, unit.cores)) * depth
    slots = max(ceil(rounds * interval / unit.sustained_math), depth * (interval + unit.latency_cycles))
    rates = (core_bits, unit.core_bits_per_cycle), (l2_bits, unit.l2_bits_per_cycle)
    return KStep(slots, rounds, max((bits / rate for bits, rate in rates if rate), default=Fraction(0)))


def run(steps, latest, fetched, before):
    """Slot by slot; ``latest`` slot taken, when the bus was free, when the k-step before began; all in exact time."""
    for step in steps:
        begun = max(fetched, before)
        for slot in range(step.slots):
            there = begun + step.operand_cycles * (slot + 1) / step.slots
            latest = max(latest + 1, ceil(there))
            if slot == 0:
                before = Fraction(latest - 1)
        fetched = begun + step.operand_cycles
    return latest, fetched, before


def cycles_of(batches, product, unit):
    """One multiprocessor's cycles for its batches of tiles."""
    k, _, interval = instruction(product, unit)
    clock, total = (0, Fraction(0), Fraction(0)), unit.launch_cycles
    for number, tiles in enumerate(batches):
        depths = cut_sizes(len(cut_sizes(product.k, k)), unit.tile_k // unit.k)
        steps = [k_step(product, unit, tiles, depth) for depth in depths]
        last = steps[-1]
        begun = (last.rounds - 1) * last.slots // last.rounds
        ends = unit.fill_cycles + max(0, begun + interval + unit.latency_cycles - last.slots) + unit.epilogue_cycles
        clock = run(steps, *clock)
        if not unit.overlap_tiles or number == len(batches) - 1:
            total += clock[0] + ends
            clock = (0, Fraction(0), Fraction(0))
    return total


def count(product, unit):
    """All counts of a product."""
    tiles = [
        (pixels, filters)
        for _ in range(product.groups)
        for filters in cut_sizes(product.n, unit.tile_n)
        for pixels in cut_sizes(product.m, unit.tile_m)
    ]
    kept, group, _ = kept_of(product)
    timed = [(unit.tile_m, unit.tile_n)] * len(tiles) if unit.charge_full_tile else tiles
    cycles = 0
    for sm in range(unit.multiprocessors):
        mine = timed[sm :: unit.multiprocessors]
        if mine:
            batches = cut(mine, unit.tiles_at_once)
            cycles = max(cycles, cycles_of(batches, product, unit))
    executed = sum(min(rows, kept) for rows in cut_sizes(product.k, group))
    stored = len(cut_sizes(product.k, group)) * kept
    outputs = product.groups * product.m * product.n
    return Counts(
        cycles,
        outputs * product.k,
        len(tiles),
        sum(pixels * product.k * len(cut_sizes(filters, unit.warp_n)) for pixels, filters in tiles),
        sum(filters * stored * len(cut_sizes(pixels, unit.warp_m)) for pixels, filters in tiles),
        0,
        outputs,
        outputs * (product.k - executed),
    )


def pruned(column, kept, group):
    """A column of weights with the largest of each group kept, the earlier of equal ones."""
    left = []
    for part in cut(column, group):
        order = sorted(range(len(part)), key=lambda i: (-abs(part[i]), i))[:kept]
        left += [value if i in order else 0 for i, value in enumerate(part)]
    return left
