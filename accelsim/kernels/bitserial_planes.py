"""Operands of a bit-serial unit as bit planes: one word per 16 lanes, for each bit of each brick.

A brick is up to ``lanes`` successive channels at one kernel position. Plane p of it holds bit p of every lane, lane l
at bit l % 16 of word l // 16. Planes of weights hold a row of filters for each byte of a word, the low one first. Bit 0
is the least significant; lanes without a channel hold zeros.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel
from accelsim.kernels.integers import ceil_div

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
    """Bits of int32 ``a`` [groups, M, K] into uint16 ``planes`` [groups * M * steps, bits, words]."""
    groups, windows, _ = a.shape
    steps, bits, words = step_count(order), planes.shape[1], planes.shape[2]
    values = np.zeros(words * WORD_LANES, np.int32)
    for g in range(groups):
        for m in range(windows):
            row = a[g, m]
            for step in range(steps):
                position, first, lanes = brick_at(order, step)
                for lane in range(lanes):
                    values[lane] = row[(first + lane) * order.positions + position]
                values[lanes:] = 0
                brick = planes[(g * windows + m) * steps + step]
                for p in range(bits):
                    for word in range(words):
                        bits_of_lanes = 0
                        for lane in range(WORD_LANES):
                            bits_of_lanes |= ((values[word * WORD_LANES + lane] >> p) & 1) << lane
                        brick[p, word] = bits_of_lanes


@kernel
def pack_weights(w, planes, order):
    """Bits of int16 ``w`` [groups, K, N] into zeroed uint8 [groups * filter groups * steps, bits, bytes, filters]."""
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
                        plane = planes[(g * filter_groups + f) * steps + step, p, lane // 8]
                        for n in range(values.size):
                            plane[n] |= np.uint8(np.uint8((values[n] >> p) & 1) << (lane % 8))


@kernel
def order_weights(w, values, order):
    """int16 ``w`` [groups, K, N] into zeroed int16 ``values`` [groups * filter groups * steps, lanes, filters]."""
    filters = values.shape[2]
    groups, filter_groups, steps = w.shape[0], ceil_div(w.shape[2], filters), step_count(order)
    for g in range(groups):
        for step in range(steps):
            position, first, lanes = brick_at(order, step)
            for lane in range(lanes):
                row = w[g, (first + lane) * order.positions + position]
                for f in range(filter_groups):
                    part = row[f * filters : (f + 1) * filters]
                    values[(g * filter_groups + f) * steps + step, lane, : part.size] = part
