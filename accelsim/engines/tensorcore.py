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

from dataclasses import dataclass, replace
from fractions import Fraction
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from accelsim.compress import Compressed, compressed
from accelsim.config import UserError
from accelsim.engines.base import Beats, Blocks, ceil_div
from accelsim.engines.counts import ActionCounts
from accelsim.engines.slots import MacSlots
from accelsim.engines.tilewalk import TileWalk
from accelsim.hardware import TensorCore
from accelsim.workload.gemm import INT64_MAX, Gemm
from accelsim.workload.tensors import check_operand

if TYPE_CHECKING:
    from accelsim.kernels.tensorcore import TensorCoreUnit


@dataclass(frozen=True)
class TensorCoreEngine:
    """The engine of a TensorCore. Whether weights are sparse, their Gemm's ``pattern`` says."""

    unit: TensorCore

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form.

        Raises: UserError where cycles times multipliers leave int64.
        """
        unit, walk = self.unit, TileWalk(self.unit, gemm)
        if walk.cycles * unit.pes > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}: {walk.cycles:.3g} cycles of {unit.pes}"
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
        """All of it as one: operands come at their buses' pace, ahead of the instructions that want them."""
        counts = self.count(gemm)
        return [Beats(cycles, 1, 1, counts.activation_reads, counts.weight_reads, results=counts.psum_writes)]

    def blocks(self, gemm: Gemm) -> Blocks:
        """Pixels of a warp's instruction."""
        walk = TileWalk(self.unit, gemm)
        return Blocks(walk.warp[0], walk.k, channels_inside=True, ahead=True)

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
        from accelsim.kernels.tensorcore import Operands, step_tensor_core

        self._refuse_endless(gemm)
        check_operand("activations", a, [(gemm.groups, gemm.m, gemm.k)], gemm.activation_bits, gemm.activation_signed)
        stored = gemm.stored_weights(gemm.k)
        w.check((gemm.groups, gemm.n, stored), gemm.pattern, gemm.k)
        check_operand("weights", w.values, [w.values.shape], gemm.weight_bits, True)
        options, (operand, total) = self._stepped_unit(gemm), element_types(gemm, a, w.values)
        instructions, of_one = ceil_div(gemm.k, options.k), options.k // options.group * options.kept
        activations = in_bands(a.astype(operand), options.tile_m, instructions * options.k)
        values, places = (by_instruction(x, instructions, of_one) for x in (w.values.astype(operand), w.places))
        sums: np.ndarray = np.zeros((options.tiles_at_once, options.tile_n, options.tile_m), total)
        product = np.zeros((gemm.groups, gemm.m, gemm.n), np.int64)
        seen = step_tensor_core(Operands(activations, values, places, sums, product, gemm.k), options)
        return product, ActionCounts(*(int(n) for n in seen))

    def explain(self, gemm: Gemm) -> MacSlots:
        """Where the multiplier slots of ``count`` went, and those of dense weights."""
        walk = TileWalk(self.unit, gemm)
        dense = (TileWalk(self.unit, replace(gemm, pattern=None)) if gemm.pattern else walk).cycles * self.unit.pes
        ideal = Fraction(dense) / (gemm.pattern.speedup if gemm.pattern else 1)
        return replace(self._slots(walk), dense_total=dense, pattern_total=ideal)

    def _slots(self, walk: TileWalk) -> MacSlots:
        unit, gemm, interval = self.unit, walk.gemm, walk.interval
        grid = (unit.tile_m, unit.tile_n) if unit.charge_full_tile else (unit.m, unit.n)
        m, n = (ceil_div(size, part) * part for size, part in zip((gemm.m, gemm.n), grid, strict=True))
        instructions = gemm.groups * (m // unit.m) * (n // unit.n) * walk.instructions
        mine = interval * walk.in_all(lambda step: step.rounds)
        busy, all_slots = (walk.in_all(attrgetter(name)) for name in ("busy", "slots"))
        absent = -walk.tiles % unit.multiprocessors
        tile_slots = (unit.tile_m // unit.m) * (unit.tile_n // unit.n) * walk.instructions * interval * unit.rate
        useful, k = gemm.executed_k, walk.instructions * walk.stored_k
        lost_in_one = interval * unit.rate - unit.m * unit.n * walk.stored_k
        return MacSlots(
            useful=gemm.groups * gemm.m * gemm.n * useful,
            padded_k=gemm.groups * gemm.m * gemm.n * (k - useful),
            partial_m=gemm.groups * (m - gemm.m) * gemm.n * k,
            partial_n=gemm.groups * m * (n - gemm.n) * k,
            idle_cores=mine * unit.pes - instructions * interval * unit.rate - absent * tile_slots,
            idle_multiprocessors=absent * tile_slots,
            interval=instructions * lost_in_one + (busy - mine) * unit.pes,
            dependency=(all_slots - busy) * unit.pes,
            operand_wait=(walk.running - all_slots) * unit.pes,
            ends=(walk.ends + unit.launch_cycles) * unit.pes,
        )

    def _refuse_endless(self, gemm: Gemm) -> None:
        """Stepping counts a bus's ticks, of which a cycle has more the odder the bandwidths are, in 64 bits."""
        self.count(gemm)
        walk = TileWalk(self.unit, gemm)
        if walk.longest > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}: too long to step with {walk.buses.rate} bus ticks a cycle;"
                " allowed: rounder operand_bytes_per_cycle and l2_bytes_per_cycle, or --fidelity closed"
            )

    def _stepped_unit(self, gemm: Gemm) -> TensorCoreUnit:
        from accelsim.kernels.tensorcore import TensorCoreUnit

        unit, walk, pattern = self.unit, TileWalk(self.unit, gemm), gemm.pattern
        return TensorCoreUnit(
            cores=unit.cores,
            m=unit.m,
            n=unit.n,
            k=walk.k,
            kept=pattern.kept if pattern else 1,
            group=pattern.group if pattern else 1,
            multipliers=unit.rate,
            depth=walk.depth,
            latency=unit.latency_cycles,
            tile_m=unit.tile_m,
            tile_n=unit.tile_n,
            warp_m=walk.warp[0],
            warp_n=walk.warp[1],
            multiprocessors=unit.multiprocessors,
            tiles_at_once=unit.tiles_at_once,
            overlap=unit.overlap_tiles,
            charge_full_tile=unit.charge_full_tile,
            launch=unit.launch_cycles,
            fill=unit.fill_cycles,
            epilogue=unit.epilogue_cycles,
            math_above=unit.math_share.numerator,
            math_below=unit.math_share.denominator,
            activation_bits=gemm.activation_bits,
            weight_bits=gemm.stored_weight_bits,
            rate=walk.buses.rate,
            fills=unit.operand_fills,
            core_ticks=walk.buses.core_ticks,
            l2_ticks=walk.buses.l2_ticks,
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
