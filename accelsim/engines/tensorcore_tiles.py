"""The tiles of a product on tensor cores, their k-steps, and the cycles at which they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import ceil, lcm
from typing import NamedTuple

from accelsim.config.integers import ceil_div
from accelsim.engines.extents import cut_extents
from accelsim.engines.tensorcore_ksteps import Clock, Step, advance_steps, repeat_advance, waits_for_operands
from accelsim.hardware import TensorCore
from accelsim.workload.gemm import Gemm


class Buses(NamedTuple):
    """Both operand buses on one scale of ticks."""

    rate: int  #: ticks in a cycle
    core_ticks: int  #: ticks that a bit takes on the cores' bus; 0 without a limit
    l2_ticks: int  #: ticks that a bit takes on the L2's bus; 0 without a limit


class Tile(NamedTuple):
    """What a multiprocessor computes at a time: one output tile, or several side by side."""

    pixels: int  #: output pixels of one tile
    filters: int  #: filters of one tile
    several: int = 1  #: tiles side by side


Program = list[tuple["Tile | Program", int]]
"""Tiles in their order; each entry is a tile, or a program of its own, and how many times it runs in a row."""


def sum_over_tiles(program: Program, measure: Callable[[Tile], int]) -> int:
    """Add a measure of every tile of a program."""
    return sum(
        times * (measure(part) if isinstance(part, Tile) else sum_over_tiles(part, measure)) for part, times in program
    )


def find_last_tile(program: Program) -> Tile:
    """Find the tile of a program that ends last."""
    part, _ = program[-1]
    return part if isinstance(part, Tile) else find_last_tile(part)


@dataclass(frozen=True)
class TileWalk:
    """One product on a unit: the first multiprocessor's way through its tiles; no other one has more of them."""

    unit: TensorCore
    gemm: Gemm
    _known: dict[Tile, list[tuple[Step, int]]] = field(default_factory=dict, compare=False)

    @cached_property
    def warp(self) -> tuple[int, int]:
        """Pixels and filters that read their operands together."""
        return self.unit.warp_m or self.unit.tile_m, self.unit.warp_n or self.unit.tile_n

    @cached_property
    def k(self) -> int:
        """Length along K of an instruction: whole groups of the pattern."""
        return self.unit.instruction_k(self.gemm.pattern)

    @cached_property
    def stored_k(self) -> int:
        """Stored weights of one filter that an instruction multiplies."""
        return int(self.gemm.stored_weights(self.k))

    @cached_property
    def interval(self) -> int:
        """Cycles from one instruction of a core to the next: ceil(m n (k / s) / P)."""
        return ceil_div(self.unit.m * self.unit.n * self.stored_k, self.unit.rate)

    @cached_property
    def depth(self) -> int:
        """Instructions of a k-step that follow one another on the same sums."""
        return (self.unit.tile_k or self.unit.k) // self.unit.k

    @cached_property
    def instructions(self) -> int:
        """Number of instructions along K."""
        return ceil_div(self.gemm.k, self.k)

    @cached_property
    def tiles(self) -> int:
        """Number of tiles in all groups."""
        down, across = ceil_div(self.gemm.m, self.unit.tile_m), ceil_div(self.gemm.n, self.unit.tile_n)
        return self.gemm.groups * down * across

    @cached_property
    def buses(self) -> Buses:
        """The scale of ticks on which a bit takes whole ticks on both buses."""
        rates = self.unit.operand_rates
        rate = lcm(*(r.numerator for r in rates if r))
        core, l2 = (int(rate / r) if r else 0 for r in rates)
        return Buses(rate, core, l2)

    @cached_property
    def program(self) -> Program:
        """The tiles in order, filters outside, pixels inside; with charge_full_tile all tiles have the same size."""
        unit, gemm = self.unit, self.gemm
        if unit.charge_full_tile:
            batches = cut_extents(ceil_div(self.tiles, unit.multiprocessors), unit.tiles_at_once)
            return [(Tile(unit.tile_m, unit.tile_n, batch.used), batch.repeat) for batch in batches]
        group: Program = []
        for filters in cut_extents(gemm.n, unit.tile_n):
            line: Program = [(Tile(p.used, filters.used), p.repeat) for p in cut_extents(gemm.m, unit.tile_m)]
            group.append((line, filters.repeat))
        return [(group, gemm.groups)]

    @cached_property
    def cycles(self) -> int:
        """Cycles from the launch to the last sum."""
        return self.unit.launch_cycles + self.running + self.ends

    @cached_property
    def running(self) -> int:
        """Cycles in which k-steps run or wait for operands."""
        if self.unit.overlap_tiles:
            return self._run(self.program, Clock()).last
        return sum_over_tiles(self.program, lambda tile: self._run(tile, Clock()).last)

    @cached_property
    def ends(self) -> int:
        """Cycles before and after the k-steps of each tile, or of all tiles if they overlap, without the launch."""
        if self.unit.overlap_tiles:
            return self._ends(find_last_tile(self.program))
        return sum_over_tiles(self.program, self._ends)

    @cached_property
    def longest(self) -> int:
        """The most ticks that a stepped bus counts: ticks times slots of a k-step, or the ticks of all cycles."""
        counted = self.cycles * self.buses.rate  # this visits all kinds of tiles, so that their k-steps are known
        return max(counted, *(2 * step.ticks * (step.slots + 1) for steps in self._known.values() for step, _ in steps))

    def sum_over_steps(self, measure: Callable[[Step], int]) -> int:
        """Add a measure of every k-step of all tiles."""
        return sum_over_tiles(self.program, lambda tile: sum(times * measure(step) for step, times in self.steps(tile)))

    def steps(self, tile: Tile) -> list[tuple[Step, int]]:
        """The k-steps of a tile with their number: equal ones, then one for the remainder of K."""
        if tile not in self._known:
            parts = cut_extents(self.instructions, self.depth)
            self._known[tile] = [(self._step(tile, part.used), part.repeat) for part in parts]
        return self._known[tile]

    def _step(self, tile: Tile, depth: int) -> Step:
        """A k-step of ``depth`` instructions that follow one another on the same sums."""
        unit, gemm, buses = self.unit, self.gemm, self.buses
        at_once = ceil_div(tile.pixels, unit.m) * ceil_div(tile.filters, unit.n) * tile.several
        rounds = ceil_div(at_once, unit.cores) * depth
        busy = ceil(rounds * self.interval / self.unit.math_share)
        slots = max(busy, depth * (self.interval + unit.latency_cycles))
        k = depth * self.k
        pixels, filters = tile.pixels * k * gemm.activation_bits, tile.filters * gemm.weight_column_bits(k)
        reads = (ceil_div(tile.filters, self.warp[1]), ceil_div(tile.pixels, self.warp[0]))
        core = pixels * reads[0] + filters * reads[1] + (pixels + filters) * unit.operand_fills
        ticks = max(core * buses.core_ticks, (pixels + filters) * buses.l2_ticks) * tile.several
        return Step(slots, busy, rounds, ticks)

    def _run(self, part: Tile | Program, clock: Clock) -> Clock:
        """The clock after a tile, or after all tiles of a program."""
        rate = self.buses.rate
        if isinstance(part, Tile):
            for step, times in self.steps(part):
                clock = advance_steps(clock, step, times, rate)
            return clock
        for inner, times in part:
            bus_ticks = self._bus_ticks(inner) if times > 1 else None
            clock = repeat_advance(clock, partial(self._run, inner), times, rate, bus_ticks)
        return clock

    def _bus_ticks(self, part: Tile | Program) -> int | None:
        """Ticks of the operands of all k-steps of a part; None unless every k-step waits for its operands."""
        whole: Program = [(part, 1)]
        if sum_over_tiles(
            whole, lambda tile: sum(not waits_for_operands(step, self.buses.rate) for step, _ in self.steps(tile))
        ):
            return None
        return sum_over_tiles(whole, lambda tile: sum(step.ticks * times for step, times in self.steps(tile)))

    def _ends(self, tile: Tile) -> int:
        """Cycles before a tile, and from its last slot until the sums of its last instruction are out."""
        step, _ = self.steps(tile)[-1]
        started = (step.rounds - 1) * step.slots // step.rounds
        tail = max(0, started + self.interval + self.unit.latency_cycles - step.slots)
        return self.unit.fill_cycles + tail + self.unit.epilogue_cycles
