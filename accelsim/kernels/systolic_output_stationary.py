"""An output-stationary array, stepped: every PE keeps one sum, both operands stream past.

Row r takes its operands in at the left, column c its own at the top, each one cycle later than the one before;
so the k-th operands of row r and column c meet in PE(r, c) at cycle k + r + c of the fold. A finished sum goes
into a drain register, beside which the PE begins the next fold. The sums of a column start down as the lowest
one is finished, and leave below the last row. An array that drains along its rows is this one with rows and
columns exchanged: out^T = W^T . A^T.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel
from accelsim.kernels.systolic_folds import (
    CYCLES,
    FOLDS,
    LEFT_READS,
    MACS,
    PSUM_WRITES,
    TOP_READS,
    Grid,
    enter_rows,
    flight_ring,
    fold_count,
    in_flight,
    landed,
    launch,
    move,
    reached,
    read_edge,
    wavefront_pes,
)


class OutputStationaryArray(NamedTuple):
    """The array's options."""

    rows: int
    cols: int
    pipeline: int  #: pipeline_registers
    drains: bool  #: sums leave through the rows below; else they are read where they are
    drain_lanes: int  #: drain registers a PE
    overlap: bool
    swap_cycles: int
    reload_cycles: int  #: overlapped: least time between starts, swap_cycles not included
    across_first: bool  #: order of folds
    charge_full_array: bool


@kernel
def drain_fold(drain, product, rows, cols, age):
    """One step down for those sums of a fold that are on the move; returns how many leave.

    ``drain`` [all rows, cols], ``product`` the part of it that the fold makes. Column 0 set off ``age`` cycles
    ago, each further column one later: a sum in row r of column c has come age - c rows.
    """
    last, leave = drain.shape[0] - 1, 0
    for r in range(min(last, age + rows - 1), max(0, age - cols + 1) - 1, -1):
        first, stop = max(0, age - r), min(cols, age + 1, age - r + rows)
        if r < last and first < stop:
            move(drain[r, first:stop], drain[r + 1, first:stop])
        elif first < stop:
            for c in range(first, stop):
                product[r - (age - c), c] = drain[r, c]
            leave = stop - first
    return leave


@kernel
def clear_sums(sums, first, stop, age):
    """PEs of rows [first, stop) whose first operands arrive start from zero."""
    for r in range(first, stop):
        sums[r, age - r] = 0


@kernel
def hand_on_sums(sums, target, first, stop, age):
    """PEs of rows [first, stop) that have met their last operands hand their sums on."""
    for r in range(first, stop):
        target[r, age - r] = sums[r, age - r]


@kernel
def multiply(across, across_next, down, down_next, sums):
    """One cycle of successive PEs: add the products to the sums, pass both operands on.

    Products are said to be int64 for those who run this without numba, which makes them so unasked.
    """
    for i in range(sums.size):
        sums[i] += np.int64(across[i]) * down[i]
    for i in range(sums.size):
        across_next[i] = across[i]
    for i in range(sums.size):
        down_next[i] = down[i]


@kernel
def registers(array, rows, cols, operands, out):
    """Empty registers, with the element types of the arrays ``operands`` and ``out``."""
    slots, dtype = array.pipeline + 1, operands.dtype
    return (
        np.zeros((slots, rows), dtype),  # operands in the pipeline registers at the left
        np.zeros((slots, cols), dtype),  # and at the top
        np.zeros((2, rows * cols + 1), dtype),  # operands at the PEs' left, now and one cycle later
        np.zeros((2, (rows + 1) * cols), dtype),  # operands above the PEs, now and one cycle later
        np.zeros((rows, cols), out.dtype),  # accumulators
        np.zeros((array.drain_lanes, array.rows if array.drains else 0, cols), out.dtype),  # finished sums
    )


@kernel
def step_output_stationary(left_operands, top_operands, out, array):
    """Put the product into ``out`` [groups, M, N], and return int64 counts of what was seen.

    ``left_operands`` [groups, M, K] and ``top_operands`` [groups, N, K] are of one integer type; the type of ``out``
    must hold every sum of K products.
    """
    groups, height, vectors = left_operands.shape
    pipeline, slots, drained = array.pipeline, array.pipeline + 1, array.rows if array.drains else 0
    grid = Grid(
        array.rows, array.cols, height, top_operands.shape[1], groups, array.across_first, array.charge_full_array
    )
    folds = fold_count(grid)
    rows, cols = min(array.rows, height), min(array.cols, grid.width)  # what no fold uses is left out
    flights = flight_ring(folds, pipeline + vectors + array.rows + array.cols + drained, vectors)
    counts = np.zeros(7, np.int64)

    left_edge, top_edge, across, down, sums, drain = registers(array, rows, cols, left_operands, out)
    accumulators = sums.reshape(-1)  # the same registers
    t, launched, oldest, working = 0, 0, 0, 0
    stream_busy, drain_busy = 0, 0
    while oldest < folds:
        # With overlap a fold starts when the last is streamed and its sums will find room; else when all is out.
        start = max(stream_busy, drain_busy) <= 0 if array.overlap else oldest == launched
        if launched < folds and start:
            launch(flights, grid, launched, t)
            launched += 1
            stream_busy = vectors + array.swap_cycles
            drain_busy = array.reload_cycles + array.swap_cycles
        stream_busy, drain_busy = stream_busy - 1, drain_busy - 1

        entry, ready = t % slots, (t + 1) % slots  # of the pipeline registers
        left_edge[entry, :] = 0
        top_edge[entry, :] = 0
        first, stop = rows, 0
        for f in range(oldest, launched):
            fold = in_flight(flights, f)
            row_lines = left_operands[fold.group, fold.row0 : fold.row0 + fold.rows]
            col_lines = top_operands[fold.group, fold.col0 : fold.col0 + fold.cols]
            counts[LEFT_READS] += read_edge(left_edge[entry], row_lines, t - fold.start, 1)
            counts[TOP_READS] += read_edge(top_edge[entry], col_lines, t - fold.start, 1)

            age = t - pipeline - fold.start
            moving = age - (vectors + fold.timed_rows - 1)  # since column 0 drains
            if drained > 0 and moving >= 0:
                fold_out = out[fold.group, fold.row0 :, fold.col0 :]
                lane = drain[fold.number % array.drain_lanes]
                counts[PSUM_WRITES] += drain_fold(lane, fold_out, fold.rows, fold.cols, moving)
                if 0 <= moving - (drained - 1) < fold.timed_cols:
                    counts[CYCLES] = t + 1
            top, bottom = reached(age, fold.cols, 1, fold.rows)
            clear_sums(sums, top, bottom, age)
            working += bottom - top
            top, bottom = reached(age, vectors + cols - 1, 1, rows)
            if top < bottom:
                first, stop = min(first, top), max(stop, bottom)

        if first < stop:
            # Rows side by side are one long vector: several times the speed of one after the other.
            a, b = first * cols, stop * cols
            now, above, below = across[t % 2], down[t % 2], down[(t + 1) % 2]
            enter_rows(now, left_edge[ready], first, stop, cols)
            move(top_edge[ready], above)
            multiply(
                now[a:b], across[(t + 1) % 2, a + 1 : b + 1], above[a:b], below[a + cols : b + cols], accumulators[a:b]
            )
        counts[MACS] += working

        for f in range(oldest, launched):
            fold = in_flight(flights, f)
            age = t - pipeline - fold.start - (vectors - 1)
            top, bottom = reached(age, fold.cols, 1, fold.rows)
            working -= bottom - top
            if drained > 0:
                hand_on_sums(sums, drain[fold.number % array.drain_lanes], top, bottom, age)
            else:
                hand_on_sums(sums, out[fold.group, fold.row0 :, fold.col0 :], top, bottom, age)
                counts[PSUM_WRITES] += bottom - top
                if wavefront_pes(age, fold.timed_rows, fold.timed_cols, 1) > 0:
                    counts[CYCLES] = t + 1
        oldest = landed(flights, oldest, launched, t - pipeline - drained, vectors, 1)
        counts[FOLDS] = oldest
        t += 1
    return counts
