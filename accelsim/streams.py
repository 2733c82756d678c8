"""A mapping, or a vector layer, unrolled into its stream of steps."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from accelsim.config import UserError
from accelsim.counts import ActionCounts
from accelsim.engines.base import Engine
from accelsim.footprint import bias_bytes, ifmap_channels, ifmap_pixels, lengths, to_bytes, weight_bytes
from accelsim.hardware import ACCUMULATOR_BITS, AnyEngine, Hardware, OperandSrams, VectorUnit
from accelsim.lowering import INT64_MAX, Gemm
from accelsim.tiles import IFMAP, MOST_STEPS, OFMAP, WEIGHT, Mapping, TileStream

VECTOR_STEPS = 16  # pieces of an element-wise layer: enough of them to overlap transfers with work


def gemm_stream(
    gemm: Gemm, mapping: Mapping, hardware: Hardware, engine_cycles: int, lane_cycles_per_output: Fraction
) -> TileStream:
    """Steps of a product in the mapping's loop order, group by group.

    engine_cycles of the whole product are shared among the steps in proportion to passes times streamed vectors.
    """
    at, sizes = _steps(gemm, mapping)
    m, n, k = (sizes[d][at[d]] for d in "mnk")
    first = {d: at[d] == 0 for d in "mnk"}
    last_k = at["k"] == len(sizes["k"]) - 1
    pixels, channels = ifmap_pixels(gemm, mapping.tile_m)[at["m"]], ifmap_channels(gemm, mapping.tile_k)[at["k"]]
    ifmap = to_bytes(pixels * channels, gemm.activation_bits)
    outputs = m * n
    sums = to_bytes(outputs, ACCUMULATOR_BITS[hardware.engine.precision])
    weights = weight_bytes(gemm, k, n) + np.where(first["k"], bias_bytes(gemm, n), 0)
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
    passes = _passes(gemm, hardware, at, sizes)
    in_step = lengths(gemm.groups, mapping.groups)
    vector = np.concatenate(
        [np.where(last_k, vector_cycles(outputs * g, lane_cycles_per_output, hardware.vector), 0) for g in in_step]
    )
    if lane_cycles_per_output:
        vector[-1] += hardware.vector.latency_cycles
    return TileStream(
        np.concatenate([loads * g for g in in_step]),
        np.concatenate([stores * g for g in in_step]),
        np.tile(fresh, (len(in_step), 1)),
        _shared_out(np.concatenate([passes * g for g in in_step]), engine_cycles),
        vector,
    )


def vector_cycles(outputs: np.ndarray, lane_cycles_per_output: Fraction, unit: VectorUnit) -> np.ndarray:
    """Whole cycles of the vector unit for so many outputs at once; exact integer arithmetic."""
    above, below = lane_cycles_per_output.numerator, lane_cycles_per_output.denominator * unit.lanes
    if outputs.size and int(outputs.max()) * above > INT64_MAX:
        raise UserError(f"vector work of {int(outputs.max())} outputs in one tile overflows a 64-bit count")
    return np.asarray(-(-outputs * above // below))


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


def _passes(gemm: Gemm, hardware: Hardware, at: dict[str, np.ndarray], sizes: dict[str, np.ndarray]) -> np.ndarray:
    """Passes of the engine times vectors streamed, for each step of one group: its share of the cycles."""
    engine = hardware.engine
    weights = np.ones(at["m"].shape, np.int64)
    for dimension, grain in zip("mnk", engine.grain, strict=True):
        length = sizes[dimension][at[dimension]]
        weights *= length if dimension == engine.streamed else -(-length // grain)
    return weights


def pass_goes_on(tiles: np.ndarray, innermost: np.ndarray, engine: AnyEngine) -> np.ndarray:
    """Whether cutting the streamed dimension leaves a pass in the engine: one pass a step, cut innermost.

    tiles are m, n, k, [3, candidates]; innermost names the innermost loop of each candidate.
    """
    held = [place for place, dimension in enumerate("mnk") if dimension != engine.streamed]
    one_pass = np.logical_and.reduce([tiles[place] <= engine.grain[place] for place in held])
    return np.asarray(one_pass & (innermost == engine.streamed))


def mapped_counts(
    gemm: Gemm, mapping: Mapping, hardware: Hardware, engine: Engine, alone: ActionCounts
) -> ActionCounts:
    """What the engine does under a mapping: as alone, and more where tiles cut the streams of its passes."""
    streamed = hardware.engine.streamed
    tiles = np.array(mapping[:3])
    if hardware.engine.holds_sums or pass_goes_on(tiles, np.array(mapping.order[2]), hardware.engine):
        return alone
    tile = {"m": mapping.tile_m, "n": mapping.tile_n, "k": mapping.tile_k}[streamed]
    size = {"m": gemm.m, "n": gemm.n, "k": gemm.k}[streamed]
    return alone if tile >= size else counts_in_pieces(gemm, engine, streamed, tile)


def counts_in_pieces(gemm: Gemm, engine: Engine, streamed: str, tile: int) -> ActionCounts:
    """What the engine does when the streamed dimension is cut and every piece pays for its own passes."""
    sizes = {"m": gemm.m, "k": gemm.k, "n": gemm.n}
    whole, rest = divmod(sizes[streamed], tile)
    counts = ActionCounts()
    for length, times in ((tile, whole), (rest, 1)):
        if length and times:
            piece = {**sizes, streamed: length}
            counts += times * engine.count(Gemm(piece["m"], piece["k"], piece["n"], gemm.groups))
    return counts


def _shared_out(weights: np.ndarray, total: int) -> np.ndarray:
    """total cut into whole parts in proportion to weights, the running sum never off by a whole cycle."""
    everything, running = int(weights.sum()), np.cumsum(weights)
    if total * everything > INT64_MAX:
        running = running.astype(object)  # Python's integers
    return np.diff(np.asarray(running * total // everything, dtype=np.int64), prepend=0)


def vector_stream(
    load_bytes: tuple[int, int], store_bytes: int, lane_cycles: Fraction, hardware: Hardware
) -> TileStream:
    """An element-wise layer in equal pieces: data in, through the lanes, and out.

    load_bytes are activations and weights; a piece fits half of its buffer.
    """
    steps = vector_steps(load_bytes, store_bytes, hardware.sram)
    if steps > MOST_STEPS:
        raise UserError(f"an element-wise layer of {sum(load_bytes) + store_bytes} bytes needs {steps} passes through"
                        f" the buffers; at most {MOST_STEPS}")  # fmt: skip
    loads = np.stack([_even(load_bytes[0], steps), _even(load_bytes[1], steps), np.zeros(steps, np.int64)], axis=1)
    cycles = _even(ceil(lane_cycles / hardware.vector.lanes), steps)
    if lane_cycles:
        cycles[-1] += hardware.vector.latency_cycles
    stores = _even(store_bytes, steps)
    return TileStream(loads, stores, np.ones((steps, 3), bool), np.zeros(steps, np.int64), cycles, lanes_only=True)


def vector_steps(load_bytes: tuple[int, int], store_bytes: int, sram: OperandSrams) -> int:
    """Pieces of an element-wise layer: as many as its overlap or its buffers' halves want."""
    halves = [capacity // 2 for capacity in sram.operand_bytes]
    needed = [-(-size // half) for size, half in zip((*load_bytes, store_bytes), halves, strict=True)]
    return max(VECTOR_STEPS, *needed)


def _even(total: int, parts: int) -> np.ndarray:
    """total in whole parts that differ by one at most."""
    edges = [total * part // parts for part in range(parts + 1)]
    return np.diff(np.array(edges, dtype=np.int64))
