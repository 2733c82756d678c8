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

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.operations import mac_operation
from accelsim.energy.technology import PricedOperation, Technology, integer_add
from accelsim.engines.base import (
    ArithmeticWork,
    Beats,
    Blocks,
    CountedProduct,
    Engine,
    EngineCycles,
    EngineRoof,
    Occupied,
    ceil_div,
    extents,
)
from accelsim.engines.counts import ActionCounts
from accelsim.engines.losses import Losses
from accelsim.engines.space_to_depth import pack_space_to_depth, packed_images, packed_weights, useful
from accelsim.hardware import ACCUMULATOR_BITS, BITS, BitSerialUnit
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.gemm import INT64_MAX, Gemm
from accelsim.workload.random_operands import matrix
from accelsim.workload.tensors import check_operand

if TYPE_CHECKING:
    from accelsim.kernels.bitserial import SerialUnit, Weights
    from accelsim.kernels.bitserial_planes import BrickOrder


SERIAL_OPERANDS = {
    "none": (False, False),
    "activations": (True, False),
    "weights": (False, True),
    "both": (True, True),
}
"""For each value of ``serial`` whether activations, and whether weights, come bit by bit."""
SHOWN_BITS = (16, 8, 4)  # widths whose roofs are drawn whether or not a layer has them


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
class BitSerialEngine(Engine):
    """The engine of a BitSerialUnit."""

    unit: BitSerialUnit

    @property
    def description(self) -> BitSerialUnit:
        """The values of the hardware file."""
        return self.unit

    @property
    def title(self) -> str:
        """Tiles, rows, columns and lanes, and what is serial."""
        unit = self.unit
        kind = "bit-parallel" if unit.serial == "none" else f"bit-serial {unit.serial}"
        skip = "" if unit.skip == "none" else f", {unit.skip}"
        return f"{unit.tiles}x{unit.rows}x{unit.cols}x{unit.lanes} {kind}{skip}"

    @property
    def pes(self) -> int:
        """Lanes, each with bits of one operand a cycle (a whole multiplier each where nothing is serial)."""
        return self.unit.tiles * self.unit.rows * self.unit.cols * self.unit.lanes

    @property
    def serial_activations(self) -> bool:
        """Whether activations come bit by bit."""
        return SERIAL_OPERANDS[self.unit.serial][0]

    @property
    def serial_weights(self) -> bool:
        """Whether weights come bit by bit."""
        return SERIAL_OPERANDS[self.unit.serial][1]

    @property
    def is_serial(self) -> bool:
        """Whether any operand comes bit by bit."""
        return any(SERIAL_OPERANDS[self.unit.serial])

    @property
    def lane_slots(self) -> int:
        """Bits of an activation that a lane has room for in a cycle; 1 where activations are not serial."""
        return self.unit.bits_per_cycle if self.serial_activations else 1

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N, K of one pass: windows, filters, and single channels that stream."""
        return self.unit.cols, self._filters, 1

    @property
    def streamed(self) -> str:
        """The dimension that flows through the units."""
        return "k"

    @property
    def holds_sums(self) -> bool:
        """Sums stay in the units until they are finished."""
        return True

    @property
    def needs_values(self) -> bool:
        """Whether a step takes as long as its values need."""
        return self.unit.skip != "none"

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int, pattern: Pattern | None = None) -> float:
        """MACs in a cycle in which every lane works; where zero bits are skipped, as if each operand had one bit."""
        activation_cycles = 1 if self.needs_values else ceil_div(activation_bits, self.unit.bits_per_cycle)
        return self.pes / self._bits(activation_cycles, weight_bits)

    @property
    def rated_macs_per_cycle(self) -> float:
        """The peak at the format of the widest operands, without skipping."""
        width = BITS[self.unit.precision]
        return self.pes / self._bits(ceil_div(width, self.unit.bits_per_cycle), width)

    def promised_rate(self, bits: int) -> Fraction:
        """One over the bits that each pair of operands takes."""
        return Fraction(1, self._bits(bits, bits))

    def roof(self, activation_bits: int, weight_bits: int, pattern: Pattern | None) -> EngineRoof:
        """The roof, named by the widths of the operands that come bit by bit."""
        names = {
            "none": f"{self.unit.operand_bits} bit",
            "activations": f"{activation_bits}-bit activations",
            "weights": f"{weight_bits}-bit weights",
            "both": f"{activation_bits} x {weight_bits} bit",
        }
        name = "one bit an activation" if self.needs_values else names[self.unit.serial]
        return EngineRoof(name, self.peak_macs_per_cycle(activation_bits, weight_bits))

    def offered_roofs(self) -> list[EngineRoof]:
        """The roofs of usual widths that the unit takes."""
        return [self.roof(bits, bits, None) for bits in SHOWN_BITS if bits <= self.unit.operand_bits]

    def occupied(self, gemm: Gemm) -> list[Occupied]:
        """Lanes, windows and filters that a product would fill."""
        unit, laid = self.unit, self.lay(gemm)
        channels = laid.convolution.channels if laid.convolution else laid.k
        if unit.pack_depthwise and channels == 1:
            channels = laid.k
        windows = unit.cols if laid.m == 1 and laid.convolution is None else laid.m  # steps go round the columns
        return [
            Occupied("lanes", channels, unit.lanes),
            Occupied("windows", windows, unit.cols),
            Occupied("filters", laid.n, self._filters),
        ]

    @property
    def idle_words(self) -> None:
        """The account of bit slots says where cycles went."""
        return

    def lay(self, gemm: Gemm) -> Gemm:
        """The product with its first layer packed space to depth, if the unit does so."""
        return pack_space_to_depth(gemm) if self.unit.pack_first_layer else gemm

    def lay_activations(self, data: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Images or activations -> [groups, M, K] as laid."""
        laid = self.lay(gemm)
        return matrix(data if laid is gemm else packed_images(data, gemm), laid)

    def lay_weights(self, w: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Weights [groups, K, N] -> [groups, K, N] as laid."""
        return w if self.lay(gemm) is gemm else packed_weights(w, gemm)

    def count_product(self, gemm: Gemm, a: np.ndarray | None = None, signed: bool | None = None) -> CountedProduct:
        """Count a layer's product with the account of its bit slots; a unit without a serial operand keeps none."""
        counts, losses = self.account(self.lay(gemm), a, activation_signed=signed)
        return CountedProduct(useful(counts, gemm), self._without_packing(losses, gemm) if self.is_serial else None)

    def work(self, counted: CountedProduct) -> ArithmeticWork:
        """Steps of serial lanes. Gated lanes spend nothing on zero weights, which fall on steps evenly."""
        losses = counted.slots
        if not isinstance(losses, Losses) or not losses.ideal:
            return super().work(counted)
        worked = losses.useful + losses.packed_zeros
        worked += (losses.unused_bits + losses.skipped) * worked // losses.ideal
        steps = worked // self.lane_slots
        gated = counted.zero_macs if self.unit.zero_gating else 0
        return ArithmeticWork(bit_steps=steps - steps * gated // counted.counts.macs, register_steps=steps)

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Where the bit slots of a product went, in cycles."""
        losses, slots = counted.slots, self.pes * self.lane_slots
        if not isinstance(losses, Losses):  # bit-parallel: nothing was to be gained
            losses = self._without_packing(self.explain(self.lay(gemm)), gemm)
        return EngineCycles(
            useful=Fraction(losses.useful, slots),
            channels=Fraction(losses.packed_zeros + losses.idle_lanes, slots),
            edge=Fraction(losses.idle_rows + losses.idle_tiles + losses.idle_columns, slots),
            operands=Fraction(losses.weight_wait, slots),
            pipeline=Fraction(losses.unused_bits + losses.column_wait + losses.skipped, slots),
        )

    def _without_packing(self, losses: Losses, gemm: Gemm) -> Losses:
        """The account with the zeros that packing adds apart from the product's MACs."""
        zeros = losses.useful - losses.useful // self.lay(gemm).macs * gemm.macs
        return replace(losses, useful=losses.useful - zeros, packed_zeros=zeros)

    def datapath(self, technology: Technology) -> EngineDatapath:
        """A lane adds one operand times bits of the other; without a serial operand it is a whole multiplier.

        A lane takes its bits, or both whole operands, and shares an accumulator with the lanes that it is added to.
        """
        unit, wide = self.unit, ACCUMULATOR_BITS[self.unit.precision]
        return EngineDatapath(
            pes=self.pes,
            operation=self._step_operation(technology),
            operation_name="bit-serial step" if self.is_serial else f"MAC {unit.precision}",
            register_bits=(self.lane_slots if self.is_serial else 2 * unit.pe_bits) + wide / unit.lanes,
            serial=self.is_serial,
        )

    def _step_operation(self, technology: Technology) -> PricedOperation:
        unit = self.unit
        if not self.is_serial:
            return mac_operation(technology, unit.precision)
        if self.serial_activations and self.serial_weights:  # a tree counts products of two bits: as wide as the count
            width = unit.lanes.bit_length()
            what = f"rule: an addition of {width} bits, the count of {unit.lanes} lanes, for each pair of bits"
        else:
            width = unit.pe_bits
            what = f"rule: an addition of {width} bits for each bit of the serial operand"
        addition = integer_add(technology, width)
        at_once = 1 if unit.skip == "essential" else self.lane_slots  # essential takes one set bit, whatever the room
        return PricedOperation(
            energy_pj=addition.energy_pj * at_once,
            area_um2=addition.area_um2 * at_once,
            source=f"{what}; {addition.source}",
        )

    @property
    def flip_flops(self) -> int:
        """A lane has the bits that it takes and a weight; lanes that are added up share an accumulator."""
        unit = self.unit
        lane = self.lane_slots + unit.pe_bits if self.is_serial else 2 * unit.pe_bits
        return self.pes * lane + self.pes // unit.lanes * ACCUMULATOR_BITS[unit.precision]

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

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle on bit planes; a is integers [groups, M, K], w [groups, K, N]; returns a @ w and counts.

        Weights are signed. Activations are as the Gemm says; where it does not say, signed if one of them is negative.

        Raises: UserError for widths that the unit does not take, operands of another shape or kind, values beyond
            their width, and counts beyond int64.
        """
        from accelsim.kernels.bitserial import step_unit

        signed = self._checked(gemm, a, w, gemm.activation_signed)
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
    def _filters(self) -> int:
        """Side by side, on all tiles."""
        return self.unit.tiles * self.unit.rows

    def _bits(self, activation_bits: int, weight_bits: int) -> int:
        """Bit slots that a MAC needs."""
        return (activation_bits if self.serial_activations else 1) * (weight_bits if self.serial_weights else 1)

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
        if timing.cycles * self.pes > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}: {timing.cycles:.3g} cycles of {self.pes}"
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
        bits, slots = self._bits(gemm.activation_bits, gemm.weight_bits), self.lane_slots
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
            bits=unit.bits_per_cycle if self.serial_activations else gemm.activation_bits,
            both_serial=self.serial_activations and self.serial_weights,
            weights_serial=self.serial_weights,
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
        elif self.serial_activations:
            bits = min(bits, unit.bits_per_cycle)
        elif self.serial_weights:
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
        if self.serial_weights:
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
