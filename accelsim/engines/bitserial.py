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
from typing import TYPE_CHECKING

import numpy as np

from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.technology import Technology
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
from accelsim.engines.bitserial_counts import (
    account_losses,
    check_unit_operands,
    count_actions,
    count_filters,
    count_lane_slots,
    count_lanes,
    is_serial,
    order_bricks,
    slots_of_mac,
    time_by_values,
    time_by_widths,
    walk_steps,
)
from accelsim.engines.bitserial_datapath import build_datapath, count_flip_flops
from accelsim.engines.bitserial_planes import (
    build_stepped_unit,
    choose_sum_types,
    lay_out_weights,
    pack_planes,
)
from accelsim.engines.counts import ActionCounts
from accelsim.engines.losses import Losses
from accelsim.engines.space_to_depth import pack_space_to_depth, packed_images, packed_weights, useful
from accelsim.hardware import BITS, BitSerialUnit
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.gemm import Gemm
from accelsim.workload.random_operands import lower_activations

if TYPE_CHECKING:
    pass


SHOWN_BITS = (16, 8, 4)  # widths whose roofs are drawn whether or not a layer has them


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
        return count_lanes(self.unit)

    @property
    def is_serial(self) -> bool:
        """Whether any operand comes bit by bit."""
        return is_serial(self.unit)

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N, K of one pass: windows, filters, and single channels that stream."""
        return self.unit.cols, count_filters(self.unit), 1

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
        return self.pes / slots_of_mac(self.unit, activation_cycles, weight_bits)

    @property
    def rated_macs_per_cycle(self) -> float:
        """The peak at the format of the widest operands, without skipping."""
        width = BITS[self.unit.precision]
        return self.pes / slots_of_mac(self.unit, ceil_div(width, self.unit.bits_per_cycle), width)

    def promised_rate(self, bits: int) -> Fraction:
        """One over the bits that each pair of operands takes."""
        return Fraction(1, slots_of_mac(self.unit, bits, bits))

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
            Occupied("filters", laid.n, count_filters(self.unit)),
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
        return lower_activations(data if laid is gemm else packed_images(data, gemm), laid)

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
        steps = worked // count_lane_slots(self.unit)
        gated = counted.zero_macs if self.unit.zero_gating else 0
        return ArithmeticWork(bit_steps=steps - steps * gated // counted.counts.macs, register_steps=steps)

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Where the bit slots of a product went, in cycles."""
        losses, slots = counted.slots, self.pes * count_lane_slots(self.unit)
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
        """What a lane does in a cycle and which registers it clocks."""
        return build_datapath(self.unit, technology)

    @property
    def flip_flops(self) -> int:
        """A lane has the bits that it takes and a weight; lanes that are added up share an accumulator."""
        return count_flip_flops(self.unit)

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form.

        Raises: UserError for widths that the unit does not take, counts beyond int64, and with ``skip``.
        """
        return count_actions(self.unit, gemm, time_by_widths(self.unit, gemm))

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
        timing = (
            time_by_widths(self.unit, gemm) if a is None else time_by_values(self.unit, gemm, a, w, activation_signed)
        )
        return count_actions(self.unit, gemm, timing), account_losses(self.unit, gemm, timing)

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle on bit planes; a is integers [groups, M, K], w [groups, K, N]; returns a @ w and counts.

        Weights are signed. Activations are as the Gemm says; where it does not say, signed if one of them is negative.

        Raises: UserError for widths that the unit does not take, operands of another shape or kind, values beyond
            their width, and counts beyond int64.
        """
        from accelsim.kernels.bitserial import step_unit

        signed = check_unit_operands(self.unit, gemm, a, w, gemm.activation_signed)
        if self.unit.skip == "none":
            self.count(gemm)
        activations, weights, unit = (
            pack_planes(self.unit, gemm, a),
            lay_out_weights(self.unit, gemm, w),
            build_stepped_unit(self.unit, gemm, signed),
        )
        cols = min(unit.cols, walk_steps(self.unit, gemm).column_steps if unit.streamed else gemm.m)
        tree_type, sum_type = choose_sum_types(self.unit, gemm)
        trees: np.ndarray = np.zeros((cols, min(count_filters(self.unit), gemm.n)), tree_type)
        sums: np.ndarray = np.zeros(trees.shape, sum_type)
        product = np.zeros((gemm.groups, gemm.m, gemm.n), np.int64)
        seen = step_unit(activations, weights, trees, sums, product, order_bricks(self.unit, gemm), unit)
        return product, ActionCounts(*(int(n) for n in seen))

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """A step each, of the same length however long single ones take; results leave while the next ones begin."""
        walk, groups = walk_steps(self.unit, gemm), gemm.groups
        length = cycles // (walk.column_steps // gemm.m * ceil_div(gemm.m, self.unit.cols))
        beats = []
        for window, some in (
            (w, f) for w in extents(gemm.m, self.unit.cols) for f in extents(gemm.n, count_filters(self.unit))
        ):
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
        walk = walk_steps(self.unit, gemm)
        return Blocks(self.unit.cols, self.unit.lanes, by_position=walk.positions > 1, channels_inside=True, apart=True)
