"""A systolic array: output-, weight- or input-stationary, its folds one after the other or overlapped.

Both texts follow one description. An array holds one matrix in its PEs, cut into folds of rows x cols, and
streams vectors past it:

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
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.operations import mac_operation
from accelsim.energy.technology import Technology
from accelsim.engines.base import Beats, Blocks, CountedProduct, Engine, EngineCycles, Extent, Fold, Occupied, extents
from accelsim.engines.counts import ActionCounts
from accelsim.hardware import ACCUMULATOR_BITS, SystolicArray
from accelsim.workload.gemm import INT64_MAX, Gemm


class Flow(NamedTuple):
    """A dataflow: the dimensions of the product that lie along rows and columns, and the one that streams."""

    rows: str
    cols: str
    streamed: str


FLOWS = {"os": Flow("m", "n", "k"), "ws": Flow("k", "n", "m"), "is": Flow("k", "m", "n")}
PASSED_ON = {"os": 2, "ws": 1, "is": 1, "auto": 1}
"""Operands that a PE passes on to its neighbours; ``auto`` is priced as ``ws``, the dataflow that is tried first."""


class Folding(NamedTuple):
    """How one group of a product lies on the array: height x width elements held, ``streamed`` vectors."""

    height: int
    width: int
    streamed: int
    rows: list[Extent]
    cols: list[Extent]

    @property
    def down(self) -> int:
        """Folds below one another."""
        return self.rows[-1].last + 1

    @property
    def across(self) -> int:
        """Folds beside one another."""
        return self.cols[-1].last + 1


def _told_apart(folding: Folding) -> list[Extent]:
    """Parts of the held matrix below one another: the first, which finds no sums, those between, and the last."""
    apart = []
    for part in folding.rows:
        begin, end = part.last + 1 - part.repeat, part.last + 1
        edges = sorted({begin, end, *(place for place in (1, folding.down - 1) if begin < place < end)})
        apart += [Extent(part.used, high - low, high - 1) for low, high in pairwise(edges)]
    return apart


@dataclass(frozen=True)
class SystolicEngine(Engine):
    """The engine of a SystolicArray whose dataflow is chosen: os, ws or is."""

    array: SystolicArray

    @property
    def description(self) -> SystolicArray:
        """The values of the hardware file."""
        return self.array

    @property
    def title(self) -> str:
        """Size, dataflow and precision."""
        return f"{self.array.rows}x{self.array.cols} {self.array.dataflow} {self.array.precision}"

    @property
    def pes(self) -> int:
        """Processing elements, each with a peak of one MAC a cycle; narrow operands gain nothing."""
        return self.array.rows * self.array.cols

    @property
    def flow(self) -> Flow:
        """What lies on the array and what streams."""
        return FLOWS[self.array.dataflow]

    @property
    def dataflow(self) -> str:
        """The dataflow: os, ws or is."""
        return self.array.dataflow

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N, K of one fold; the streamed dimension counts single vectors."""
        held = {self.flow.rows: self.array.rows, self.flow.cols: self.array.cols}
        return held.get("m", 1), held.get("n", 1), held.get("k", 1)

    @property
    def streamed(self) -> str:
        """The dimension that flows through the array: m, n or k."""
        return self.flow.streamed

    @property
    def holds_sums(self) -> bool:
        """Whether sums stay in the PEs until they are finished: where K streams."""
        return self.array.dataflow == "os"

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of PEs."""
        return self.array.rows, self.array.cols

    def used_grid(self, gemm: Gemm) -> tuple[int, int]:
        """Rows and columns that the folds of a product use at most."""
        folds = self.folds(gemm)
        return max(fold.rows for fold in folds), max(fold.cols for fold in folds)

    def occupied(self, gemm: Gemm) -> list[Occupied]:
        """Rows and columns that the held matrix would fill."""
        folding = self._folding(gemm)
        return [Occupied("rows", folding.height, self.array.rows), Occupied("columns", folding.width, self.array.cols)]

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Each streamed vector of a fold occupies the whole array for a cycle; other cycles fill and drain it."""
        array, along_k, edge = self.array, 0, 0
        for fold in self.folds(gemm):
            streamed = fold.streamed * fold.repeat
            rows, cols = (array.rows - fold.rows) * fold.cols, array.rows * (array.cols - fold.cols)
            along_k += rows * streamed if self.flow.rows == "k" else 0
            edge += (cols if self.flow.rows == "k" else rows + cols) * streamed
        useful, channels, partial = (Fraction(slots, self.pes) for slots in (gemm.macs, along_k, edge))
        return EngineCycles(useful, channels, partial, pipeline=counted.counts.cycles - useful - channels - partial)

    def notes(self) -> list[str]:
        """What resident weights do not save."""
        if not self.array.weights_resident:
            return []
        return ["weights_resident spares the array its reloads; the held operand still comes from DRAM once"]

    def datapath(self, technology: Technology) -> EngineDatapath:
        """A PE multiplies and adds; it passes on what streams (both operands where it holds sums) and a sum."""
        precision, bits = self.array.precision, self.array.operand_bits
        return EngineDatapath(
            pes=self.pes,
            operation=mac_operation(technology, precision),
            operation_name=f"MAC {precision}",
            register_bits=bits * PASSED_ON[self.array.dataflow] + ACCUMULATOR_BITS[precision],
        )

    @property
    def flip_flops(self) -> int:
        """A PE has its streamed operands, the held one twice if folds overlap, and a sum."""
        wide, operand = ACCUMULATOR_BITS[self.array.precision], self.array.operand_bits
        held = 1 + self.array.overlap_folds
        per_pe = 2 * operand + held * wide if self.holds_sums else operand + held * operand + wide
        return self.pes * per_pe

    def folds(self, gemm: Gemm) -> list[Fold]:
        """The distinct passes of all groups, at most four."""
        folding = self._folding(gemm)
        return [
            Fold(folding.streamed, rows.used, cols.used, rows.repeat * cols.repeat * gemm.groups)
            for cols in folding.cols
            for rows in folding.rows
        ]

    def fold_cycles(self, fold: Fold) -> int:
        """Cycles of one pass alone: load, pipeline registers, wavefront and drain."""
        latency_cycles = self._latency_cycles(fold.streamed, fold.rows, fold.cols)
        return self._load_cycles + self.array.pipeline_registers + latency_cycles

    def fold_interval_cycles(self, fold: Fold) -> int:
        """Cycles from the start of one pass to that of the next where passes overlap."""
        array = self.array
        if array.dataflow == "os":
            return array.swap_cycles + max(fold.streamed, self._reload_cycles)
        return max(fold.streamed + array.swap_cycles, self._reload_cycles)

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form.

        Raises: UserError where cycles, or PEs x cycles, leave int64.
        """
        cycles = self._overlapped_cycles(gemm) if self.array.overlap_folds else self._cycles_in_turn(gemm)
        if cycles * self.pes > INT64_MAX:
            raise UserError(
                f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups} on {self.array.rows} x {self.array.cols}"
                f" PEs: {cycles:.3g} cycles times PEs do not fit a 64-bit count; allowed: at most {INT64_MAX}"
            )
        return ActionCounts(cycles=cycles) + self._group_traffic(self._folding(gemm)) * gemm.groups

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle; a is integers [groups, M, K], w [groups, K, N]; returns a @ w and what happened.

        Raises: UserError as ``count``, for operands of another shape or kind, and where sums could leave int64.
        """
        self.count(gemm)
        a_shape, w_shape = (gemm.groups, gemm.m, gemm.k), (gemm.groups, gemm.k, gemm.n)
        if (a.shape, w.shape) != (a_shape, w_shape) or not {a.dtype.kind, w.dtype.kind} <= {"i", "u"}:
            raise UserError(
                f"operands {a.shape} of {a.dtype} and {w.shape} of {w.dtype}; allowed: integers {a_shape} and {w_shape}"
            )
        operand, total = self._element_types(gemm, a, w)
        step = self._step_output_stationary if self.array.dataflow == "os" else self._step_stationary
        product, seen = step(a.astype(operand), w.astype(operand), total)
        return product, self._action_counts(*(int(n) for n in seen))

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """A vector at an edge of the array each cycle, and the sums that leave below it.

        What overlapped passes load for the next one, or drain of the last, may come at any time of a pass.
        """
        folding = self._folding(gemm)
        passes = [(rows, cols) for cols in folding.cols for rows in _told_apart(folding)]
        return [beats for rows, cols in passes for beats in self._pass_beats(folding, rows, cols, gemm.groups)]

    def blocks(self, gemm: Gemm) -> Blocks:
        """Rows of held weights want one pixel at once, held sums and held activations one place of many pixels."""
        array = self.array
        if array.dataflow == "ws":
            return Blocks(1, array.rows, apart=True)
        return Blocks(array.rows if array.dataflow == "os" else array.cols, 1)

    def _pass_beats(self, folding: Folding, rows: Extent, cols: Extent, groups: int) -> list[Beats]:
        """Of passes over alike parts of the held matrix; rows.last is the place of the last of these parts."""
        passes = rows.repeat * cols.repeat * groups
        stream = Beats(1, passes * folding.streamed)
        if self.array.dataflow == "os":
            drained = (cols.used, rows.used) if self.array.output_drain == "cols" else (rows.used, cols.used)
            edge = self._edge_beats(Fold(folding.streamed, rows.used, cols.used, passes), drained[0])
            return [
                stream._replace(activations=rows.used, weights=cols.used),
                edge._replace(results=drained[1]),
            ]
        first, last = rows.last == 0, rows.last + 1 == folding.down
        stream = stream._replace(
            sums_in=0 if first else cols.used, sums_out=0 if last else cols.used, results=cols.used if last else 0
        )
        stream = stream._replace(depths=(rows.last + 1 - rows.repeat, rows.last + 1))
        load = self._edge_beats(Fold(folding.streamed, rows.used, cols.used, passes), rows.used)
        if self.array.dataflow == "ws":
            stream, load = stream._replace(activations=rows.used), load._replace(weights=cols.used)
        else:
            stream, load = stream._replace(weights=rows.used), load._replace(activations=cols.used)
        return [stream] if self.array.weights_resident else [stream, load]

    def _edge_beats(self, fold: Fold, vectors: int) -> Beats:
        """So many vectors that a pass loads or drains: one a cycle, or beside its streams."""
        if self.array.overlap_folds:
            return Beats(self.fold_interval_cycles(fold), fold.repeat, vectors)
        if self.array.dataflow == "os" and self.array.output_drain == "none":
            return Beats(self.fold_cycles(fold), fold.repeat, vectors)
        return Beats(1, fold.repeat * vectors)

    def _folding(self, gemm: Gemm) -> Folding:
        height, width, streamed = (getattr(gemm, dimension) for dimension in self.flow)
        return Folding(height, width, streamed, extents(height, self.array.rows), extents(width, self.array.cols))

    @property
    def drain_cycles(self) -> int:
        """os: cycles that shift a whole array of finished sums out."""
        return {"rows": self.array.rows, "cols": self.array.cols, "none": 0}[self.array.output_drain]

    @property
    def _load_cycles(self) -> int:
        """Before the first operand of a pass that nothing overlaps."""
        return 0 if self.array.dataflow == "os" or self.array.weights_resident else self.array.rows

    @property
    def _reload_cycles(self) -> int:
        """Least time between the starts of overlapped passes, for the held operand or the drain."""
        array = self.array
        if array.dataflow != "os" and array.weights_resident:
            return 0
        if array.reload_cycles is not None:
            return array.reload_cycles
        return self.drain_cycles if array.dataflow == "os" else array.rows

    def _latency_cycles(self, streamed: int, rows: int, cols: int) -> int:
        """From the first operand at PE(0, 0) to the last sum out, inclusive, for a pass that uses rows x cols PEs."""
        array = self.array
        if array.charge_full_array:
            rows, cols = array.rows, array.cols
        if array.dataflow == "os":
            return streamed + rows + cols - 2 + self.drain_cycles
        return streamed + array.psum_hop_cycles * array.rows + cols - 2

    def _cycles_in_turn(self, gemm: Gemm) -> int:
        return sum(self.fold_cycles(fold) * fold.repeat for fold in self.folds(gemm))

    def _overlapped_cycles(self, gemm: Gemm) -> int:
        """Starts lie one interval apart, so of the passes of one shape the last ends last: try each shape's last."""
        folding = self._folding(gemm)
        earlier_groups = (gemm.groups - 1) * folding.down * folding.across
        interval = self.fold_interval_cycles(self.folds(gemm)[0])
        ends = [
            (earlier_groups + cols.last * folding.down + rows.last) * interval
            + self._latency_cycles(folding.streamed, rows.used, cols.used)
            for cols in folding.cols
            for rows in folding.rows
        ]
        return self._load_cycles + self.array.pipeline_registers + max(ends)

    def _group_traffic(self, folding: Folding) -> ActionCounts:
        """What one group moves. Held sums (os) leave once, streamed ones once for each row of folds."""
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
        """Counts of what enters at the left and the top: activations at the left, but for ``is``."""
        activations, weights = (top_reads, left_reads) if self.array.dataflow == "is" else (left_reads, top_reads)
        return ActionCounts(cycles, macs, folds, activations, weights, psum_reads, psum_writes)

    def _element_types(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[type, type]:
        """The narrowest types for operands and sums. Registers may add to a sum what earlier folds left in them."""
        a_peak, w_peak = (max(int(x.max()), -int(x.min())) for x in (a, w))
        sum_peak = a_peak * w_peak * (gemm.k + self.array.rows + self.array.cols)
        if max(a_peak, w_peak) < 2**15 and sum_peak < 2**31:
            return np.int16, np.int32
        if max(a_peak, w_peak) < 2**31 and sum_peak < 2**63:
            return np.int32, np.int64
        raise UserError(
            f"operands up to {a_peak} and {w_peak}, K={gemm.k}: sums do not fit 64 bits; allowed: 32-bit operands"
            " whose sums fit"
        )

    def _step_stationary(self, a: np.ndarray, w: np.ndarray, total: type) -> tuple[np.ndarray, np.ndarray]:
        from accelsim.kernels.systolic_operand_stationary import StationaryArray, step_stationary

        array, reload = self.array, self._reload_cycles
        loads = not array.weights_resident
        options = StationaryArray(
            rows=array.rows,
            cols=array.cols,
            hop=array.psum_hop_cycles,
            pipeline=array.pipeline_registers,
            loads=loads,
            overlap=array.overlap_folds,
            segment=min(array.rows, reload) if array.overlap_folds and loads else array.rows,
            swap_cycles=array.swap_cycles,
            reload_cycles=reload,
            charge_full_array=array.charge_full_array,
        )
        weights_held = array.dataflow == "ws"
        streamed, held = (a.swapaxes(1, 2), w) if weights_held else (w, a.swapaxes(1, 2))
        out: np.ndarray = np.zeros((len(a), held.shape[2], streamed.shape[2]), total)
        seen = step_stationary(np.ascontiguousarray(streamed), np.ascontiguousarray(held), out, options)
        return out.swapaxes(1, 2) if weights_held else out, seen

    def _step_output_stationary(self, a: np.ndarray, w: np.ndarray, total: type) -> tuple[np.ndarray, np.ndarray]:
        from accelsim.kernels.systolic_folds import LEFT_READS, TOP_READS
        from accelsim.kernels.systolic_output_stationary import OutputStationaryArray, step_output_stationary

        array, reload = self.array, self._reload_cycles
        exchanged = array.output_drain == "cols"
        lanes = -(-self.drain_cycles // reload) if 0 < reload < self.drain_cycles else 1
        options = OutputStationaryArray(
            rows=array.cols if exchanged else array.rows,
            cols=array.rows if exchanged else array.cols,
            pipeline=array.pipeline_registers,
            drains=array.output_drain != "none",
            drain_lanes=lanes,
            overlap=array.overlap_folds,
            swap_cycles=array.swap_cycles,
            reload_cycles=reload,
            across_first=exchanged,
            charge_full_array=array.charge_full_array,
        )
        left, top = a, np.ascontiguousarray(w.swapaxes(1, 2))
        if exchanged:
            left, top = top, left
        out: np.ndarray = np.zeros((len(a), left.shape[1], top.shape[1]), total)
        seen = step_output_stationary(np.ascontiguousarray(left), np.ascontiguousarray(top), out, options)
        if exchanged:
            out, seen[[LEFT_READS, TOP_READS]] = out.swapaxes(1, 2), seen[[TOP_READS, LEFT_READS]]
        return out, seen
