"""The steps of a product in its mapping's loop order: what each loads, stores and computes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel

M, N, K = 0, 1, 2
IFMAP, WEIGHT, OFMAP = 0, 1, 2


class Nest(NamedTuple):
    """A mapping's loops over tiles of m, n and k, and what their tiles hold."""

    sizes: np.ndarray  #: int64[3]: m, n, k
    tiles: np.ndarray  #: int64[3]
    order: np.ndarray  #: int64[3]: which of them, outermost first
    kept: np.ndarray  #: bool[3]: ifmap, weight, ofmap
    groups: np.ndarray  #: int64[batches]: groups that each run through the loops takes together
    pixels: np.ndarray  #: int64[tiles of m]: raw input pixels of each
    channels: np.ndarray  #: int64[tiles of k]: input channels of each
    column_bits: np.ndarray  #: int64[tiles of k]: weights of one filter
    bias_bytes: int  #: of one filter, loaded with its first weights
    activation_bits: int
    sum_bits: int
    output_bits: int
    grain: np.ndarray  #: int64[3]: what one pass of the engine holds
    streamed: int  #: the dimension that flows through it
    lanes: np.ndarray  #: int64[2]: cycles of the vector unit per output, as a fraction


@kernel
def unroll(nest):
    """One row per step: bytes in int64[steps, 3], bytes out, fresh bool[steps, 3], engine's work, vector cycles.

    The engine's work is passes times vectors streamed.
    """
    counts = -(-nest.sizes // nest.tiles)
    steps = counts.prod() * nest.groups.size
    loads, fresh = np.zeros((steps, 3), np.int64), np.zeros((steps, 3), np.bool_)
    stores, work, vector = np.zeros(steps, np.int64), np.zeros(steps, np.int64), np.zeros(steps, np.int64)
    at, length = np.zeros(3, np.int64), np.zeros(3, np.int64)
    step = 0
    for groups in nest.groups:
        for number in range(counts.prod()):
            _place(number, nest.order, counts, at)
            for loop in range(3):
                length[loop] = min(nest.tiles[loop], nest.sizes[loop] - at[loop] * nest.tiles[loop])
            outputs = length[M] * length[N]
            sums = _bytes(outputs * nest.sum_bits)
            last = at[K] == counts[K] - 1
            if at[N] == 0 or not nest.kept[IFMAP]:
                pixels = nest.pixels[at[M]] * nest.channels[at[K]]
                loads[step, IFMAP] = _bytes(pixels * nest.activation_bits) * groups
            if at[M] == 0 or not nest.kept[WEIGHT]:
                weights = _bytes(nest.column_bits[at[K]] * length[N])
                if at[K] == 0:
                    weights += nest.bias_bytes * length[N]
                loads[step, WEIGHT] = weights * groups
            if at[K] > 0 and not nest.kept[OFMAP]:
                loads[step, OFMAP] = sums * groups
            if last:
                stores[step] = _bytes(outputs * nest.output_bits) * groups
                vector[step] = -(-(outputs * groups * nest.lanes[0]) // nest.lanes[1])
            elif not nest.kept[OFMAP]:
                stores[step] = sums * groups
            fresh[step, IFMAP] = not nest.kept[IFMAP] or _begins(N, nest.order, counts, at)
            fresh[step, WEIGHT] = not nest.kept[WEIGHT] or _begins(M, nest.order, counts, at)
            fresh[step, OFMAP] = not nest.kept[OFMAP] or _begins(K, nest.order, counts, at)
            share = groups
            for loop in range(3):
                share *= length[loop] if loop == nest.streamed else -(-length[loop] // nest.grain[loop])
            work[step] = share
            step += 1
    return loads, stores, fresh, work, vector


@kernel
def _place(number, order, counts, at):
    """Tile numbers of m, n and k in a step, the innermost loop turning fastest."""
    for depth in range(2, -1, -1):
        loop = order[depth]
        at[loop] = number % counts[loop]
        number //= counts[loop]


@kernel
def _begins(idle, order, counts, at):
    """Whether what is kept over an idle loop begins to be another content: no loop inside it has turned."""
    if at[idle] != 0:
        return False
    if counts[idle] > 1:
        for depth in range(2, -1, -1):
            if order[depth] == idle:
                break
            if at[order[depth]] != 0:
                return False
    return True


@kernel
def _bytes(bits):
    return -(-bits // 8)
