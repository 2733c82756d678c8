"""How a product lies on a systolic array: its folds, their cycles, and their reads and writes at the buffers.

An array holds one matrix in its PEs, cut into folds of rows x cols, and streams vectors past it:

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

from itertools import pairwise
from typing import NamedTuple

from accelsim.engines.base import Beats
from accelsim.engines.extents import Extent, cut_extents
from accelsim.hardware import SystolicArray
from accelsim.workload.gemm import Gemm


class Fold(NamedTuple):
    """Identical passes of an array: ``streamed`` operand vectors over ``rows`` x ``cols`` used PEs."""

    streamed: int  #: vectors that one pass streams
    rows: int  #: used rows of PEs
    cols: int  #: used columns of PEs
    repeat: int  #: number of such passes


class Flow(NamedTuple):
    """A dataflow: the dimensions of the product (m, n, k) that lie along rows and columns, and the one that streams."""

    rows: str
    cols: str
    streamed: str


FLOWS = {"os": Flow("m", "n", "k"), "ws": Flow("k", "n", "m"), "is": Flow("k", "m", "n")}


class Folding(NamedTuple):
    """How one group of a product lies on the array."""

    height: int  #: rows of the held matrix
    width: int  #: columns of the held matrix
    streamed: int  #: vectors that stream past it
    rows: list[Extent]  #: parts of the held matrix below one another
    cols: list[Extent]  #: parts of the held matrix beside one another

    @property
    def down(self) -> int:
        """Number of folds below one another."""
        return self.rows[-1].last + 1

    @property
    def across(self) -> int:
        """Number of folds beside one another."""
        return self.cols[-1].last + 1


def cut_row_parts(folding: Folding) -> list[Extent]:
    """Cut the held matrix into row parts: the first, which adds to no earlier sums, those between, and the last."""
    apart = []
    for part in folding.rows:
        begin, end = part.last + 1 - part.repeat, part.last + 1
        edges = sorted({begin, end, *(place for place in (1, folding.down - 1) if begin < place < end)})
        apart += [Extent(part.used, high - low, high - 1) for low, high in pairwise(edges)]
    return apart


def cut_folds(array: SystolicArray, gemm: Gemm) -> list[Fold]:
    """List the distinct passes of all groups, at most four."""
    folding = fold_gemm(array, gemm)
    return [
        Fold(folding.streamed, rows.used, cols.used, rows.repeat * cols.repeat * gemm.groups)
        for cols in folding.cols
        for rows in folding.rows
    ]


def count_fold_cycles(array: SystolicArray, fold: Fold) -> int:
    """Count the cycles of one pass alone: load, pipeline registers, wavefront and drain."""
    latency_cycles = count_latency_cycles(array, fold.streamed, fold.rows, fold.cols)
    return count_load_cycles(array) + array.pipeline_registers + latency_cycles


def count_interval_cycles(array: SystolicArray, fold: Fold) -> int:
    """Count the cycles from the start of one pass to the start of the next where passes overlap."""
    if array.dataflow == "os":
        return array.swap_cycles + max(fold.streamed, count_reload_cycles(array))
    return max(fold.streamed + array.swap_cycles, count_reload_cycles(array))


def list_pass_beats(array: SystolicArray, folding: Folding, rows: Extent, cols: Extent, groups: int) -> list[Beats]:
    """List the beats of all passes over equal parts of the held matrix, given by their rows and columns."""
    passes = rows.repeat * cols.repeat * groups
    stream = Beats(1, passes * folding.streamed)
    if array.dataflow == "os":
        drained = (cols.used, rows.used) if array.output_drain == "cols" else (rows.used, cols.used)
        edge = build_edge_beats(array, Fold(folding.streamed, rows.used, cols.used, passes), drained[0])
        return [
            stream._replace(activations=rows.used, weights=cols.used),
            edge._replace(results=drained[1]),
        ]
    first, last = rows.last == 0, rows.last + 1 == folding.down
    stream = stream._replace(
        sums_in=0 if first else cols.used, sums_out=0 if last else cols.used, results=cols.used if last else 0
    )
    stream = stream._replace(depths=(rows.last + 1 - rows.repeat, rows.last + 1))
    load = build_edge_beats(array, Fold(folding.streamed, rows.used, cols.used, passes), rows.used)
    if array.dataflow == "ws":
        stream, load = stream._replace(activations=rows.used), load._replace(weights=cols.used)
    else:
        stream, load = stream._replace(weights=rows.used), load._replace(activations=cols.used)
    return [stream] if array.weights_resident else [stream, load]


def build_edge_beats(array: SystolicArray, fold: Fold, vectors: int) -> Beats:
    """Build the beats in which passes load or drain ``vectors`` vectors: one a cycle, or beside their streams."""
    if array.overlap_folds:
        return Beats(count_interval_cycles(array, fold), fold.repeat, vectors)
    if array.dataflow == "os" and array.output_drain == "none":
        return Beats(count_fold_cycles(array, fold), fold.repeat, vectors)
    return Beats(1, fold.repeat * vectors)


def fold_gemm(array: SystolicArray, gemm: Gemm) -> Folding:
    """Lay one group of a product on the array."""
    height, width, streamed = (getattr(gemm, dimension) for dimension in FLOWS[array.dataflow])
    return Folding(height, width, streamed, cut_extents(height, array.rows), cut_extents(width, array.cols))


def count_latency_cycles(array: SystolicArray, streamed: int, rows: int, cols: int) -> int:
    """Count the cycles from the first operand at PE(0, 0) to the last sum out of a pass that uses rows x cols PEs."""
    if array.charge_full_array:
        rows, cols = array.rows, array.cols
    if array.dataflow == "os":
        return streamed + rows + cols - 2 + count_drain_cycles(array)
    return streamed + array.psum_hop_cycles * array.rows + cols - 2


def count_drain_cycles(array: SystolicArray) -> int:
    """Count the cycles in which an output-stationary array shifts all of its finished sums out."""
    return {"rows": array.rows, "cols": array.cols, "none": 0}[array.output_drain]


def count_load_cycles(array: SystolicArray) -> int:
    """Count the cycles that load the held operand before a pass that overlaps with nothing."""
    return 0 if array.dataflow == "os" or array.weights_resident else array.rows


def count_reload_cycles(array: SystolicArray) -> int:
    """Count the cycles at least between the starts of overlapped passes, for the held operand or the drain."""
    if array.dataflow != "os" and array.weights_resident:
        return 0
    if array.reload_cycles is not None:
        return array.reload_cycles
    return count_drain_cycles(array) if array.dataflow == "os" else array.rows
