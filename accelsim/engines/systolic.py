"""A systolic array: output-, weight- or input-stationary, its folds one after the other or overlapped.

The closed form and the stepped kernel follow one description. An array holds one matrix in its PEs, cut into folds of
rows x cols, and streams vectors past it:

========  ===========  ========
dataflow  rows x cols  streamed
========  ===========  ========
os        M x N        K
ws        K x N        M
is        K x M        N
========  ===========  ========

Folds go down the rows first, then across the columns, then to the next group.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from accelsim.config import UserError
from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.operations import price_mac
from accelsim.energy.technology import Technology
from accelsim.engines.base import Beats, Blocks, CountedProduct, Engine, EngineCycles, Occupied
from accelsim.engines.counts import ActionCounts
from accelsim.engines.systolic_folds import (
    FLOWS,
    Flow,
    Fold,
    Folding,
    count_fold_cycles,
    count_interval_cycles,
    count_latency_cycles,
    count_load_cycles,
    cut_folds,
    cut_row_parts,
    fold_gemm,
    list_pass_beats,
)
from accelsim.engines.systolic_steps import choose_element_types, step_held_operand, step_held_sums
from accelsim.hardware import ACCUMULATOR_BITS, SystolicArray
from accelsim.workload.gemm import INT64_MAX, Gemm

PASSED_ON = {"os": 2, "ws": 1, "is": 1, "auto": 1}
"""Operands that a PE passes on to its neighbours, by dataflow; ``auto`` is priced as ``ws``, which is tried first."""


@dataclass(frozen=True)
class SystolicEngine(Engine):
    """The engine of a SystolicArray with one dataflow: os, ws or is."""

    array: SystolicArray

    @property
    def description(self) -> SystolicArray:
        """The engine's section of the hardware file."""
        return self.array

    @property
    def title(self) -> str:
        """Size, dataflow and precision."""
        return f"{self.array.rows}x{self.array.cols} {self.array.dataflow} {self.array.precision}"

    @property
    def pes(self) -> int:
        """Number of PEs, each with a peak of one MAC a cycle; narrow operands gain nothing."""
        return self.array.rows * self.array.cols

    @property
    def flow(self) -> Flow:
        """The dimensions that lie on the array and the one that streams."""
        return FLOWS[self.array.dataflow]

    @property
    def dataflow(self) -> str:
        """The dataflow: os, ws or is."""
        return self.array.dataflow

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N and K of one fold; along the streamed dimension it is one vector."""
        held = {self.flow.rows: self.array.rows, self.flow.cols: self.array.cols}
        return held.get("m", 1), held.get("n", 1), held.get("k", 1)

    @property
    def streamed(self) -> str:
        """The dimension that flows through the array: m, n or k."""
        return self.flow.streamed

    @property
    def holds_sums(self) -> bool:
        """Whether sums stay in the PEs until they are finished, as they do where K streams."""
        return self.array.dataflow == "os"

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of PEs, each with a power switch."""
        return self.array.rows, self.array.cols

    def used_grid(self, gemm: Gemm) -> tuple[int, int]:
        """Rows and columns that the folds of a product use at most."""
        folds = cut_folds(self.array, gemm)
        return max(fold.rows for fold in folds), max(fold.cols for fold in folds)

    def occupied(self, gemm: Gemm) -> list[Occupied]:
        """Rows and columns that the held matrix would fill."""
        folding = fold_gemm(self.array, gemm)
        return [Occupied("rows", folding.height, self.array.rows), Occupied("columns", folding.width, self.array.cols)]

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Split cycles: each streamed vector of a fold takes the whole array for a cycle; the rest fills and drains."""
        array, along_k, edge = self.array, 0, 0
        for fold in cut_folds(self.array, gemm):
            streamed = fold.streamed * fold.repeat
            rows, cols = (array.rows - fold.rows) * fold.cols, array.rows * (array.cols - fold.cols)
            along_k += rows * streamed if self.flow.rows == "k" else 0
            edge += (cols if self.flow.rows == "k" else rows + cols) * streamed
        useful, channels, partial = (Fraction(slots, self.pes) for slots in (gemm.macs, along_k, edge))
        return EngineCycles(useful, channels, partial, pipeline=counted.counts.cycles - useful - channels - partial)

    def notes(self) -> list[str]:
        """A remark about what resident weights do not save."""
        if not self.array.weights_resident:
            return []
        return ["weights_resident spares the array its reloads; the held operand still comes from DRAM once"]

    def datapath(self, technology: Technology) -> EngineDatapath:
        """A PE multiplies and adds; it passes on streamed operands (both where it holds sums) and a sum."""
        precision, bits = self.array.precision, self.array.operand_bits
        return EngineDatapath(
            pes=self.pes,
            operation=price_mac(technology, precision),
            operation_name=f"MAC {precision}",
            register_bits=bits * PASSED_ON[self.array.dataflow] + ACCUMULATOR_BITS[precision],
        )

    @property
    def flip_flops(self) -> int:
        """Register bits: a PE has its streamed operands, the held one twice if folds overlap, and a sum."""
        wide, operand = ACCUMULATOR_BITS[self.array.precision], self.array.operand_bits
        held = 1 + self.array.overlap_folds
        per_pe = 2 * operand + held * wide if self.holds_sums else operand + held * operand + wide
        return self.pes * per_pe

    def folds(self, gemm: Gemm) -> list[Fold]:
        """The distinct passes of all groups, at most four."""
        return cut_folds(self.array, gemm)

    def count(self, gemm: Gemm) -> ActionCounts:
        """Count a product in closed form.

        Raises: UserError where cycles, or PEs x cycles, leave int64.
        """
        cycles = self._overlapped_cycles(gemm) if self.array.overlap_folds else self._cycles_in_turn(gemm)
        if cycles * self.pes > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups} on {self.array.rows} x {self.array.cols}"
                f" PEs: {cycles:.3g} cycles times PEs do not fit a 64-bit count; allowed: at most {INT64_MAX}"
            )
        return ActionCounts(cycles=cycles) + self._group_traffic(fold_gemm(self.array, gemm)) * gemm.groups

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Step a product cycle by cycle; a is int[groups, M, K], w int[groups, K, N].

        Returns the product a @ w, int64[groups, M, N], and the counts that the kernel saw.

        Raises: UserError as ``count``, for operands of another shape or kind, and where sums could leave int64.
        """
        self.count(gemm)
        a_shape, w_shape = (gemm.groups, gemm.m, gemm.k), (gemm.groups, gemm.k, gemm.n)
        if (a.shape, w.shape) != (a_shape, w_shape) or not {a.dtype.kind, w.dtype.kind} <= {"i", "u"}:
            raise UserError(
                f"operands {a.shape} of {a.dtype} and {w.shape} of {w.dtype}; allowed: integers {a_shape} and {w_shape}"
            )
        operand, total = choose_element_types(self.array, gemm, a, w)
        step = step_held_sums if self.holds_sums else step_held_operand
        product, seen = step(self.array, a.astype(operand), w.astype(operand), total)
        return product, self._action_counts(*(int(n) for n in seen))

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """The vectors that enter at an edge of the array each cycle, and the sums that leave at the bottom.

        Overlapped passes load for the next pass, or drain the last one, at any time of a pass.
        """
        folding = fold_gemm(self.array, gemm)
        passes = [(rows, cols) for cols in folding.cols for rows in cut_row_parts(folding)]
        return [
            beats for rows, cols in passes for beats in list_pass_beats(self.array, folding, rows, cols, gemm.groups)
        ]

    def blocks(self, gemm: Gemm) -> Blocks:
        """Held weights read all rows of one pixel at once; held sums and activations one place of many pixels."""
        array = self.array
        if array.dataflow == "ws":
            return Blocks(1, array.rows, apart=True)
        return Blocks(array.rows if array.dataflow == "os" else array.cols, 1)

    def _cycles_in_turn(self, gemm: Gemm) -> int:
        return sum(count_fold_cycles(self.array, fold) * fold.repeat for fold in cut_folds(self.array, gemm))

    def _overlapped_cycles(self, gemm: Gemm) -> int:
        """Passes start one interval apart, so that of each shape the last one ends last; take the latest of these."""
        folding = fold_gemm(self.array, gemm)
        earlier_groups = (gemm.groups - 1) * folding.down * folding.across
        interval = count_interval_cycles(self.array, cut_folds(self.array, gemm)[0])
        ends = [
            (earlier_groups + cols.last * folding.down + rows.last) * interval
            + count_latency_cycles(self.array, folding.streamed, rows.used, cols.used)
            for cols in folding.cols
            for rows in folding.rows
        ]
        return count_load_cycles(self.array) + self.array.pipeline_registers + max(ends)

    def _group_traffic(self, folding: Folding) -> ActionCounts:
        """Counts of what one group moves. Held sums (os) leave once, streamed ones once for each row of folds."""
        height, width, streamed = folding.height, folding.width, folding.streamed
        if self.array.dataflow == "os":
            top_reads = width * streamed * folding.down
            psum_reads, psum_writes = 0, height * width
        else:
            top_reads = 0 if self.array.weights_resident else height * width
            psum_reads, psum_writes = streamed * width * (folding.down - 1), streamed * width * folding.down
        left_reads = height * streamed * folding.across
        macs, folds = height * width * streamed, folding.down * folding.across
        return self._action_counts(0, macs, folds, left_reads, top_reads, psum_reads, psum_writes)

    def _action_counts(
        self, cycles: int, macs: int, folds: int, left_reads: int, top_reads: int, psum_reads: int, psum_writes: int
    ) -> ActionCounts:
        """Name the reads at the left and top edges: activations enter at the left, except in ``is``."""
        activations, weights = (top_reads, left_reads) if self.array.dataflow == "is" else (left_reads, top_reads)
        return ActionCounts(cycles, macs, folds, activations, weights, psum_reads, psum_writes)
