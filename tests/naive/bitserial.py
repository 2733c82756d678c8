"""A bit-serial unit in plain Python: its rules taken one by one, nothing imported from accelsim."""

from __future__ import annotations

from typing import NamedTuple

from naive.counts import Counts, ceil_div, cut


class Options(NamedTuple):
    """A unit, as its hardware description names it."""

    tiles: int
    rows: int
    cols: int
    lanes: int
    serial: str
    skip: str = "none"
    bits_per_cycle: int = 1
    shifter_bits: int = 2
    column_registers: int = 0


class Layer(NamedTuple):
    """What is computed: kernel positions and channels that K consists of, widths, and whether it is fully connected."""

    positions: int
    channels: int
    activation_bits: int
    weight_bits: int
    signed: bool
    fully_connected: bool


class Step(NamedTuple):
    """What the unit does at a time: one brick for each column's window, for some filters."""

    bricks: list[list[int]]  #: one for each column that has a window
    filters: int
    first: bool  #: of a fold
    last: bool


def bricks(row, layer, lanes):
    """The bricks of one window in the order ky, kx, brick; in the row, channels are outside."""
    for position in range(layer.positions):
        channels = [row[channel * layer.positions + position] for channel in range(layer.channels)]
        yield from cut(channels, lanes)


def steps(a, w, layer, unit):
    """All Steps in order: groups, window sets, filter groups, bricks."""
    for rows, filters in zip(a, w, strict=True):
        for windows in cut(rows, unit.cols):
            for fold in cut(list(range(len(filters[0]))), unit.tiles * unit.rows):
                parts = list(zip(*(bricks(row, layer, unit.lanes) for row in windows), strict=True))
                for number, part in enumerate(parts):
                    yield Step([list(b) for b in part], len(fold), number == 0, number == len(parts) - 1)


def width(value, signed):
    """Bits that a value needs: a bit for zero, and one more for a sign."""
    if value < 0:
        value = -value - 1
    return max(1, len(f"{value:b}")) + (1 if signed else 0)


def essential_cycles(brick, reach):
    """Cycles in which every lane gives its lowest bit, where it is near enough to the lowest of all."""
    lanes = [[p for p, bit in enumerate(reversed(f"{abs(value):b}")) if bit == "1"] for value in brick]
    cycles = 0
    while any(lanes):
        low = min(lane[0] for lane in lanes if lane)
        for lane in lanes:
            if lane and lane[0] <= low + reach - 1:
                lane.pop(0)
        cycles += 1
    return max(1, cycles)


def brick_cycles(brick, layer, unit):
    """Cycles of one column's brick by itself."""
    pieces = ceil_div(layer.activation_bits, unit.bits_per_cycle)
    if unit.skip == "dynamic":
        return ceil_div(max(width(value, layer.signed) for value in brick), unit.bits_per_cycle)
    if unit.skip == "essential":
        return essential_cycles(brick, 2**unit.shifter_bits)
    return {"none": 1, "activations": pieces, "weights": layer.weight_bits, "both": pieces * layer.weight_bits}[
        unit.serial
    ]


def side_by_side(durations, unit):
    """Cycles of steps given as the durations of their columns, 0 for a column without a window."""
    if unit.column_registers == 0:
        return sum(max(step) for step in durations)
    done, finished, i, ready = [0] * unit.cols, [0] * unit.column_registers, 0, 0
    for step in durations:
        done = [max(ready, done[c]) + step[c] for c in range(unit.cols)]
        ready = finished[i]
        finished[i] = max(done)
        i = (i + 1) % unit.column_registers
    return max(done)


def one_after_the_other(durations, unit):
    """Cycles of steps that go round the columns, the weights of one arriving each cycle."""
    done, issue = [0] * unit.cols, -1
    for i, cycles in enumerate(durations):
        issue = max(issue + 1, done[i % unit.cols])
        done[i % unit.cols] = issue + cycles
    return max(done)


def bitserial(a, w, layer, unit):
    """Counts of nested lists a [groups][M][K] times w [groups][K][N]."""
    every = list(steps(a, w, layer, unit))
    durations = [[brick_cycles(brick, layer, unit) for brick in step.bricks] for step in every]
    if layer.fully_connected:
        cycles = one_after_the_other([step[0] for step in durations], unit)
    else:
        cycles = side_by_side([step + [0] * (unit.cols - len(step)) for step in durations], unit)
    return Counts(
        cycles=cycles,
        macs=sum(step.filters * len(brick) for step in every for brick in step.bricks),
        folds=sum(step.first for step in every),
        activation_reads=sum(len(brick) for step in every for brick in step.bricks),
        weight_reads=sum(step.filters * len(step.bricks[0]) for step in every),
        psum_reads=0,
        psum_writes=sum(step.filters * len(step.bricks) for step in every if step.last),
    )
