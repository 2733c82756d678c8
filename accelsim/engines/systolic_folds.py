"""How a product lies on a systolic array: its folds, their cycles, and what they ask of the buffers.

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

from accelsim.engines.base import Beats, Extent, Fold, extents
from accelsim.hardware import SystolicArray
from accelsim.workload.gemm import Gemm


class Flow(NamedTuple):
    """A dataflow: the dimensions of the product that lie along rows and columns, and the one that streams."""

    rows: str
    cols: str
    streamed: str


FLOWS = {"os": Flow("m", "n", "k"), "ws": Flow("k", "n", "m"), "is": Flow("k", "m", "n")}


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


def tell_apart(folding: Folding) -> list[Extent]:
    """Parts of the held matrix below one another: the first, which finds no sums, those between, and the last."""
    apart = []
    for part in folding.rows:
        begin, end = part.last + 1 - part.repeat, part.last + 1
        edges = sorted({begin, end, *(place for place in (1, folding.down - 1) if begin < place < end)})
        apart += [Extent(part.used, high - low, high - 1) for low, high in pairwise(edges)]
    return apart


def cut_folds(array: SystolicArray, gemm: Gemm) -> list[Fold]:
    """The distinct passes of all groups, at most four."""
    folding = fold_gemm(array, gemm)
    return [
        Fold(folding.streamed, rows.used, cols.used, rows.repeat * cols.repeat * gemm.groups)
        for cols in folding.cols
        for rows in folding.rows
    ]


def count_fold_cycles(array: SystolicArray, fold: Fold) -> int:
    """Cycles of one pass alone: load, pipeline registers, wavefront and drain."""
    latency_cycles = count_latency_cycles(array, fold.streamed, fold.rows, fold.cols)
    return count_load_cycles(array) + array.pipeline_registers + latency_cycles


def count_interval_cycles(array: SystolicArray, fold: Fold) -> int:
    """Cycles from the start of one pass to that of the next where passes overlap."""
    if array.dataflow == "os":
        return array.swap_cycles + max(fold.streamed, count_reload_cycles(array))
    return max(fold.streamed + array.swap_cycles, count_reload_cycles(array))


def beats_of_pass(array: SystolicArray, folding: Folding, rows: Extent, cols: Extent, groups: int) -> list[Beats]:
    """Of passes over alike parts of the held matrix; rows.last is the place of the last of these parts."""
    passes = rows.repeat * cols.repeat * groups
    stream = Beats(1, passes * folding.streamed)
    if array.dataflow == "os":
        drained = (cols.used, rows.used) if array.output_drain == "cols" else (rows.used, cols.used)
        edge = beats_at_edge(array, Fold(folding.streamed, rows.used, cols.used, passes), drained[0])
        return [
            stream._replace(activations=rows.used, weights=cols.used),
            edge._replace(results=drained[1]),
        ]
    first, last = rows.last == 0, rows.last + 1 == folding.down
    stream = stream._replace(
        sums_in=0 if first else cols.used, sums_out=0 if last else cols.used, results=cols.used if last else 0
    )
    stream = stream._replace(depths=(rows.last + 1 - rows.repeat, rows.last + 1))
    load = beats_at_edge(array, Fold(folding.streamed, rows.used, cols.used, passes), rows.used)
    if array.dataflow == "ws":
        stream, load = stream._replace(activations=rows.used), load._replace(weights=cols.used)
    else:
        stream, load = stream._replace(weights=rows.used), load._replace(activations=cols.used)
    return [stream] if array.weights_resident else [stream, load]


def beats_at_edge(array: SystolicArray, fold: Fold, vectors: int) -> Beats:
    """So many vectors that a pass loads or drains: one a cycle, or beside its streams."""
    if array.overlap_folds:
        return Beats(count_interval_cycles(array, fold), fold.repeat, vectors)
    if array.dataflow == "os" and array.output_drain == "none":
        return Beats(count_fold_cycles(array, fold), fold.repeat, vectors)
    return Beats(1, fold.repeat * vectors)


def fold_gemm(array: SystolicArray, gemm: Gemm) -> Folding:
    height, width, streamed = (getattr(gemm, dimension) for dimension in FLOWS[array.dataflow])
    return Folding(height, width, streamed, extents(height, array.rows), extents(width, array.cols))


def count_latency_cycles(array: SystolicArray, streamed: int, rows: int, cols: int) -> int:
    """From the first operand at PE(0, 0) to the last sum out, inclusive, for a pass that uses rows x cols PEs."""
    if array.charge_full_array:
        rows, cols = array.rows, array.cols
    if array.dataflow == "os":
        return streamed + rows + cols - 2 + count_drain_cycles(array)
    return streamed + array.psum_hop_cycles * array.rows + cols - 2


def count_drain_cycles(array: SystolicArray) -> int:
    """os: cycles that shift a whole array of finished sums out."""
    return {"rows": array.rows, "cols": array.cols, "none": 0}[array.output_drain]


def count_load_cycles(array: SystolicArray) -> int:
    """Before the first operand of a pass that nothing overlaps."""
    return 0 if array.dataflow == "os" or array.weights_resident else array.rows


def count_reload_cycles(array: SystolicArray) -> int:
    """Least time between the starts of overlapped passes, for the held operand or the drain."""
    if array.dataflow != "os" and array.weights_resident:
        return 0
    if array.reload_cycles is not None:
        return array.reload_cycles
    return count_drain_cycles(array) if array.dataflow == "os" else array.rows
