"""A mapping, or a vector layer, unrolled into its stream of steps."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from accelsim.config import UserError
from accelsim.engines.base import Engine, ceil_div
from accelsim.engines.counts import ActionCounts
from accelsim.hardware import ACCUMULATOR_BITS, Hardware, VectorUnit
from accelsim.mapping.footprint import (
    all_pixels,
    bias_bytes,
    first_pixels,
    ifmap_channels,
    ifmap_pixels,
    lengths,
    to_bytes,
    weight_bytes,
)
from accelsim.mapping.mapping import ALONE, MOST_STEPS, Context, Mapping
from accelsim.memory.sram import Room
from accelsim.memory.stream import IFMAP, OFMAP, WEIGHT, TileStream
from accelsim.workload.gemm import INT64_MAX, Gemm

if TYPE_CHECKING:
    from accelsim.kernels.tile_stream import Layout

ALIGNED = 4096  # addresses at which a tensor may begin
VECTOR_STEPS = 16  # pieces of an element-wise layer: enough of them to overlap transfers with work


def gemm_stream(
    gemm: Gemm,
    mapping: Mapping,
    hardware: Hardware,
    engine: Engine,
    engine_cycles: int,
    lane_cycles_per_output: Fraction,
    context: Context = ALONE,
) -> TileStream:
    """Steps of a product in the mapping's loop order, group by group; what is on chip already is not moved.

    engine_cycles of the whole product are shared among the steps in proportion to passes times streamed vectors.
    """
    from accelsim.kernels.tile_stream import Nest, unroll

    placed = hardware.dram.effective_fidelity != "ideal"
    above, below = lane_cycles_per_output.numerator, lane_cycles_per_output.denominator * hardware.vector.lanes
    in_step = lengths(gemm.groups, mapping.groups)
    _refuse_overflow(mapping.tile_m * mapping.tile_n * int(in_step.max()), above)
    depths = lengths(gemm.k, mapping.tile_k)
    nest = Nest(
        sizes=np.array([gemm.m, gemm.n, gemm.k]),
        tiles=np.array(mapping[:3]),
        order=np.array(["mnk".index(letter) for letter in mapping.order]),
        kept=np.array(mapping.kept),
        groups=in_step,
        pixels=ifmap_pixels(gemm, mapping.tile_m),
        channels=ifmap_channels(gemm, mapping.tile_k),
        column_bits=np.asarray(gemm.weight_column_bits(depths), dtype=np.int64) * (not context.resident_bytes),
        bias_bytes=bias_bytes(gemm, 1) * (not context.resident_bytes),
        activation_bits=gemm.activation_bits * (not context.there_bytes),
        sum_bits=ACCUMULATOR_BITS[engine.description.precision],
        output_bits=gemm.output_bits * context.stored,
        grain=np.array(engine.grain),
        streamed="mnk".index(engine.streamed),
        lanes=np.array([above, below]),
        layout=_layout(gemm, mapping, ACCUMULATOR_BITS[engine.description.precision]) if placed else _nowhere(),
    )
    loads, stores, fresh, work, vector, addresses = unroll(nest)
    results, sums = stores.T
    loads[:, IFMAP], results = shared(loads[:, IFMAP], context.loaded_share), shared(results, context.stored_share)
    ahead = int(loads[0, WEIGHT]) * context.ahead
    loads[0, WEIGHT] -= ahead
    if lane_cycles_per_output:
        vector[-1] += hardware.vector.latency_cycles
    compute = _shared_out(work, engine_cycles)
    return TileStream(
        loads,
        results + sums,
        fresh,
        compute,
        vector,
        addresses=addresses if placed else None,
        ahead_bytes=ahead,
        halves=hardware.sram.halves,
    )


def shared(nbytes: np.ndarray, share: Fraction) -> np.ndarray:
    """A share of each of so many bytes, all together rounded up once."""
    if share == 1:
        return nbytes
    running = np.cumsum(nbytes).astype(object) * share.numerator  # Python's integers
    return np.diff(np.asarray(-(-running // share.denominator), dtype=np.int64), prepend=0)


def _layout(gemm: Gemm, mapping: Mapping, sum_bits: int) -> Layout:
    """Weights, then ifmap, then ofmap, from address 0."""
    from accelsim.kernels.tile_stream import Layout

    channels = ifmap_channels(gemm, mapping.tile_k)
    tiles_m, tiles_n = -(-gemm.m // mapping.tile_m), -(-gemm.n // mapping.tile_n)
    tiles_k = channels.size
    spills = tiles_k > 1 and not mapping.kept[OFMAP]
    weights = int(weight_bytes(gemm, mapping.tile_k, mapping.tile_n)) + int(bias_bytes(gemm, mapping.tile_n))
    results = int(to_bytes(mapping.tile_m * mapping.tile_n, max(sum_bits * spills, gemm.output_bits)))
    pixels = all_pixels(gemm)
    ifmap = int(to_bytes(pixels * int(channels.sum()), gemm.activation_bits))
    group = np.array([ifmap, weights * tiles_k * tiles_n, results * tiles_m * tiles_n])
    sizes = -(-group * gemm.groups // ALIGNED) * ALIGNED
    return Layout(
        first_pixel=first_pixels(gemm, mapping.tile_m),
        first_channel=np.cumsum(channels) - channels,
        pixels=pixels,
        slots=np.array([0, weights, results]),
        group=group,
        bases=np.array([sizes[WEIGHT], 0, sizes[WEIGHT] + sizes[IFMAP]]),
    )


def _nowhere() -> Layout:
    from accelsim.kernels.tile_stream import Layout

    none, nothing = np.zeros(0, np.int64), np.zeros(3, np.int64)
    return Layout(none, none, 0, nothing, nothing, nothing)


def vector_cycles(outputs: np.ndarray, lane_cycles_per_output: Fraction, unit: VectorUnit) -> np.ndarray:
    """Whole cycles of the vector unit for so many outputs at once; exact integer arithmetic."""
    above, below = lane_cycles_per_output.numerator, lane_cycles_per_output.denominator * unit.lanes
    if outputs.size:
        _refuse_overflow(int(outputs.max()), above)
    return np.asarray(-(-outputs * above // below))


def _refuse_overflow(outputs: int, above: int) -> None:
    if outputs * above > INT64_MAX:
        raise UserError(f"vector work of {outputs} outputs in one tile overflows a 64-bit count")


def pass_goes_on(tiles: np.ndarray, innermost: np.ndarray, engine: Engine) -> np.ndarray:
    """Whether cutting the streamed dimension leaves a pass in the engine: one pass a step, cut innermost.

    tiles are m, n, k, [3, candidates]; innermost names the innermost loop of each candidate.
    """
    held = [place for place, dimension in enumerate("mnk") if dimension != engine.streamed]
    one_pass = np.logical_and.reduce([tiles[place] <= engine.grain[place] for place in held])
    return np.asarray(one_pass & (innermost == engine.streamed))


def mapped_counts(gemm: Gemm, mapping: Mapping, engine: Engine, alone: ActionCounts) -> ActionCounts:
    """What the engine does under a mapping: as alone, and more where tiles cut the streams of its passes."""
    streamed = engine.streamed
    tiles = np.array(mapping[:3])
    if engine.holds_sums or pass_goes_on(tiles, np.array(mapping.order[2]), engine):
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
    load_bytes: tuple[int, int], store_bytes: int, lane_cycles: Fraction, hardware: Hardware, room: Room
) -> TileStream:
    """An element-wise layer in equal pieces: data in, through the lanes, and out.

    load_bytes are activations and weights; a piece fits half of its buffer, or all of it where it has no halves.
    """
    steps = vector_steps(load_bytes, store_bytes, room, hardware.sram.halves)
    if steps > MOST_STEPS:
        raise UserError(
            f"an element-wise layer of {sum(load_bytes) + store_bytes} bytes needs {steps} passes through"
            f" the buffers; at most {MOST_STEPS}"
        )
    loads = np.stack([_even(load_bytes[0], steps), _even(load_bytes[1], steps), np.zeros(steps, np.int64)], axis=1)
    cycles = _even(ceil(lane_cycles / hardware.vector.lanes), steps)
    if lane_cycles:
        cycles[-1] += hardware.vector.latency_cycles
    stores = _even(store_bytes, steps)
    addresses = None if hardware.dram.effective_fidelity == "ideal" else _one_after_another(loads, stores)
    nothing = np.zeros(steps, np.int64)
    return TileStream(
        loads,
        stores,
        np.ones((steps, 3), bool),
        nothing,
        cycles,
        lanes_only=True,
        addresses=addresses,
        halves=hardware.sram.halves,
    )


def _one_after_another(loads: np.ndarray, stores: np.ndarray) -> np.ndarray:
    """Addresses of pieces that lie in the order of the steps: activations, weights, results."""
    moved = np.stack((loads[:, IFMAP], loads[:, WEIGHT], stores), axis=1)
    sizes = -(-moved.sum(axis=0) // ALIGNED) * ALIGNED
    return np.asarray(np.cumsum(moved, axis=0) - moved + np.cumsum(sizes) - sizes)


def vector_steps(load_bytes: tuple[int, int], store_bytes: int, room: Room, halves: tuple[int, int, int]) -> int:
    """Pieces of an element-wise layer: as many as its overlap or its buffers' halves want."""
    parts = [held // half for held, half in zip(room.operands, halves, strict=True)]
    needed = [ceil_div(size, part) for size, part in zip((*load_bytes, store_bytes), parts, strict=True)]
    return max(VECTOR_STEPS, *needed)


def _even(total: int, parts: int) -> np.ndarray:
    """total in whole parts that differ by one at most."""
    edges = [total * part // parts for part in range(parts + 1)]
    return np.diff(np.array(edges, dtype=np.int64))
