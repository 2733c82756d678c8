"""What the systolic kernels share: the order of folds, the folds in flight, and the wavefront.

Operands enter an array skewed, so that what PE(0, 0) does in one cycle PE(r, c) does ``hop * r + c``
cycles later. All control travels with this wavefront; a kernel keeps one number for each fold in
flight, the cycle in which it started, where the hardware has a valid bit beside every operand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel
from accelsim.kernels.integers import ceil_div

CYCLES, MACS, FOLDS, LEFT_READS, TOP_READS, PSUM_READS, PSUM_WRITES = range(7)
"""Places in the int64 counts of what a kernel saw; operands enter at the left of rows or the top of columns."""


class Grid(NamedTuple):
    """A matrix of ``height`` x ``width`` elements cut into folds of ``rows`` x ``cols``, ``groups`` times over."""

    rows: int
    cols: int
    height: int
    width: int
    groups: int
    across_first: bool  #: the next fold is the one to the right, not the one below
    charge_full_array: bool


class Flight(NamedTuple):
    """One fold on its way through the array: when it starts, which elements it holds."""

    start: int  #: cycle in which its first operand is read, ahead of the pipeline registers
    number: int  #: in the order of folds
    group: int
    row0: int
    col0: int
    rows: int
    cols: int
    timed_rows: int  #: rows and columns that the clock waits for: all of them if charge_full_array
    timed_cols: int


FLIGHT_FIELDS = len(Flight._fields)


@kernel
def fold_count(grid):
    """Folds of all groups."""
    return ceil_div(grid.height, grid.rows) * ceil_div(grid.width, grid.cols) * grid.groups


@kernel
def flight_ring(folds, lifetime_cycles, interval_cycles):
    """Room for as many folds as can be in flight at once, each ``lifetime_cycles`` long."""
    return np.empty((min(folds, lifetime_cycles // interval_cycles + 2), FLIGHT_FIELDS), np.int64)


@kernel
def launch(flights, grid, number, start):
    """Enter fold ``number``, to start at cycle ``start``, in the ring ``flights``."""
    down, across = ceil_div(grid.height, grid.rows), ceil_div(grid.width, grid.cols)
    group, place = number // (down * across), number % (down * across)
    if grid.across_first:
        row0, col0 = place // across * grid.rows, place % across * grid.cols
    else:
        row0, col0 = place % down * grid.rows, place // down * grid.cols
    rows, cols = min(grid.rows, grid.height - row0), min(grid.cols, grid.width - col0)
    slot = flights[number % flights.shape[0]]
    slot[0], slot[1], slot[2], slot[3], slot[4] = start, number, group, row0, col0
    slot[5], slot[6] = rows, cols
    slot[7] = grid.rows if grid.charge_full_array else rows
    slot[8] = grid.cols if grid.charge_full_array else cols


@kernel
def in_flight(flights, number):
    """The Flight of fold ``number``."""
    slot = flights[number % flights.shape[0]]
    return Flight(slot[0], slot[1], slot[2], slot[3], slot[4], slot[5], slot[6], slot[7], slot[8])


@kernel
def reached(age, operands, hop, size):
    """Positions [first, stop) within ``size`` that see one of ``operands`` in this cycle.

    They follow each other one a cycle, take ``hop`` cycles from position to position, and the first was
    at position 0 ``age`` cycles ago: position i sees operand age - hop * i.
    """
    first = max(0, (age - operands) // hop + 1)
    return first, max(first, min(size, age // hop + 1))


@kernel
def wavefront_pes(age, rows, cols, hop):
    """PEs on the wavefront that left PE(0, 0) ``age`` cycles ago: those with hop * r + c = age."""
    first, stop = reached(age, cols, hop, rows)
    return stop - first


@kernel
def landed(flights, oldest, launched, t, operands, hop):
    """The first fold from ``oldest`` on that is still in flight after cycle ``t``, as PE(0, 0) counts cycles.

    A fold ends as the last of its ``operands`` passes its last timed PE; ``hop`` 0 if rows do not matter.
    """
    while oldest < launched:
        fold = in_flight(flights, oldest)
        if t - fold.start < operands - 1 + hop * (fold.timed_rows - 1) + fold.timed_cols - 1:
            break
        oldest += 1
    return oldest


@kernel
def feed(edge, lines, age, hop):
    """The operands that enter now: position i takes from its line the one that is hop * i behind ``age``."""
    for i in range(edge.size):
        edge[i] = lines[i, age - hop * i]


@kernel
def read_edge(edge, lines, age, hop):
    """Read a fold's operands of this cycle from ``lines`` [positions, time] into ``edge``; returns how many."""
    first, stop = reached(age, lines.shape[1], hop, lines.shape[0])
    feed(edge[first:stop], lines[first:], age - hop * first, hop)
    return stop - first


@kernel
def move(source, target):
    """Registers of one row, or of successive rows, take over what others held."""
    for i in range(source.size):
        target[i] = source[i]


@kernel
def enter_rows(wires, entering, first, stop, cols):
    """The entering operands take the places at the rows' left, where the rows above have left theirs."""
    for r in range(first, stop):
        wires[r * cols] = entering[r]
