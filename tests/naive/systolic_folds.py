"""How a product is cut into passes of a systolic array, and how long they take by the recurrence over them."""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """A systolic array, as its hardware description names it."""

    rows: int
    cols: int
    dataflow: str
    psum_hop_cycles: int = 1
    pipeline_registers: int = 0
    output_drain: str = "rows"
    weights_resident: bool = False
    overlap_folds: bool = False
    swap_cycles: int = 0
    reload_cycles: int | None = None
    charge_full_array: bool = False


class Fold(NamedTuple):
    """A pass: the part of the held matrix it covers, and the rows and columns it is charged for."""

    number: int
    group: int
    row0: int
    col0: int
    rows: int
    cols: int
    timed_rows: int
    timed_cols: int


def passes(groups, height, width, options):
    """Folds of ``groups`` held matrices height x width in order: rows innermost, then columns, then groups."""
    order = []
    for group in range(groups):
        for col0 in range(0, width, options.cols):
            for row0 in range(0, height, options.rows):
                rows, cols = min(options.rows, height - row0), min(options.cols, width - col0)
                timed = (options.rows, options.cols) if options.charge_full_array else (rows, cols)
                order.append(Fold(len(order), group, row0, col0, rows, cols, *timed))
    return order


def drain_cycles(options):
    """Cycles in which the sums of an output-stationary fold leave the array."""
    return {"rows": options.rows, "cols": options.cols, "none": 0}[options.output_drain]


def recurrence_cycles(m, k, n, groups, options):
    """Cycles of a product by the recurrence over every single fold: p + max(S_f + L_f) where folds overlap."""
    os = options.dataflow == "os"
    height, width, streamed = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[options.dataflow]
    drain = drain_cycles(options)
    reload = (drain if os else options.rows) if options.reload_cycles is None else options.reload_cycles
    load = 0 if os or options.weights_resident else options.rows
    start, end, now = load, 0, 0
    for fold in passes(groups, height, width, options):
        if os:
            latency = streamed + fold.timed_rows + fold.timed_cols - 2 + drain
            interval = options.swap_cycles + streamed + max(0, reload - streamed)
        else:
            latency = streamed + options.psum_hop_cycles * options.rows + fold.timed_cols - 2
            interval = streamed + options.swap_cycles
            interval = interval if options.weights_resident else max(interval, reload)
        end = max(end, start + latency)
        start += interval
        now += load + options.pipeline_registers + latency
    return options.pipeline_registers + end if options.overlap_folds else now
