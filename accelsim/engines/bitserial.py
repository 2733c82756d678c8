"""A bit-serial unit: Stripes and its family, and the bit-parallel DaDianNao that they are measured against.

In one step of a product every column has a window (a row of A), and the unit a brick of ``lanes`` successive channels
at one kernel position, for the filters of all tiles. A window's steps are kernel rows, kernel columns, bricks; then
come the next filters, the next windows, the next group. A step takes as many cycles as serial operands have bits, or
as their values need (``skip``); ``essential`` takes one set bit a lane and cycle, whatever ``bits_per_cycle``.

One window that is no convolution's is fully connected: steps go round the columns, and the weights of one step
arrive each cycle. All groups are one such stream. Adding up what columns hold of a filter is not charged.

Judd et al., Stripes, MICRO 2016; Albericio et al., Bit-Pragmatic, MICRO 2017; Sharify et al., Loom, DAC 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.engines.base import Beats, Blocks, ceil_div, extents
from accelsim.engines.counts import ActionCounts
from accelsim.engines.losses import Losses
from accelsim.hardware import BitSerialUnit
from accelsim.workload.gemm import INT64_MAX, Gemm
from accelsim.workload.tensors import check_operand

if TYPE_CHECKING:
    from accelsim.kernels.bitserial import SerialUnit, Weights
    from accelsim.kernels.bitserial_planes import BrickOrder


class StepWalk(NamedTuple):
    """The steps that a product takes."""

    positions: int  #: of the kernel, one after the other
    channels: int  #: at each of them, ``lanes`` at a time
    steps: int  #: of one window and filter group
    filter_groups: int
    column_steps: int  #: of all columns together
    streamed: bool  #: fully connected


class StepTiming(NamedTuple):
    """Cycles, and of all columns' cycles those at work and those without a window."""

    cycles: int
    working: int
    idle: int = 0


@dataclass(frozen=True)
class BitSerialEngine:
    """The engine of a BitSerialUnit."""

    unit: BitSerialUnit

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form.

        Raises: UserError for widths that the unit does not take, counts beyond int64, and with ``skip``.
        """
        return self._counts(gemm, self._timing_of_widths(gemm))

    def count_values(
        self, gemm: Gemm, a: np.ndarray, w: np.ndarray | None = None, activation_signed: bool | None = None
    ) -> ActionCounts:
        """Closed form with ``skip`` too; operands and errors as ``step``; weights are checked alone."""
        return self.account(gemm, a, w, activation_signed)[0]

    def explain(
        self,
        gemm: Gemm,
        a: np.ndarray | None = None,
        w: np.ndarray | None = None,
        activation_signed: bool | None = None,
    ) -> Losses:
        """Where the cycles of ``count`` went, or if tensors are given those of ``count_values``; errors as they."""
        return self.account(gemm, a, w, activation_signed)[1]

    def account(
        self,
        gemm: Gemm,
        a: np.ndarray | None = None,
        w: np.ndarray | None = None,
        activation_signed: bool | None = None,
    ) -> tuple[ActionCounts, Losses]:
        """Counts and where their cycles went, from one timing: of the widths, or of tensors if they are given."""
        timing = self._timing_of_widths(gemm) if a is None else self._timing_of_values(gemm, a, w, activation_signed)
        return self._counts(gemm, timing), self._losses(gemm, timing)

    def step(
        self, gemm: Gemm, a: np.ndarray, w: np.ndarray, activation_signed: bool | None = None
    ) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle on bit planes; a is integers [groups, M, K], w [groups, K, N]; returns a @ w and counts.

        Weights are signed; so are activations if told, and untold if one is negative.

        Raises: UserError for widths that the unit does not take, operands of another shape or kind, values beyond
            their width, and counts beyond int64.
        """
        from accelsim.kernels.bitserial import step_unit

        signed = self._checked(gemm, a, w, activation_signed)
        if self.unit.skip == "none":
            self.count(gemm)
        activations, weights, unit = self._planes(gemm, a), self._weights(gemm, w), self._stepped_unit(gemm, signed)
        cols = min(unit.cols, self._walk(gemm).column_steps if unit.streamed else gemm.m)
        tree_type, sum_type = self._sum_types(gemm)
        trees: np.ndarray = np.zeros((cols, min(self._filters, gemm.n)), tree_type)
        sums: np.ndarray = np.zeros(trees.shape, sum_type)
        product = np.zeros((gemm.groups, gemm.m, gemm.n), np.int64)
        seen = step_unit(activations, weights, trees, sums, product, self._order(gemm), unit)
        return product, ActionCounts(*(int(n) for n in seen))

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """A step each, of the same length however long single ones take; results leave while the next ones begin."""
        walk, groups = self._walk(gemm), gemm.groups
        length = cycles // (walk.column_steps // gemm.m * ceil_div(gemm.m, self.unit.cols))
        beats = []
        for window, some in ((w, f) for w in extents(gemm.m, self.unit.cols) for f in extents(gemm.n, self._filters)):
            sets = groups * window.repeat * some.repeat
            for lanes in extents(walk.channels, self.unit.lanes):
                step = Beats(length, sets * walk.positions * lanes.repeat)
                bricks = lanes.last + 1 - lanes.repeat, lanes.last + 1
                step = step._replace(depths=(bricks[0] * walk.positions, bricks[1] * walk.positions))
                beats.append(step._replace(activations=window.used * lanes.used, weights=lanes.used * some.used))
            beats.append(Beats(length * walk.steps, sets, vectors=window.used, results=some.used))
        return beats

    def blocks(self, gemm: Gemm) -> Blocks:
        """A brick of every window."""
        walk = self._walk(gemm)
        return Blocks(self.unit.cols, self.unit.lanes, by_position=walk.positions > 1, channels_inside=True, apart=True)

    @property
    def _lanes(self) -> int:
        return self.unit.tiles * self.unit.rows * self.unit.cols * self.unit.lanes

    @property
    def _filters(self) -> int:
        """Side by side, on all tiles."""
        return self.unit.tiles * self.unit.rows

    def _bits(self, activation_bits: int, weight_bits: int) -> int:
        """Bit slots that a MAC needs."""
        serial = self.unit.serial
        return (activation_bits if serial in ("activations", "both") else 1) * (
            weight_bits if serial in ("weights", "both") else 1
        )

    def _step_cycles(self, gemm: Gemm) -> int:
        """Cycles of a step without ``skip``."""
        cycles = ceil_div(gemm.activation_bits, self.unit.bits_per_cycle)
        return self._bits(cycles, gemm.weight_bits)

    def _walk(self, gemm: Gemm) -> StepWalk:
        unit, convolution = self.unit, gemm.convolution
        positions, channels = 1, gemm.k
        if convolution and not (unit.pack_depthwise and convolution.channels == 1):
            positions, channels = convolution.kernel[0] * convolution.kernel[1], convolution.channels
        steps = positions * ceil_div(channels, unit.lanes)
        filter_groups = ceil_div(ceil_div(gemm.n, unit.rows), unit.tiles)
        column_steps = gemm.groups * gemm.m * filter_groups * steps
        return StepWalk(positions, channels, steps, filter_groups, column_steps, convolution is None and gemm.m == 1)

    def _timing_of_widths(self, gemm: Gemm) -> StepTiming:
        self._check_widths(gemm)
        if self.unit.skip != "none":
            raise UserError(f"skip: {self.unit.skip} takes the time that values need; allowed: counts of given tensors")
        walk, cols, step_cycles = self._walk(gemm), self.unit.cols, self._step_cycles(gemm)
        working = walk.column_steps * step_cycles
        if walk.streamed:
            rounds, place = divmod(walk.column_steps - 1, cols)
            return StepTiming(rounds * max(step_cycles, cols) + place + step_cycles, working)
        cycles = working // gemm.m * ceil_div(gemm.m, cols)
        return StepTiming(cycles, working, cycles * cols - working)

    def _timing_of_values(
        self, gemm: Gemm, a: np.ndarray, w: np.ndarray | None, activation_signed: bool | None
    ) -> StepTiming:
        from accelsim.kernels.bitserial_counts import column_times, dynamic_cycles, essential_cycles, streamed_time

        signed = self._checked(gemm, a, w, activation_signed)
        if self.unit.skip == "none":
            return self._timing_of_widths(gemm)
        unit, walk, a = self.unit, self._walk(gemm), a.astype(np.int32, copy=False)
        cycles: np.ndarray = np.empty((gemm.groups, gemm.m, walk.steps), np.uint8)
        order = self._order(gemm)
        if unit.skip == "dynamic":
            dynamic_cycles(a, cycles, order, signed, unit.bits_per_cycle)
        else:
            essential_cycles(a, cycles, order, 2**unit.shifter_bits)
        working = int(cycles.sum(dtype=np.int64)) * walk.filter_groups
        if walk.streamed:
            return StepTiming(int(streamed_time(cycles, unit.cols, walk.filter_groups)), working)
        last, idle = column_times(cycles, unit.cols, walk.filter_groups, unit.column_registers)
        return StepTiming(int(last), working, int(idle))

    def _counts(self, gemm: Gemm, timing: StepTiming) -> ActionCounts:
        if timing.cycles * self._lanes > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}: {timing.cycles:.3g} cycles of {self._lanes}"
                f" lanes do not fit a 64-bit count; allowed: at most {INT64_MAX}"
            )
        filter_groups, window_sets = self._walk(gemm).filter_groups, ceil_div(gemm.m, self.unit.cols)
        return ActionCounts(
            cycles=timing.cycles,
            macs=gemm.macs,
            folds=gemm.groups * window_sets * filter_groups,
            activation_reads=gemm.groups * gemm.m * gemm.k * filter_groups,
            weight_reads=gemm.groups * window_sets * gemm.k * gemm.n,
            psum_writes=gemm.groups * gemm.m * gemm.n,
        )

    def _losses(self, gemm: Gemm, timing: StepTiming) -> Losses:
        unit, walk = self.unit, self._walk(gemm)
        bits, slots = self._bits(gemm.activation_bits, gemm.weight_bits), self.unit.lane_slots
        column_lanes = unit.tiles * unit.rows * unit.lanes
        step_slots = self._step_cycles(gemm) * slots
        waiting = (timing.cycles * unit.cols - timing.working - timing.idle) * column_lanes * slots
        rows = ceil_div(gemm.n, unit.rows) * unit.rows
        bricks = gemm.groups * gemm.m * walk.steps * unit.lanes * bits  # slots of one filter, all lanes at work
        return Losses(
            useful=gemm.macs * bits,
            idle_lanes=gemm.n * bricks - gemm.macs * bits,
            idle_rows=(rows - gemm.n) * bricks,
            idle_tiles=(walk.filter_groups * unit.tiles * unit.rows - rows) * bricks,
            unused_bits=walk.column_steps * column_lanes * (step_slots - bits),
            skipped=(timing.working * slots - walk.column_steps * step_slots) * column_lanes,
            idle_columns=timing.idle * column_lanes * slots,
            column_wait=0 if walk.streamed else waiting,
            weight_wait=waiting if walk.streamed else 0,
            bit_parallel=walk.column_steps * column_lanes * self._bits(unit.pe_bits, unit.pe_bits),
        )

    def _stepped_unit(self, gemm: Gemm, signed: bool) -> SerialUnit:
        from accelsim.kernels.bitserial import DYNAMIC, ESSENTIAL, NO_SKIP, SerialUnit

        unit = self.unit
        return SerialUnit(
            cols=unit.cols,
            filters=self._filters,
            bits=unit.bits_per_cycle if unit.serial in ("activations", "both") else gemm.activation_bits,
            both_serial=unit.serial == "both",
            weights_serial=unit.serial in ("weights", "both"),
            skip={"none": NO_SKIP, "dynamic": DYNAMIC, "essential": ESSENTIAL}[unit.skip],
            shifter_reach=2**unit.shifter_bits,
            column_registers=unit.column_registers,
            signed=signed,
            streamed=self._walk(gemm).streamed,
        )

    def _sum_types(self, gemm: Gemm) -> tuple[type, type]:
        """The narrowest types for what an adder tree gives, and for a brick's sum, at most 15 bits wider."""
        unit, bits, weight_bits = self.unit, gemm.activation_bits, gemm.weight_bits
        if unit.skip == "essential":
            bits = min(bits, 2**unit.shifter_bits) - 1  # one bit of each, at this place at most
        elif unit.serial in ("activations", "both"):
            bits = min(bits, unit.bits_per_cycle)
        elif unit.serial == "weights":
            weight_bits = 1
        most = min(unit.lanes, self._walk(gemm).channels) << (bits + weight_bits - 1)
        pairs = (np.int16, np.int32), (np.int32, np.int64), (np.int64, np.int64)
        return next((tree, brick) for tree, brick in pairs if most <= np.iinfo(tree).max)

    def _planes(self, gemm: Gemm, a: np.ndarray) -> np.ndarray:
        """Bit planes of the activations, with their signs on top; of magnitudes where set bits alone count."""
        from accelsim.kernels.bitserial_planes import WORD_LANES, pack_activations

        walk, bits = self._walk(gemm), gemm.activation_bits
        a = a.astype(np.int32)
        if self.unit.skip == "essential":
            a = np.abs(a) | np.where(a < 0, 1 << bits, 0)
        words = ceil_div(min(self.unit.lanes, walk.channels), WORD_LANES)
        planes = np.empty((gemm.groups * gemm.m * walk.steps, bits + 1, words), np.uint16)
        pack_activations(a, planes, self._order(gemm))
        return planes

    def _weights(self, gemm: Gemm, w: np.ndarray) -> Weights:
        """Weights in the order of the steps: bit planes where they are serial, else as they are."""
        from accelsim.kernels.bitserial import Weights
        from accelsim.kernels.bitserial_planes import WORD_LANES, order_weights, pack_weights

        walk, filters = self._walk(gemm), min(self._filters, gemm.n)
        bricks, lanes = gemm.groups * walk.filter_groups * walk.steps, min(self.unit.lanes, walk.channels)
        if self.unit.serial in ("weights", "both"):
            planes = np.zeros((bricks, gemm.weight_bits, 2 * ceil_div(lanes, WORD_LANES), filters), np.uint8)
            pack_weights(w.astype(np.int16), planes, self._order(gemm))
            return Weights(planes, np.zeros((0, 0, 0), np.int16))
        values = np.zeros((bricks, lanes, filters), np.int16)
        order_weights(w.astype(np.int16), values, self._order(gemm))
        return Weights(np.zeros((0, 0, 0, 0), np.uint8), values)

    def _order(self, gemm: Gemm) -> BrickOrder:
        from accelsim.kernels.bitserial_planes import BrickOrder

        walk = self._walk(gemm)
        return BrickOrder(walk.positions, walk.channels, self.unit.lanes)

    def _check_widths(self, gemm: Gemm) -> None:
        for name in ("activation_bits", "weight_bits"):
            bits, widest = getattr(gemm, name), self.unit.pe_bits
            if not 1 <= bits <= widest:
                raise UserError(f"{name}: {bits}; allowed on a unit with pe_bits {widest}: 1 to {widest}")

    def _checked(self, gemm: Gemm, a: np.ndarray, w: np.ndarray | None, activation_signed: bool | None) -> bool:
        """Whether activations are signed, once the operands that are given are what the product says."""
        self._check_widths(gemm)
        if w is not None:
            check_operand("weights", w, [(gemm.groups, gemm.k, gemm.n)], gemm.weight_bits, signed=True)
        shapes = [(gemm.groups, gemm.m, gemm.k)]
        return check_operand("activations", a, shapes, gemm.activation_bits, activation_signed)
