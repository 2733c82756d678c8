"""The steps of a product in its mapping's loop order: what each loads, stores and computes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel

M, N, K = 0, 1, 2
IFMAP, WEIGHT, OFMAP = 0, 1, 2


class Layout(NamedTuple):
    """Where operands lie in memory; arrays are empty where nobody wants to know.

    Input channels lie in blocks as deep as a tile of k, each row by row; weights and results tile by tile.
    """

    first_pixel: np.ndarray  #: int64[tiles of m]: first raw input pixel of each
    first_channel: np.ndarray  #: int64[tiles of k]
    pixels: int  #: of all of the input
    slots: np.ndarray  #: int64[3]: bytes from one tile of weights, and of results, to the next; ifmap: none
    group: np.ndarray  #: int64[3]: bytes from one group's to the next one's
    bases: np.ndarray  #: int64[3]: where each begins


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
    layout: Layout


@kernel
def unroll(nest):
    """One row per step: bytes in int64[steps, 3], results and sums out int64[steps, 2], fresh bool[steps, 3], engine's
    work, vector cycles.

    The engine's work is passes times vectors streamed. Last come addresses, int64[steps, 3], of ifmap, weights and
    ofmap, or none.
    """
    order, sizes, tiles, grain = nest.order, nest.sizes, nest.tiles, nest.grain
    pixels, channels, column_bits = nest.pixels, nest.channels, nest.column_bits
    above, below = nest.lanes[0], nest.lanes[1]
    keeps_ifmap, keeps_weight, keeps_ofmap = nest.kept[IFMAP], nest.kept[WEIGHT], nest.kept[OFMAP]
    depth_m, depth_n, depth_k = _depth(M, order), _depth(N, order), _depth(K, order)
    outer = -(-sizes[order[0]] // tiles[order[0]])
    middle = -(-sizes[order[1]] // tiles[order[1]])
    inner = -(-sizes[order[2]] // tiles[order[2]])
    steps = outer * middle * inner * nest.groups.size
    loads, fresh = np.zeros((steps, 3), np.int64), np.zeros((steps, 3), np.bool_)
    stores, work, vector = np.zeros((steps, 2), np.int64), np.zeros(steps, np.int64), np.zeros(steps, np.int64)
    layout = nest.layout
    placed = layout.first_pixel.size > 0
    addresses = np.zeros((steps if placed else 0, 3), np.int64)
    tiles_m, tiles_n = -(-sizes[M] // tiles[M]), -(-sizes[N] // tiles[N])
    step, group = 0, 0
    for groups in nest.groups:
        for a in range(outer):
            for b in range(middle):
                for c in range(inner):
                    at_m, at_n, at_k = _at(depth_m, a, b, c), _at(depth_n, a, b, c), _at(depth_k, a, b, c)
                    m = min(tiles[M], sizes[M] - at_m * tiles[M])
                    n = min(tiles[N], sizes[N] - at_n * tiles[N])
                    k = min(tiles[K], sizes[K] - at_k * tiles[K])
                    sums = _bytes(m * n * nest.sum_bits)
                    if at_n == 0 or not keeps_ifmap:
                        raw = pixels[at_m] * channels[at_k]
                        loads[step, IFMAP] = _bytes(raw * nest.activation_bits) * groups
                    if at_m == 0 or not keeps_weight:
                        bias = nest.bias_bytes * n if at_k == 0 else 0
                        loads[step, WEIGHT] = (_bytes(column_bits[at_k] * n) + bias) * groups
                    if at_k > 0 and not keeps_ofmap:
                        loads[step, OFMAP] = sums * groups
                    if (at_k + 1) * tiles[K] >= sizes[K]:
                        stores[step, 0] = _bytes(m * n * nest.output_bits) * groups
                        vector[step] = -(-(m * n * groups * above) // below)
                    elif not keeps_ofmap:
                        stores[step, 1] = sums * groups
                    fresh[step, IFMAP] = not keeps_ifmap or _begins(depth_n, a, b, c, outer, middle)
                    fresh[step, WEIGHT] = not keeps_weight or _begins(depth_m, a, b, c, outer, middle)
                    fresh[step, OFMAP] = not keeps_ofmap or _begins(depth_k, a, b, c, outer, middle)
                    share = m if nest.streamed == M else -(-m // grain[M])
                    share *= n if nest.streamed == N else -(-n // grain[N])
                    share *= k if nest.streamed == K else -(-k // grain[K])
                    work[step] = share * groups
                    if placed:
                        raw = layout.first_channel[at_k] * layout.pixels + layout.first_pixel[at_m] * channels[at_k]
                        addresses[step, IFMAP] = raw * nest.activation_bits // 8
                        addresses[step, WEIGHT] = (at_k * tiles_n + at_n) * layout.slots[WEIGHT]
                        addresses[step, OFMAP] = (at_n * tiles_m + at_m) * layout.slots[OFMAP]
                        for operand in range(3):
                            addresses[step, operand] += layout.bases[operand] + group * layout.group[operand]
                    step += 1
        group += groups
    return loads, stores, fresh, work, vector, addresses


@kernel
def _depth(loop, order):
    return 0 if order[0] == loop else 1 if order[1] == loop else 2


@kernel
def _at(depth, a, b, c):
    return a if depth == 0 else b if depth == 1 else c


@kernel
def _begins(depth, a, b, c, outer, middle):
    """Whether what is kept over an idle loop at that depth begins to be another content: no loop inside has turned."""
    if depth == 0:
        return a == 0 and (outer == 1 or (b == 0 and c == 0))
    if depth == 1:
        return b == 0 and (middle == 1 or c == 0)
    return c == 0


@kernel
def _bytes(bits):
    return -(-bits // 8)
