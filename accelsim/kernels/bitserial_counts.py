"""How long a bit-serial unit takes where that depends on values: every column's steps, then how they interlock."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bitserial_planes import brick_at
from accelsim.kernels.compiled import kernel
from accelsim.kernels.integers import ceil_div


@kernel
def bit_length(value):
    """Bits up to the highest one set, of a value of at most 32 bits."""
    length = 0
    for half in (16, 8, 4, 2, 1):
        if value >> half != 0:
            length += half
            value >>= half
    return length + value


@kernel
def dynamic_cycles(a, cycles, order, signed, bits_per_cycle):
    """Cycles [groups, M, steps] of each brick of int32 ``a`` [groups, M, K]: those of its widest value.

    A negative value is as wide as its complement; zero takes a bit; a sign takes one more.
    """
    groups, windows, steps = cycles.shape
    for g in range(groups):
        for m in range(windows):
            row = a[g, m]
            for step in range(steps):
                position, first, lanes = brick_at(order, step)
                seen = 0
                for lane in range(lanes):
                    value = row[(first + lane) * order.positions + position]
                    seen |= value ^ (value >> 31)
                width = max(1, bit_length(seen)) + (1 if signed else 0)
                cycles[g, m, step] = ceil_div(width, bits_per_cycle)


@kernel
def essential_cycles(a, cycles, order, reach):
    """Cycles [groups, M, steps] of each brick of int32 ``a`` [groups, M, K]: every lane gives its lowest set bit.

    It does so if the bit is less than ``reach`` places above the lowest of the brick.
    """
    groups, windows, steps = cycles.shape
    magnitudes = np.zeros(min(order.lanes, order.channels), np.int32)
    for g in range(groups):
        for m in range(windows):
            row = a[g, m]
            for step in range(steps):
                position, first, lanes = brick_at(order, step)
                seen = 0
                for lane in range(lanes):
                    magnitudes[lane] = abs(row[(first + lane) * order.positions + position])
                    seen |= magnitudes[lane]
                cycles[g, m, step] = max(1, oneffset_cycles(magnitudes, lanes, seen, reach))


@kernel
def oneffset_cycles(magnitudes, lanes, seen, reach):
    """Cycles until no bit of the first ``lanes`` int32 magnitudes is left; ``seen`` are the bits of all of them."""
    cycles = 0
    while seen != 0:
        limit = np.int32(min((seen & -seen) << reach, 1 << 30))  # beyond all bits, and as narrow as the values
        left = np.int32(0)
        for lane in range(lanes):
            value = magnitudes[lane]
            lowest = np.int32(value & -value)
            value = value if lowest >= limit else np.int32(value ^ lowest)
            magnitudes[lane] = value
            left = np.int32(left | value)
        seen = np.int64(left)
        cycles += 1
    return cycles


@kernel
def column_times(cycles, cols, filter_groups, registers):
    """When the last column is done, and the cycles in which columns had no window; int64, int64.

    ``cycles`` [groups, M, steps] of each brick; columns may be ``registers`` steps ahead of the slowest one.
    """
    groups, windows, steps = cycles.shape
    used = min(cols, windows)
    done = np.zeros(used, np.int64)
    finished = np.zeros(registers, np.int64)  # the last steps, as a ring
    i, ready, latest, absent = 0, 0, 0, 0
    for g in range(groups):
        for first in range(0, windows, used):
            present = min(used, windows - first)
            for _ in range(filter_groups):
                for step in range(steps):
                    before = latest
                    for c in range(present):
                        done[c] = max(ready, done[c]) + cycles[g, first + c, step]
                        latest = max(latest, done[c])
                    absent += (cols - present) * (latest - before)
                    if registers == 0:
                        ready = latest
                    else:
                        ready = finished[i]
                        finished[i] = latest
                        i = (i + 1) % registers
    return latest, absent


@kernel
def streamed_time(cycles, cols, filter_groups):
    """When the last column is done if a step's weights arrive each cycle, one column after the other.

    ``cycles`` [groups, 1, steps] of each brick.
    """
    groups, _, steps = cycles.shape
    done = np.zeros(min(cols, groups * filter_groups * steps), np.int64)
    number, issue, latest = 0, -1, 0
    for g in range(groups):
        for _ in range(filter_groups):
            for step in range(steps):
                c = number % done.size
                issue = max(issue + 1, done[c])
                done[c] = issue + cycles[g, 0, step]
                latest = max(latest, done[c])
                number += 1
    return latest
