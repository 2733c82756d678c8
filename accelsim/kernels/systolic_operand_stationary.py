"""A weight- or input-stationary array, stepped: one operand is held in the PEs, the other streams past.

Element k of a streamed vector enters row k at the left; the held operand [K, N] sits with element (k, n)
in PE(k, n); partial sums run down the columns and are accumulated where they leave, below the last row.
Input-stationary is this array with the operands exchanged: out^T = W^T . A^T.

Without overlap the weights shift down their own registers, one row a cycle, while the array is empty. With
overlap they go down a separate chain at the pace of the partial sums; a PE keeps the weight addressed to it
in a shadow register, and takes it over in the cycle in which the fold's first operand arrives.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel
from accelsim.kernels.integers import ceil_div
from accelsim.kernels.systolic_folds import (
    CYCLES,
    FOLDS,
    LEFT_READS,
    MACS,
    PSUM_READS,
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


class StationaryArray(NamedTuple):
    """The array's options."""

    rows: int
    cols: int
    hop: int  #: psum_hop_cycles
    pipeline: int  #: pipeline_registers
    loads: bool  #: not weights_resident
    overlap: bool
    segment: int  #: rows that one port of the weights' chain feeds
    swap_cycles: int
    reload_cycles: int
    charge_full_array: bool


@kernel
def read_weights_in_turn(port, held, fold, row):
    """Read one row of weights into the only port, rows that the fold does not use as zeros; returns how many."""
    if row >= fold.rows:
        port[:] = 0
        return 0
    port[: fold.cols] = held[fold.group, fold.row0 + row, fold.col0 : fold.col0 + fold.cols]
    return fold.cols


@kernel
def read_weights_ahead(ports, held, fold, age, hop, segment):
    """Read, for each segment of the chain, the weights that must leave now to be in time; returns how many.

    The weight of row r is to reach PE(r, c) 1 + r mod segment cycles before the fold's first operand does.
    """
    reads = 0
    for s in range(ports.shape[0]):
        row0 = s * segment
        behind = age + 1 - hop * row0  # column c is given row row0 + c - behind
        for c in range(max(0, behind), min(fold.cols, behind + segment)):
            row = row0 + c - behind
            if row < fold.rows:
                ports[s, c] = held[fold.group, fold.row0 + row, fold.col0 + c]
                reads += 1
    return reads


@kernel
def shift_weights(active, port, filled):
    """A step of a load without overlap: the rows ``filled`` so far move down, the port's enters at the top."""
    for r in range(filled, 0, -1):
        move(active[r - 1], active[r])
    move(port, active[0])


@kernel
def shift_chain(above, above_next, ports, segment):
    """A step of the weights down their chain; every ``segment`` rows a port feeds it anew."""
    cols = ports.shape[1]
    for s in range(ports.shape[0]):
        move(ports[s], above[s * segment * cols :])
    move(above[:-cols], above_next[cols:])


@kernel
def capture_weights(shadow, above, fold, age, hop, segment):
    """PEs whose own weight passes on the chain in this cycle keep it."""
    cols = shadow.shape[1]
    for r in range(fold.rows):
        c = age + 1 + r % segment - hop * r
        if 0 <= c < fold.cols:
            shadow[r, c] = above[r * cols + c]


@kernel
def swap_weights(active, store, fold, age, hop):
    """PEs whose first operand arrives in this cycle take over the fold's weight from ``store``."""
    first, stop = reached(age, fold.cols, hop, fold.rows)
    for r in range(first, stop):
        active[r, age - hop * r] = store[r, age - hop * r]


@kernel
def multiply(wires, wires_next, weights, psums_above, psums_below):
    """One cycle of successive PEs: pass the operands on, add the products to the partial sums.

    Products are said to be int64 for those who run this without numba, which makes them so unasked.
    """
    for i in range(weights.size):
        operand = wires[i]
        psums_below[i] = psums_above[i] + np.int64(operand) * weights[i]
        wires_next[i] = operand


@kernel
def accumulate(lines, leaving, age):
    """Sums that leave now are added to what earlier folds left; the one of line i is i behind ``age``."""
    for i in range(leaving.size):
        lines[i, age - i] += leaving[i]


@kernel
def registers(array, cols, operands, sums):
    """Empty registers, with the element types of the arrays ``operands`` and ``sums``."""
    rows, slots, dtype = array.rows, array.pipeline + 1, operands.dtype
    shadowed = rows if array.overlap and array.loads else 0
    return (
        np.zeros((slots, rows), dtype),  # streamed operands in the pipeline registers
        np.zeros((slots, ceil_div(rows, array.segment), cols), dtype),  # weights in the pipeline registers
        np.zeros((2, rows * cols + 1), dtype),  # streamed operands at the PEs' left, now and one cycle later
        np.zeros((array.hop + 1, (rows + 1) * cols), sums.dtype),  # partial sums above each row, of the last cycles
        np.zeros((rows, cols), dtype),  # active weights
        np.zeros((shadowed, cols), dtype),  # weights of the next fold
        np.zeros((array.hop + 1, (shadowed + 1) * cols), dtype),  # weights on the chain above each row, as the sums
    )


@kernel
def step_stationary(streamed, held, out, array):
    """Add the product to ``out`` [groups, N, T], and return int64 counts of what was seen.

    ``streamed`` [groups, K, T] and ``held`` [groups, K, N] are of one integer type; the type of ``out`` must hold
    every sum of max(K, rows) products.
    """
    rows, hop, slots = array.rows, array.hop, array.pipeline + 1
    vectors, width = streamed.shape[2], held.shape[2]
    grid = Grid(rows, array.cols, held.shape[1], width, held.shape[0], False, array.charge_full_array)
    folds, cols = fold_count(grid), min(array.cols, width)  # columns that no fold uses are left out
    ahead = array.overlap and array.loads
    load = (array.segment if ahead else rows) if array.loads else 0
    delay = array.pipeline + hop * rows - 1  # cycles from the SRAM to below the last row
    flights = flight_ring(folds, load + delay + vectors + array.cols, vectors)
    counts = np.zeros(7, np.int64)

    edge, ports, wires, psums, active, shadow, chain = registers(array, cols, held, out)
    weights = active.reshape(-1)  # the same registers
    t, launched, oldest, working = 0, 0, 0, 0
    stream_busy, reload_busy, weights_busy = 0, rows if array.loads else 0, 0
    while oldest < folds:
        # With overlap a fold starts when the last one is streamed and its own weights are in; else when all is out.
        wait = max(stream_busy, reload_busy) if array.overlap else load
        if launched < folds and (wait <= load if array.overlap else oldest == launched):
            launch(flights, grid, launched, t + wait)
            launched += 1
            stream_busy = wait + vectors + array.swap_cycles
            reload_busy = wait + array.reload_cycles if array.loads else 0
            weights_busy = load + delay + array.cols
        stream_busy, reload_busy, weights_busy = stream_busy - 1, reload_busy - 1, weights_busy - 1

        entry, ready = t % slots, (t + 1) % slots  # of the pipeline registers
        edge[entry, :] = 0
        for f in range(oldest, launched):
            fold = in_flight(flights, f)
            age = t - fold.start
            lines = streamed[fold.group, fold.row0 : fold.row0 + fold.rows]
            counts[LEFT_READS] += read_edge(edge[entry], lines, age, hop)
            if ahead and weights_busy >= 0:
                counts[TOP_READS] += read_weights_ahead(ports[entry], held, fold, age, hop, array.segment)
            elif array.loads and age < 0:
                counts[TOP_READS] += read_weights_in_turn(ports[entry, 0], held, fold, -1 - age)

        if ahead and weights_busy >= 0:
            shift_chain(chain[(t + 1) % (hop + 1)], chain[t % (hop + 1)], ports[ready], array.segment)
        first, stop, begin, end = rows, 0, 0, 0
        for f in range(oldest, launched):
            fold = in_flight(flights, f)
            age = t - array.pipeline - fold.start
            if weights_busy >= 0:
                if not array.loads:
                    swap_weights(active, held[fold.group, fold.row0 :, fold.col0 :], fold, age, hop)
                elif ahead:
                    swap_weights(active, shadow, fold, age, hop)
                    capture_weights(shadow, chain[(t + 1) % (hop + 1)], fold, age, hop, array.segment)
                elif -rows <= age < 0:
                    shift_weights(active, ports[ready, 0], rows + age)
            top, bottom = reached(age, vectors + cols - 1, hop, rows)
            if top < bottom:
                first, stop = min(first, top), max(stop, bottom)
            begin += wavefront_pes(age, fold.rows, fold.cols, hop)
            end += wavefront_pes(age - (vectors - 1), fold.rows, fold.cols, hop)

        if first < stop:
            # Rows side by side are one long vector: several times the speed of one after the other.
            a, b = first * cols, stop * cols
            now, above, below = wires[t % 2], psums[(t + 1) % (hop + 1)], psums[t % (hop + 1)]
            enter_rows(now, edge[ready], first, stop, cols)
            multiply(now[a:b], wires[(t + 1) % 2, a + 1 : b + 1], weights[a:b], above[a:b], below[a + cols : b + cols])
        counts[MACS] += working + begin
        working += begin - end

        for f in range(oldest, launched):
            fold = in_flight(flights, f)
            age = t - delay - fold.start
            top, bottom = reached(age, vectors, 1, fold.timed_cols)
            if top < bottom:
                counts[CYCLES] = t + 1
                top, bottom = min(top, fold.cols), min(bottom, fold.cols)
                leaving = psums[(t + 2) % (hop + 1), rows * cols + top : rows * cols + bottom]
                accumulate(out[fold.group, fold.col0 + top :], leaving, age - top)
                counts[PSUM_WRITES] += bottom - top
                if fold.row0 > 0:
                    counts[PSUM_READS] += bottom - top
        oldest = landed(flights, oldest, launched, t - delay, vectors, 0)
        counts[FOLDS] = oldest
        t += 1
    return counts
