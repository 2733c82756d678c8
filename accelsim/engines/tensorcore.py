"""Tensor cores: instructions of m x n x k on operands that stream in, weights dense or n:m sparse.

A product is cut into output tiles, filters outside, pixels inside; a multiprocessor takes one after the other through
k-steps. In a k-step each instruction is dealt to a core, those of neighbouring pixels together, and takes its interval;
the next k-step adds to the same sums, so that a k-step cannot be shorter than an instruction's interval and latency.
Operands come at the buses' pace in the order in which they are used, those of a k-step spread evenly over its slots,
and at most one k-step ahead; the slower of the two buses counts. With several multiprocessors tiles are dealt in turn.

Initiation interval and bound of a k-step: Mishra et al., Accelerating Sparse Deep Neural Networks, 2021, for 2:4; the
reduction runs over kernel positions, then channels, so that groups lie along the channels as they are pruned there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import ceil, lcm
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.compress import Compressed, compressed
from accelsim.config import UserError
from accelsim.counts import ActionCounts
from accelsim.engines.base import ceil_div, check_operand, extents
from accelsim.engines.ksteps import Clock, Step, after_many, repeated
from accelsim.engines.slots import MacSlots
from accelsim.hardware import TensorCore
from accelsim.hardware.engines import RATE_DENOMINATOR
from accelsim.lowering import INT64_MAX, Gemm

if TYPE_CHECKING:
    from accelsim.kernels.tensorcore import TensorCoreUnit


class Buses(NamedTuple):
    """Both operand buses on one scale: ``rate`` ticks a cycle, so many ticks a bit; 0 without a limit."""

    rate: int
    core_ticks: int
    l2_ticks: int


class Tile(NamedTuple):
    """What a multiprocessor computes at a time: pixels x filters, or several such tiles side by side."""

    pixels: int
    filters: int
    several: int = 1


Program = list[tuple["Tile | Program", int]]
"""Tiles in their order, each part so many times in a row."""


def summed(program: Program, measure: Callable[[Tile], int]) -> int:
    """The sum of a measure over all tiles."""
    return sum(
        times * (measure(part) if isinstance(part, Tile) else summed(part, measure)) for part, times in program
    )  # fmt: skip


def last_tile(program: Program) -> Tile:
    """The one that ends last."""
    part, _ = program[-1]
    return part if isinstance(part, Tile) else last_tile(part)


@dataclass(frozen=True)
class Tensor:
    """The engine of a TensorCore. Whether weights are sparse, their Gemm's ``pattern`` says."""

    unit: TensorCore

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form.

        Raises: UserError where cycles times multipliers leave int64.
        """
        return self._counts(gemm, self._cycles(gemm))

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle; a is integers [groups, M, K], w [groups, K, N] in the Gemm's pattern.

        Returns a @ w and what happened. Raises: UserError as ``count``, for operands of another shape, kind or width,
        weights that break the pattern, and where sums could leave int64.
        """
        check_operand("weights", w, [(gemm.groups, gemm.k, gemm.n)], gemm.weight_bits, True)
        return self.step_compressed(gemm, a, compressed(w, gemm.pattern))

    def step_compressed(self, gemm: Gemm, a: np.ndarray, w: Compressed) -> tuple[np.ndarray, ActionCounts]:
        """As ``step``, of weights with their metadata as the hardware reads them.

        Raises: UserError for metadata that name no place in their group, or not in rising order.
        """
        from accelsim.kernels.tensorcore import step_tensor_core

        cycles = self._cycles(gemm)
        self._counts(gemm, cycles)
        check_operand("activations", a, [(gemm.groups, gemm.m, gemm.k)], gemm.activation_bits, gemm.activation_signed)
        stored = gemm.pattern.stored(gemm.k) if gemm.pattern else gemm.k
        w.check((gemm.groups, gemm.n, stored), gemm.pattern)
        options, (operand, total) = self._stepped_unit(gemm), element_types(gemm, a, w.values)
        instructions, of_one = ceil_div(gemm.k, options.k), options.k // options.group * options.kept
        activations = in_bands(a.astype(operand), options.tile_m, instructions * options.k)
        values, places = (by_instruction(x, instructions, of_one) for x in (w.values.astype(operand), w.places))
        sums: np.ndarray = np.zeros((options.tiles_at_once, options.tile_n, options.tile_m), total)
        product = np.zeros((gemm.groups, gemm.m, gemm.n), np.int64)
        seen = step_tensor_core(activations, values, places, sums, product, gemm.k, options)
        return product, ActionCounts(*(int(n) for n in seen))

    def explain(self, gemm: Gemm) -> MacSlots:
        """Where the multiplier slots of ``count`` went, and those of dense weights; errors as there."""
        slots, dense = self._slots(gemm), self._cycles(replace(gemm, pattern=None)) * self.unit.pes
        ideal = Fraction(dense) / (gemm.pattern.speedup if gemm.pattern else 1)
        return replace(slots, dense_total=dense, pattern_total=ideal)

    def _counts(self, gemm: Gemm, cycles: int) -> ActionCounts:
        unit = self.unit
        if cycles * unit.pes * self._buses().rate > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}: {cycles:.3g} cycles of {unit.pes}"
                f" multipliers do not fit a 64-bit count; allowed: at most {INT64_MAX}"
            )
        stored = gemm.pattern.stored(gemm.k) if gemm.pattern else gemm.k
        return ActionCounts(
            cycles=cycles,
            macs=gemm.macs,
            folds=gemm.groups * ceil_div(gemm.m, unit.tile_m) * ceil_div(gemm.n, unit.tile_n),
            activation_reads=gemm.groups * gemm.m * gemm.k * ceil_div(gemm.n, self._warp[1]),
            weight_reads=gemm.groups * stored * gemm.n * ceil_div(gemm.m, self._warp[0]),
            psum_writes=gemm.groups * gemm.m * gemm.n,
            skipped_macs=gemm.groups * gemm.m * gemm.n * (gemm.k - gemm.executed_k),
        )

    @property
    def _warp(self) -> tuple[int, int]:
        """Pixels and filters that read their operands together."""
        return self.unit.warp_m or self.unit.tile_m, self.unit.warp_n or self.unit.tile_n

    def _interval(self, gemm: Gemm) -> int:
        """Cycles from one instruction of a core to the next: ceil(m n (k / s) / P)."""
        return ceil_div(self.unit.m * self.unit.n * self._stored_k(gemm), self.unit.rate)

    def _stored_k(self, gemm: Gemm) -> int:
        """Weights of one filter that an instruction multiplies."""
        k = self.unit.instruction_k(gemm.pattern)
        return int(gemm.pattern.stored(k)) if gemm.pattern else k

    def _buses(self) -> Buses:
        rates = self.unit.operand_rates
        rate = lcm(*(r.numerator for r in rates if r))
        core, l2 = (int(rate / r) if r else 0 for r in rates)
        return Buses(rate, core, l2)

    def _step(self, gemm: Gemm, tile: Tile, depth: int) -> Step:
        """A k-step of so many instructions one after the other on the same sums."""
        unit, buses, interval = self.unit, self._buses(), self._interval(gemm)
        at_once = ceil_div(tile.pixels, unit.m) * ceil_div(tile.filters, unit.n) * tile.several
        rounds = ceil_div(at_once, unit.cores) * depth
        busy = ceil(rounds * interval / self._sustained)
        slots = max(busy, depth * (interval + unit.latency_cycles))
        k = depth * unit.instruction_k(gemm.pattern)
        pixels, filters = tile.pixels * k * gemm.activation_bits, tile.filters * gemm.weight_column_bits(k)
        reads = (ceil_div(tile.filters, self._warp[1]), ceil_div(tile.pixels, self._warp[0]))
        core = pixels * reads[0] + filters * reads[1] + (pixels + filters) * unit.operand_fills
        ticks = max(core * buses.core_ticks, (pixels + filters) * buses.l2_ticks) * tile.several
        return Step(slots, busy, rounds, ticks)

    def _steps(self, gemm: Gemm, tile: Tile) -> list[tuple[Step, int]]:
        """All k-steps of a tile: equal ones, then what is left of K."""
        instructions = ceil_div(gemm.k, self.unit.instruction_k(gemm.pattern))
        return [(self._step(gemm, tile, part.used), part.repeat) for part in extents(instructions, self._depth)]

    @property
    def _depth(self) -> int:
        """Instructions of a k-step, one after the other on the same sums."""
        return (self.unit.tile_k or self.unit.k) // self.unit.k

    def _program(self, gemm: Gemm) -> Program:
        """The tiles of the first multiprocessor, which has most."""
        unit = self.unit
        if unit.charge_full_tile:
            tiles = gemm.groups * ceil_div(gemm.m, unit.tile_m) * ceil_div(gemm.n, unit.tile_n)
            batches = extents(ceil_div(tiles, unit.multiprocessors), unit.tiles_at_once)
            return [(Tile(unit.tile_m, unit.tile_n, batch.used), batch.repeat) for batch in batches]
        group: Program = []
        for filters in extents(gemm.n, unit.tile_n):
            line: Program = [(Tile(p.used, filters.used), p.repeat) for p in extents(gemm.m, unit.tile_m)]
            group.append((line, filters.repeat))
        return [(group, gemm.groups)]

    def _cycles(self, gemm: Gemm) -> int:
        return self.unit.launch_cycles + sum(self._times(gemm, self._program(gemm)))

    def _times(self, gemm: Gemm, program: Program) -> tuple[int, int]:
        """Cycles in which k-steps run or wait for operands, and those before and after them."""
        if self.unit.overlap_tiles:
            return self._run(gemm, program, Clock()).last, self._ends(gemm, last_tile(program))
        running = summed(program, lambda tile: self._run(gemm, tile, Clock()).last)
        return running, summed(program, lambda tile: self._ends(gemm, tile))

    def _run(self, gemm: Gemm, part: Tile | Program, clock: Clock) -> Clock:
        """The clock after a tile, or after all tiles of a program."""
        rate = self._buses().rate
        if isinstance(part, Tile):
            for step, times in self._steps(gemm, part):
                clock = after_many(clock, step, times, rate)
            return clock
        for inner, times in part:
            clock = repeated(clock, partial(self._run, gemm, inner), times, rate)
        return clock

    def _ends(self, gemm: Gemm, tile: Tile) -> int:
        """Cycles before a tile and after its last slot."""
        return self.unit.fill_cycles + self._tail(gemm, tile) + self.unit.epilogue_cycles

    def _stepped_unit(self, gemm: Gemm) -> TensorCoreUnit:
        from accelsim.kernels.tensorcore import TensorCoreUnit

        unit, buses, pattern = self.unit, self._buses(), gemm.pattern
        return TensorCoreUnit(
            cores=unit.cores,
            m=unit.m,
            n=unit.n,
            k=unit.instruction_k(pattern),
            kept=pattern.kept if pattern else 1,
            group=pattern.group if pattern else 1,
            multipliers=unit.rate,
            depth=self._depth,
            latency=unit.latency_cycles,
            tile_m=unit.tile_m,
            tile_n=unit.tile_n,
            warp_m=self._warp[0],
            warp_n=self._warp[1],
            multiprocessors=unit.multiprocessors,
            tiles_at_once=unit.tiles_at_once,
            overlap=unit.overlap_tiles,
            charge_full_tile=unit.charge_full_tile,
            launch=unit.launch_cycles,
            fill=unit.fill_cycles,
            epilogue=unit.epilogue_cycles,
            math_above=self._sustained.numerator,
            math_below=self._sustained.denominator,
            activation_bits=gemm.activation_bits,
            weight_bits=gemm.stored_weight_bits,
            rate=buses.rate,
            fills=unit.operand_fills,
            core_ticks=buses.core_ticks,
            l2_ticks=buses.l2_ticks,
        )

    @property
    def _sustained(self) -> Fraction:
        """Share of the multipliers that is reached."""
        return Fraction(self.unit.sustained_math).limit_denominator(RATE_DENOMINATOR)

    def _tail(self, gemm: Gemm, tile: Tile) -> int:
        """Cycles from the last slot of a tile until the sums of its last instruction are complete."""
        step, _ = self._steps(gemm, tile)[-1]
        started = (step.rounds - 1) * step.slots // step.rounds
        return max(0, started + self._interval(gemm) + self.unit.latency_cycles - step.slots)

    def _in_all(self, gemm: Gemm, program: Program, measure: Callable[[Step], int]) -> int:
        """The sum of a measure over all k-steps of all tiles."""
        return summed(program, lambda tile: sum(times * measure(step) for step, times in self._steps(gemm, tile)))

    def _slots(self, gemm: Gemm) -> MacSlots:
        unit, program = self.unit, self._program(gemm)
        running, ends = self._times(gemm, program)
        interval, stored = self._interval(gemm), self._stored_k(gemm)
        deep = ceil_div(gemm.k, unit.instruction_k(gemm.pattern))
        grid = [(unit.tile_m, unit.tile_n), (unit.m, unit.n)][not unit.charge_full_tile]
        m, n = (ceil_div(size, part) * part for size, part in zip((gemm.m, gemm.n), grid, strict=True))
        instructions = gemm.groups * (m // unit.m) * (n // unit.n) * deep
        mine = interval * self._in_all(gemm, program, lambda step: step.rounds)
        busy, all_slots = (self._in_all(gemm, program, attrgetter(name)) for name in ("busy", "slots"))
        tiles = gemm.groups * ceil_div(gemm.m, unit.tile_m) * ceil_div(gemm.n, unit.tile_n)
        absent = ceil_div(tiles, unit.multiprocessors) * unit.multiprocessors - tiles
        idle = absent * (unit.tile_m // unit.m) * (unit.tile_n // unit.n) * deep * interval * unit.rate
        useful, k = gemm.executed_k, deep * stored
        return MacSlots(
            useful=gemm.groups * gemm.m * gemm.n * useful,
            padded_k=gemm.groups * gemm.m * gemm.n * (k - useful),
            partial_m=gemm.groups * (m - gemm.m) * gemm.n * k,
            partial_n=gemm.groups * m * (n - gemm.n) * k,
            idle_cores=mine * unit.pes - instructions * interval * unit.rate - idle,
            idle_multiprocessors=idle,
            interval=instructions * (interval * unit.rate - unit.m * unit.n * stored) + (busy - mine) * unit.pes,
            dependency=(all_slots - busy) * unit.pes,
            operand_wait=(running - all_slots) * unit.pes,
            ends=(ends + unit.launch_cycles) * unit.pes,
        )


def element_types(gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[type, type]:
    """The narrowest types for operands and sums.

    Raises: UserError where sums may leave 64 bits.
    """
    a_peak, w_peak = (max(int(x.max()), -int(x.min())) for x in (a, w))
    for operand, total in ((np.int16, np.int32), (np.int32, np.int64)):
        if max(a_peak, w_peak) <= np.iinfo(operand).max and a_peak * w_peak * gemm.k <= np.iinfo(total).max:
            return operand, total
    raise UserError(f"operands up to {a_peak} and {w_peak}, K={gemm.k}: sums do not fit 64 bits; allowed: less")


def in_bands(a: np.ndarray, pixels: int, k: int) -> np.ndarray:
    """Activations [groups, M, K] as [groups * tiles, k, pixels of a tile], zeros beyond M and K."""
    groups, m, reduction = a.shape
    bands = ceil_div(m, pixels)
    padded: np.ndarray = np.zeros((groups, bands * pixels, k), a.dtype)
    padded[:, :m, :reduction] = a
    return np.ascontiguousarray(padded.reshape(groups * bands, pixels, k).swapaxes(1, 2))


def by_instruction(x: np.ndarray, instructions: int, stored: int) -> np.ndarray:
    """Stored weights, or their places, [groups, N, K] as [groups, instructions, N, stored], zeros beyond K."""
    groups, n, k = x.shape
    padded: np.ndarray = np.zeros((groups, n, instructions * stored), x.dtype)
    padded[:, :, :k] = x
    return np.ascontiguousarray(padded.reshape(groups, n, instructions, stored).swapaxes(1, 2))
