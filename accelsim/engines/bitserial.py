"""A bit-serial unit: Stripes and its family, and the bit-parallel DaDianNao that they are compared with.

In one step of a product each column works on one window (a row of A), and the whole unit on one brick of ``lanes``
successive channels at one kernel position, for the filters of all tiles. The steps of a window run over kernel rows,
kernel columns and bricks; then come the next filters, the next windows and the next group. A step takes as many cycles
as the serial operands have bits, or as their values need (``skip``); ``essential`` takes one set bit a lane and cycle,
whatever ``bits_per_cycle``.

A product with one window that is no convolution is fully connected: the steps go round the columns, and the weights of
one step arrive each cycle. All groups form one such stream. Adding up the columns' partial sums of a filter is free.

Judd et al., Stripes, MICRO 2016; Albericio et al., Bit-Pragmatic, MICRO 2017; Sharify et al., Loom, DAC 2018.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from accelsim.config.integers import ceil_div
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
)
from accelsim.engines.bit_slots import BitSlots
from accelsim.engines.bitserial_counts import (
    account_bit_slots,
    check_unit_operands,
    count_actions,
    count_filters,
    count_lane_slots,
    count_lanes,
    count_mac_slots,
    is_serial,
    list_step_beats,
    order_bricks,
    time_by_values,
    time_by_widths,
    walk_steps,
)
from accelsim.engines.bitserial_datapath import build_datapath, count_flip_flops
from accelsim.engines.bitserial_planes import (
    build_serial_unit,
    choose_sum_types,
    lay_out_weights,
    pack_planes,
)
from accelsim.engines.counts import ActionCounts
from accelsim.engines.space_to_depth import (
    pack_images_to_depth,
    pack_space_to_depth,
    pack_weights_to_depth,
    restore_macs,
)
from accelsim.hardware import BITS, BitSerialUnit
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.gemm import Gemm
from accelsim.workload.random_operands import lower_activations

SHOWN_BITS = (16, 8, 4)  # widths whose roofs are drawn even if no layer has them


@dataclass(frozen=True)
class BitSerialEngine(Engine):
    """The engine of a BitSerialUnit."""

    unit: BitSerialUnit

    @property
    def description(self) -> BitSerialUnit:
        """The engine's section of the hardware file."""
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
        """Number of lanes; each takes bits of one operand a cycle, or is a whole multiplier where nothing is serial."""
        return count_lanes(self.unit)

    @property
    def is_serial(self) -> bool:
        """Whether any operand arrives bit by bit."""
        return is_serial(self.unit)

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N and K of one pass: windows, filters, and single channels, which stream."""
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
        """Whether the length of a step depends on its values."""
        return self.unit.skip != "none"

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int, pattern: Pattern | None = None) -> float:
        """MACs in a cycle in which all lanes work; where zero bits are skipped, each activation counts as one bit."""
        activation_cycles = 1 if self.needs_values else ceil_div(activation_bits, self.unit.bits_per_cycle)
        return self.pes / count_mac_slots(self.unit, activation_cycles, weight_bits)

    @property
    def rated_macs_per_cycle(self) -> float:
        """The peak in MACs per cycle at the unit's own precision, without skipping."""
        width = BITS[self.unit.precision]
        return self.pes / count_mac_slots(self.unit, ceil_div(width, self.unit.bits_per_cycle), width)

    def promised_rate(self, bits: int) -> Fraction:
        """One over the bit slots that a MAC of operands of this width takes."""
        return Fraction(1, count_mac_slots(self.unit, bits, bits))

    def roof(self, activation_bits: int, weight_bits: int, pattern: Pattern | None) -> EngineRoof:
        """The roof, named by the widths of the operands that arrive bit by bit."""
        names = {
            "none": f"{self.unit.operand_bits} bit",
            "activations": f"{activation_bits}-bit activations",
            "weights": f"{weight_bits}-bit weights",
            "both": f"{activation_bits} x {weight_bits} bit",
        }
        name = "one bit an activation" if self.needs_values else names[self.unit.serial]
        return EngineRoof(name, self.peak_macs_per_cycle(activation_bits, weight_bits))

    def offered_roofs(self) -> list[EngineRoof]:
        """The roofs of the usual widths that the unit accepts."""
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
        """None: the account of bit slots says where cycles went."""
        return

    def lay(self, gemm: Gemm) -> Gemm:
        """The product, packed space to depth if it is a first layer and the unit packs those."""
        return pack_space_to_depth(gemm) if self.unit.pack_first_layer else gemm

    def lay_activations(self, data: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Order images [batch, channels, height, width] or activations [groups, M, K] as ``lay``: [groups, M, K]."""
        laid = self.lay(gemm)
        return lower_activations(data if laid is gemm else pack_images_to_depth(data, gemm), laid)

    def lay_weights(self, w: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Order weights [groups, K, N] as ``lay`` does: [groups, K, N]."""
        return w if self.lay(gemm) is gemm else pack_weights_to_depth(w, gemm)

    def count_product(self, gemm: Gemm, a: np.ndarray | None = None, signed: bool | None = None) -> CountedProduct:
        """Count a layer's product with the account of its bit slots; a unit without a serial operand keeps none.

        Raises: UserError as ``count_values``.
        """
        counts, losses = self.account(self.lay(gemm), a, activation_signed=signed)
        return CountedProduct(
            restore_macs(counts, gemm), self._without_packing(losses, gemm) if self.is_serial else None
        )

    def work(self, counted: CountedProduct) -> ArithmeticWork:
        """Steps of serial lanes. Gated lanes spend nothing on zero weights, which are spread evenly over the steps."""
        losses = counted.slots
        if not isinstance(losses, BitSlots) or not losses.ideal:
            return super().work(counted)
        worked = losses.useful + losses.packed_zeros
        worked += (losses.unused_bits + losses.skipped) * worked // losses.ideal
        steps = worked // count_lane_slots(self.unit)
        gated = counted.zero_macs if self.unit.zero_gating else 0
        return ArithmeticWork(bit_steps=steps - steps * gated // counted.counts.macs, register_steps=steps)

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Split the cycles of a product in proportion to its account of bit slots."""
        losses, slots = counted.slots, self.pes * count_lane_slots(self.unit)
        if not isinstance(losses, BitSlots):  # a bit-parallel unit keeps no account
            losses = self._without_packing(self.explain(self.lay(gemm)), gemm)
        return EngineCycles(
            useful=Fraction(losses.useful, slots),
            channels=Fraction(losses.packed_zeros + losses.idle_lanes, slots),
            edge=Fraction(losses.idle_rows + losses.idle_tiles + losses.idle_columns, slots),
            operands=Fraction(losses.weight_wait, slots),
            pipeline=Fraction(losses.unused_bits + losses.column_wait + losses.skipped, slots),
        )

    def _without_packing(self, losses: BitSlots, gemm: Gemm) -> BitSlots:
        """Separate the zero weights that packing adds from the product's own MACs in an account."""
        zeros = losses.useful - losses.useful // self.lay(gemm).macs * gemm.macs
        return replace(losses, useful=losses.useful - zeros, packed_zeros=zeros)

    def datapath(self, technology: Technology) -> EngineDatapath:
        """The operation of a lane in a cycle and the registers that it clocks."""
        return build_datapath(self.unit, technology)

    @property
    def flip_flops(self) -> int:
        """Register bits: a lane holds its input bits and a weight; lanes that are added up share an accumulator."""
        return count_flip_flops(self.unit)

    def count(self, gemm: Gemm) -> ActionCounts:
        """Count a product in closed form.

        Raises: UserError for widths that the unit does not accept, counts beyond int64, and a unit with ``skip``.
        """
        return count_actions(self.unit, gemm, time_by_widths(self.unit, gemm))

    def count_values(
        self, gemm: Gemm, a: np.ndarray, w: np.ndarray | None = None, activation_signed: bool | None = None
    ) -> ActionCounts:
        """Count in closed form by values, with ``skip`` too. Operands and errors are those of ``step``."""
        return self.account(gemm, a, w, activation_signed)[0]

    def explain(
        self,
        gemm: Gemm,
        a: np.ndarray | None = None,
        w: np.ndarray | None = None,
        activation_signed: bool | None = None,
    ) -> BitSlots:
        """Account for the bit slots of ``count``, or of ``count_values`` if tensors are given. Raises: as they do."""
        return self.account(gemm, a, w, activation_signed)[1]

    def account(
        self,
        gemm: Gemm,
        a: np.ndarray | None = None,
        w: np.ndarray | None = None,
        activation_signed: bool | None = None,
    ) -> tuple[ActionCounts, BitSlots]:
        """Count a product and account for its bit slots, by widths, or by values if tensors are given (``step``)."""
        timing = (
            time_by_widths(self.unit, gemm) if a is None else time_by_values(self.unit, gemm, a, w, activation_signed)
        )
        return count_actions(self.unit, gemm, timing), account_bit_slots(self.unit, gemm, timing)

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Step a product cycle by cycle on bit planes; a is int[groups, M, K], w int[groups, K, N].

        Weights are signed. Activations are signed as the Gemm states, or if one of them is negative where it does not.
        Returns the product a @ w, int64[groups, M, N], and the counts that the kernel saw.

        Raises: UserError for widths that the unit does not accept, operands of another shape or kind, values beyond
            their width, and counts beyond int64.
        """
        from accelsim.kernels.bitserial import step_unit

        signed = check_unit_operands(self.unit, gemm, a, w, gemm.activation_signed)
        if self.unit.skip == "none":
            self.count(gemm)
        activations, weights = pack_planes(self.unit, gemm, a), lay_out_weights(self.unit, gemm, w)
        unit = build_serial_unit(self.unit, gemm, signed)
        cols = min(unit.cols, walk_steps(self.unit, gemm).column_steps if unit.streamed else gemm.m)
        tree_type, sum_type = choose_sum_types(self.unit, gemm)
        trees: np.ndarray = np.zeros((cols, min(count_filters(self.unit), gemm.n)), tree_type)
        sums: np.ndarray = np.zeros(trees.shape, sum_type)
        product = np.zeros((gemm.groups, gemm.m, gemm.n), np.int64)
        seen = step_unit(activations, weights, trees, sums, product, order_bricks(self.unit, gemm), unit)
        return product, ActionCounts(*(int(n) for n in seen))

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """One beat a step, all of the average length; results leave while the next steps begin."""
        return list_step_beats(self.unit, gemm, cycles)

    def blocks(self, gemm: Gemm) -> Blocks:
        """A beat reads one brick of every window."""
        walk = walk_steps(self.unit, gemm)
        return Blocks(self.unit.cols, self.unit.lanes, by_position=walk.positions > 1, channels_inside=True, apart=True)
