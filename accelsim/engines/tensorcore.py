"""Tensor cores: instructions of m x n x k on operands that stream in, weights dense or n:m sparse.

A product is cut into output tiles, filters outside, pixels inside; a multiprocessor computes one tile after the other
in k-steps. In a k-step each instruction goes to a core, those of neighbouring pixels together, and takes its interval;
the next k-step adds to the same sums, so that a k-step cannot be shorter than an instruction's interval and latency.
Operands arrive at the buses' pace in the order of use, those of a k-step spread evenly over its slots, and at most one
k-step ahead; the slower of the two buses decides. Several multiprocessors take tiles in turn.

Initiation interval and bound of a k-step: Mishra et al., Accelerating Sparse Deep Neural Networks, 2021, for 2:4. The
reduction runs over kernel positions, then channels, so that a pattern's groups lie along the channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from operator import attrgetter

import numpy as np

from accelsim.compress import Compressed, compress_weights
from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.operations import price_mac, price_selection
from accelsim.energy.technology import Technology
from accelsim.engines.base import Beats, Blocks, CountedProduct, Engine, EngineCycles, EngineRoof, Occupied
from accelsim.engines.counts import ActionCounts
from accelsim.engines.mac_slots import MacSlots
from accelsim.engines.tensorcore_operands import (
    arrange_by_instruction,
    arrange_in_bands,
    build_core_unit,
    choose_core_types,
    refuse_endless,
)
from accelsim.engines.tensorcore_tiles import TileWalk
from accelsim.engines.weight_groups import move_channels_inside
from accelsim.hardware import ACCUMULATOR_BITS, BITS, TensorCore
from accelsim.hardware.sparsity import Pattern, parse_pattern
from accelsim.workload.gemm import INT64_MAX, Gemm
from accelsim.workload.operand_files import check_operand
from accelsim.workload.random_operands import lower_activations

SHOWN_PATTERN = "2:4"  # the pattern whose roof is drawn even if the run does not use it


@dataclass(frozen=True)
class TensorCoreEngine(Engine):
    """The engine of a TensorCore. The ``pattern`` of a Gemm says whether its weights are sparse."""

    unit: TensorCore

    @property
    def description(self) -> TensorCore:
        """The engine's section of the hardware file."""
        return self.unit

    @property
    def title(self) -> str:
        """Number of cores and their multipliers, pattern and precision."""
        unit = self.unit
        several = f"{unit.multiprocessors}x" if unit.multiprocessors > 1 else ""
        return f"{several}{unit.cores}x{unit.rate} tensor cores {unit.pattern} {unit.precision}"

    @property
    def pes(self) -> int:
        """Number of multipliers in all cores."""
        return self.unit.multiprocessors * self.unit.cores * self.unit.rate

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N and K of what a multiprocessor computes at a time: a tile, and k-steps, which stream."""
        return self.unit.tile_m, self.unit.tile_n, self.step_k

    @property
    def step_k(self) -> int:
        """Length along K of one k-step: whole instructions of whole groups."""
        unit = self.unit
        return (unit.tile_k or unit.k) // unit.k * unit.instruction_k(unit.sparse_pattern)

    @property
    def streamed(self) -> str:
        """The dimension that flows through the cores."""
        return "k"

    @property
    def holds_sums(self) -> bool:
        """Sums stay in registers until they are finished."""
        return True

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int, pattern: Pattern | None = None) -> float:
        """MACs in a cycle in which all multipliers work; narrow operands gain nothing, an n:m pattern gains m / n."""
        dense = self.pes * float(max(Fraction(1), self.unit.math_share))
        return dense * float(pattern.speedup if pattern else 1)

    def promised_rate(self, bits: int) -> Fraction:
        """Multipliers of a core at its precision, times the pattern's speedup."""
        pattern = self.unit.sparse_pattern
        return self.unit.rate * (pattern.speedup if pattern else Fraction(1))

    def roof(self, activation_bits: int, weight_bits: int, pattern: Pattern | None) -> EngineRoof:
        """The roof, named by precision and pattern."""
        precision = self.unit.precision
        peak = self.peak_macs_per_cycle(activation_bits, weight_bits, pattern)
        return EngineRoof(f"{precision} {pattern}" if pattern else precision, peak)

    def offered_roofs(self) -> list[EngineRoof]:
        """The roofs of every precision: in the unit's own pattern, dense, and in 2:4."""
        shown = parse_pattern(SHOWN_PATTERN, self.unit.index_granule_bits)
        patterns = dict.fromkeys((self.unit.sparse_pattern, None, shown))
        return [
            replace(self, unit=self.unit.model_copy(update={"precision": precision})).roof(width, width, pattern)
            for precision, pattern in product(self.unit.macs_per_cycle.taken, patterns)
            for width in (BITS[precision],)
        ]

    def occupied(self, gemm: Gemm) -> list[Occupied]:
        """Pixels and filters of a tile, and multiprocessors, that a product would fill."""
        unit = self.unit
        held = [Occupied("pixels", gemm.m, unit.tile_m), Occupied("filters", gemm.n, unit.tile_n)]
        if unit.multiprocessors == 1:
            return held
        tiles = ceil_div(gemm.m, unit.tile_m) * ceil_div(gemm.n, unit.tile_n) * gemm.groups
        return [*held, Occupied("multiprocessors", tiles, unit.multiprocessors)]

    @property
    def idle_words(self) -> str:
        """What multipliers wait for, besides those that tiles leave unused."""
        return "for operands, sums or the kernel's ends"

    def lay_activations(self, data: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Order images or activations with channels inside kernel positions: [groups, M, K]."""
        return move_channels_inside(lower_activations(data, gemm), gemm, axis=2)

    def lay_weights(self, w: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Order weights [groups, K, N] with channels inside kernel positions: [groups, K, N]."""
        return move_channels_inside(w, gemm, axis=1)

    def count_product(self, gemm: Gemm, a: np.ndarray | None = None, signed: bool | None = None) -> CountedProduct:
        """Count a layer's product with the account of its multiplier slots."""
        return CountedProduct(self.count(gemm), self.explain(gemm))

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Split the cycles of a product in proportion to its account of multiplier slots."""
        slots = counted.slots if isinstance(counted.slots, MacSlots) else self.explain(gemm)
        missing = slots.partial_m + slots.partial_n + slots.idle_cores + slots.idle_multiprocessors + slots.interval
        return EngineCycles(
            useful=Fraction(slots.useful, self.pes),
            channels=Fraction(slots.padded_k, self.pes),
            edge=Fraction(missing, self.pes),
            operands=Fraction(slots.operand_wait, self.pes),
            pipeline=Fraction(slots.dependency + slots.ends, self.pes),
        )

    def datapath(self, technology: Technology) -> EngineDatapath:
        """A multiplier shares operands within its m x n x k instruction, and a sum with the multipliers along k."""
        unit, wide = self.unit, ACCUMULATOR_BITS[self.unit.precision]
        return EngineDatapath(
            pes=self.pes,
            operation=price_mac(technology, unit.precision),
            operation_name=f"MAC {unit.precision}",
            register_bits=unit.operand_bits * (1 / unit.m + 1 / unit.n) + wide / unit.k,
            selection=price_selection(technology, unit.sparse_pattern, unit.operand_bits),
        )

    @property
    def flip_flops(self) -> int:
        """Register bits: a multiplier holds both operands; a core has an accumulator for each sum of an instruction."""
        unit, wide = self.unit, ACCUMULATOR_BITS[self.unit.precision]
        sums = unit.multiprocessors * unit.cores * unit.m * unit.n
        return self.pes * 2 * unit.operand_bits + sums * wide

    def count(self, gemm: Gemm) -> ActionCounts:
        """Count a product in closed form.

        Raises: UserError where cycles times multipliers leave int64.
        """
        walk = TileWalk(self.unit, gemm)
        if walk.cycles * self.pes > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}: {walk.cycles:.3g} cycles of {self.pes}"
                f" multipliers do not fit a 64-bit count; allowed: at most {INT64_MAX}"
            )
        stored = gemm.stored_weights(gemm.k)
        return ActionCounts(
            cycles=walk.cycles,
            macs=gemm.macs,
            folds=walk.tiles,
            activation_reads=gemm.groups * gemm.m * gemm.k * ceil_div(gemm.n, walk.warp[1]),
            weight_reads=gemm.groups * stored * gemm.n * ceil_div(gemm.m, walk.warp[0]),
            psum_writes=gemm.groups * gemm.m * gemm.n,
            skipped_macs=gemm.groups * gemm.m * gemm.n * (gemm.k - gemm.executed_k),
        )

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """One beat for the whole product: operands arrive at the buses' pace, ahead of their instructions."""
        counts = self.count(gemm)
        return [Beats(cycles, 1, 1, counts.activation_reads, counts.weight_reads, results=counts.psum_writes)]

    def blocks(self, gemm: Gemm) -> Blocks:
        """A block is the pixels of a warp along one instruction's K."""
        walk = TileWalk(self.unit, gemm)
        return Blocks(walk.warp[0], walk.k, channels_inside=True, ahead=True)

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Step a product cycle by cycle; a is int[groups, M, K], w int[groups, K, N] in the Gemm's pattern.

        Returns the product a @ w, int64[groups, M, N], and the counts that the kernel saw.

        Raises: UserError as ``count``, for operands of another shape, kind or width, weights that break the pattern,
            and where sums could leave int64.
        """
        check_operand("weights", w, [(gemm.groups, gemm.k, gemm.n)], gemm.weight_bits, True)
        return self.step_compressed(gemm, a, compress_weights(w, gemm.pattern))

    def step_compressed(self, gemm: Gemm, a: np.ndarray, w: Compressed) -> tuple[np.ndarray, ActionCounts]:
        """Step a product as ``step`` does, with weights and metadata in the compressed form that the hardware reads.

        Raises: UserError as ``step``, and for metadata that name no place in their group, or not in rising order.
        """
        from accelsim.kernels.tensorcore import Operands, step_tensor_core

        self.count(gemm)
        refuse_endless(self.unit, gemm)
        check_operand("activations", a, [(gemm.groups, gemm.m, gemm.k)], gemm.activation_bits, gemm.activation_signed)
        stored = gemm.stored_weights(gemm.k)
        w.check((gemm.groups, gemm.n, stored), gemm.pattern, gemm.k)
        check_operand("weights", w.values, [w.values.shape], gemm.weight_bits, True)
        options, (operand, total) = build_core_unit(self.unit, gemm), choose_core_types(gemm, a, w.values)
        instructions, of_one = ceil_div(gemm.k, options.k), options.k // options.group * options.kept
        activations = arrange_in_bands(a.astype(operand), options.tile_m, instructions * options.k)
        values, places = (arrange_by_instruction(x, instructions, of_one) for x in (w.values.astype(operand), w.places))
        sums: np.ndarray = np.zeros((options.tiles_at_once, options.tile_n, options.tile_m), total)
        product = np.zeros((gemm.groups, gemm.m, gemm.n), np.int64)
        seen = step_tensor_core(Operands(activations, values, places, sums, product, gemm.k), options)
        return product, ActionCounts(*(int(n) for n in seen))

    def explain(self, gemm: Gemm) -> MacSlots:
        """Account for the multiplier slots of ``count``, and count those of the same product with dense weights."""
        walk = TileWalk(self.unit, gemm)
        dense = (TileWalk(self.unit, replace(gemm, pattern=None)) if gemm.pattern else walk).cycles * self.pes
        ideal = Fraction(dense) / (gemm.pattern.speedup if gemm.pattern else 1)
        return replace(self._slots(walk), dense_total=dense, pattern_total=ideal)

    def _slots(self, walk: TileWalk) -> MacSlots:
        unit, gemm, interval = self.unit, walk.gemm, walk.interval
        grid = (unit.tile_m, unit.tile_n) if unit.charge_full_tile else (unit.m, unit.n)
        m, n = (ceil_div(size, part) * part for size, part in zip((gemm.m, gemm.n), grid, strict=True))
        instructions = gemm.groups * (m // unit.m) * (n // unit.n) * walk.instructions
        mine = interval * walk.sum_over_steps(lambda step: step.rounds)
        busy, all_slots = (walk.sum_over_steps(attrgetter(name)) for name in ("busy", "slots"))
        absent = -walk.tiles % unit.multiprocessors
        tile_slots = (unit.tile_m // unit.m) * (unit.tile_n // unit.n) * walk.instructions * interval * unit.rate
        useful, k = gemm.executed_k, walk.instructions * walk.stored_k
        lost_in_one = interval * unit.rate - unit.m * unit.n * walk.stored_k
        return MacSlots(
            useful=gemm.groups * gemm.m * gemm.n * useful,
            padded_k=gemm.groups * gemm.m * gemm.n * (k - useful),
            partial_m=gemm.groups * (m - gemm.m) * gemm.n * k,
            partial_n=gemm.groups * m * (n - gemm.n) * k,
            idle_cores=mine * self.pes - instructions * interval * unit.rate - absent * tile_slots,
            idle_multiprocessors=absent * tile_slots,
            interval=instructions * lost_in_one + (busy - mine) * self.pes,
            dependency=(all_slots - busy) * self.pes,
            operand_wait=(walk.running - all_slots) * self.pes,
            ends=(walk.ends + unit.launch_cycles) * self.pes,
        )
