"""Operands of a bit-serial unit as bit planes: one word per 16 lanes, for each bit of each brick.

A brick is up to ``lanes`` successive channels at one kernel position. Plane p of it holds bit p of every lane, lane l
at bit l % 16 of word l // 16. Bit 0 is the least significant; lanes without a channel hold zeros.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel
from accelsim.kernels.folds import ceil_div

WORD_LANES = 16


class BrickOrder(NamedTuple):
    """How a unit walks through K: kernel positions outside, then bricks; in a product channels are outside."""

    positions: int
    channels: int
    lanes: int


@kernel
def step_count(order):
    """Bricks of one window."""
    return order.positions * ceil_div(order.channels, order.lanes)


@kernel
def brick_at(order, step):
    """Kernel position, first channel and number of channels of a step."""
    bricks = ceil_div(order.channels, order.lanes)
    first = step % bricks * order.lanes
    return step // bricks, first, min(order.lanes, order.channels - first)


@kernel
def pack_activations(a, planes, order):
    """Bits of ``a`` [groups, M, K] into zeroed uint16 ``planes`` [groups * M * steps, bits, words]."""
    groups, windows, _ = a.shape
    steps, bits = step_count(order), planes.shape[1]
    for g in range(groups):
        for m in range(windows):
            row = a[g, m]
            for step in range(steps):
                position, first, lanes = brick_at(order, step)
                brick = planes[(g * windows + m) * steps + step]
                for lane in range(lanes):
                    value = row[(first + lane) * order.positions + position]
                    for p in range(bits):
                        brick[p, lane // WORD_LANES] |= np.uint16(((value >> p) & 1) << (lane % WORD_LANES))


@kernel
def pack_weights(w, planes, order):
    """Bits of ``w`` [groups, K, N] into zeroed uint16 [groups * filter groups * steps, bits, words, filters]."""
    _, bits, _, filters = planes.shape
    groups, filter_groups, steps = w.shape[0], ceil_div(w.shape[2], filters), step_count(order)
    for g in range(groups):
        for step in range(steps):
            position, first, lanes = brick_at(order, step)
            for lane in range(lanes):
                row = w[g, (first + lane) * order.positions + position]
                for f in range(filter_groups):
                    values = row[f * filters : (f + 1) * filters]
                    for p in range(bits):
                        plane = planes[(g * filter_groups + f) * steps + step, p, lane // WORD_LANES]
                        for n in range(values.size):
                            plane[n] |= np.uint16(((values[n] >> p) & 1) << (lane % WORD_LANES))
