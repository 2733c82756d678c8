"""A mapping, or a vector layer, unrolled into its stream of steps."""

from __future__ import annotations

from math import ceil

import numpy as np

from accelsim.engines.base import Engine
from accelsim.footprint import bias_bytes, ifmap_channels, ifmap_pixels, lengths, to_bytes
from accelsim.hardware import ACCUMULATOR_BITS, Hardware
from accelsim.lowering import Gemm
from accelsim.tiles import IFMAP, OFMAP, WEIGHT, Mapping, TileStream

VECTOR_STEPS = 16  # pieces of an element-wise layer: enough of them to overlap transfers with work


def gemm_stream(
    gemm: Gemm, mapping: Mapping, hardware: Hardware, engine: Engine, lane_cycles_per_output: float
) -> TileStream:
    """Steps of a product in the mapping's loop order, group by group.

    The engine's cycles are shared among the steps by what each would take alone, so that they add up to the
    product's own count; cutting the streamed dimension adds folds unless the fold in the array goes on.
    """
    at, sizes = _steps(gemm, mapping)
    m, n, k = (sizes[d][at[d]] for d in "mnk")
    first = {d: at[d] == 0 for d in "mnk"}
    last_k = at["k"] == len(sizes["k"]) - 1
    pixels, channels = ifmap_pixels(gemm, mapping.tile_m)[at["m"]], ifmap_channels(gemm, mapping.tile_k)[at["k"]]
    ifmap = to_bytes(pixels * channels, gemm.activation_bits)
    outputs = m * n
    sums = to_bytes(outputs, ACCUMULATOR_BITS[hardware.engine.precision])
    weights = to_bytes(k * n, gemm.weight_bits) + np.where(first["k"], bias_bytes(gemm, n), 0)
    kept_ifmap, kept_weight, kept_ofmap = mapping.kept
    loads = np.stack(
        [
            np.where(first["n"] | (not kept_ifmap), ifmap, 0),
            np.where(first["m"] | (not kept_weight), weights, 0),
            np.where(first["k"] | kept_ofmap, 0, sums),
        ],
        axis=1,
    )
    stores = np.where(last_k, to_bytes(outputs, gemm.output_bits), 0 if kept_ofmap else sums)
    fresh = np.stack([_fresh(mapping, at, sizes, x, d) for x, d in ((IFMAP, "n"), (WEIGHT, "m"), (OFMAP, "k"))], axis=1)
    compute = _compute_cycles(gemm, mapping, hardware, engine, at, sizes)
    lanes = hardware.vector.lanes
    in_step = lengths(gemm.groups, mapping.groups)
    vector = np.concatenate(
        [np.where(last_k, np.ceil(outputs * g * lane_cycles_per_output / lanes), 0) for g in in_step]
    ).astype(np.int64)
    if lane_cycles_per_output:
        vector[-1] += hardware.vector.latency_cycles
    return TileStream(
        np.concatenate([loads * g for g in in_step]),
        np.concatenate([stores * g for g in in_step]),
        np.tile(fresh, (len(in_step), 1)),
        _shared_out(np.concatenate([compute * g for g in in_step]), _total_cycles(gemm, mapping, hardware, engine)),
        vector,
    )


def _steps(gemm: Gemm, mapping: Mapping) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Tile numbers along m, n and k for each step of one group, and the tiles' lengths."""
    sizes = {
        "m": lengths(gemm.m, mapping.tile_m),
        "n": lengths(gemm.n, mapping.tile_n),
        "k": lengths(gemm.k, mapping.tile_k),
    }
    grids = np.indices([len(sizes[d]) for d in mapping.order]).reshape(3, -1)
    return dict(zip(mapping.order, grids, strict=True)), sizes


def _fresh(
    mapping: Mapping, at: dict[str, np.ndarray], sizes: dict[str, np.ndarray], operand: int, irrelevant: str
) -> np.ndarray:
    """Steps at which the buffer of an operand begins to take a new content."""
    if not mapping.kept[operand]:
        return np.ones(at["m"].shape, bool)
    begins = at[irrelevant] == 0
    if len(sizes[irrelevant]) > 1:
        for inner in mapping.order[mapping.order.index(irrelevant) + 1 :]:
            begins = begins & (at[inner] == 0)
    return np.asarray(begins)


def _compute_cycles(
    gemm: Gemm,
    mapping: Mapping,
    hardware: Hardware,
    engine: Engine,
    at: dict[str, np.ndarray],
    sizes: dict[str, np.ndarray],
) -> np.ndarray:
    """What each step of one group would take by itself; only first and last tiles of a dimension differ."""
    table = np.zeros((2, 2, 2), np.int64)
    for edge in np.ndindex(2, 2, 2):
        m, n, k = (int(sizes[d][-1 if at_edge else 0]) for d, at_edge in zip("mnk", edge, strict=True))
        table[edge] = engine.count(Gemm(m, k, n)).cycles
    edges = [(at[d] == len(sizes[d]) - 1).astype(np.int64) for d in "mnk"]
    return np.asarray(table[tuple(edges)])


def _total_cycles(gemm: Gemm, mapping: Mapping, hardware: Hardware, engine: Engine) -> int:
    streamed = hardware.engine.streamed
    grains = zip("mnk", mapping[:3], hardware.engine.grain, strict=True)
    one_fold = all(tile <= grain for dimension, tile, grain in grains if dimension != streamed)
    if one_fold and mapping.order[2] == streamed:
        return engine.count(gemm).cycles
    return cycles_in_pieces(gemm, engine, streamed, dict(zip("mnk", mapping[:3], strict=True))[streamed])


def cycles_in_pieces(gemm: Gemm, engine: Engine, streamed: str, tile: int) -> int:
    """Cycles of the whole product when its streamed dimension is cut and every piece pays for its own folds."""
    sizes = {"m": gemm.m, "k": gemm.k, "n": gemm.n}
    whole, rest = divmod(sizes[streamed], tile)
    total = 0
    for length, times in ((tile, whole), (rest, 1)):
        if length and times:
            piece = {**sizes, streamed: length}
            total += times * engine.count(Gemm(piece["m"], piece["k"], piece["n"], gemm.groups)).cycles
    return total


def _shared_out(weights: np.ndarray, total: int) -> np.ndarray:
    """total cut into whole parts in proportion to weights; what rounding leaves goes to the last."""
    everything = int(weights.sum())
    if everything == total:
        return weights
    parts = (weights * (total / everything)).astype(np.int64)
    parts[-1] += total - int(parts.sum())
    return parts


def vector_stream(
    load_bytes: tuple[int, int], store_bytes: int, lane_cycles: float, hardware: Hardware
) -> TileStream:
    """An element-wise layer in equal pieces: data in, through the lanes, and out.

    load_bytes are activations and weights; a piece fits half of its buffer.
    """
    halves = [capacity // 2 for capacity in hardware.sram.operand_bytes]
    needed = [ceil(size / half) for size, half in zip((*load_bytes, store_bytes), halves, strict=True)]
    steps = max(VECTOR_STEPS, *needed)
    loads = np.stack([_even(load_bytes[0], steps), _even(load_bytes[1], steps), np.zeros(steps, np.int64)], axis=1)
    cycles = _even(ceil(lane_cycles / hardware.vector.lanes), steps)
    if lane_cycles:
        cycles[-1] += hardware.vector.latency_cycles
    stores = _even(store_bytes, steps)
    return TileStream(loads, stores, np.ones((steps, 3), bool), np.zeros(steps, np.int64), cycles)


def _even(total: int, parts: int) -> np.ndarray:
    """total in whole parts that differ by one at most."""
    edges = [total * part // parts for part in range(parts + 1)]
    return np.diff(np.array(edges, dtype=np.int64))
