"""A mapping, or a vector layer, unrolled into its stream of steps."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from accelsim.config import UserError
from accelsim.counts import ActionCounts
from accelsim.engines.base import Engine
from accelsim.footprint import bias_bytes, ifmap_channels, ifmap_pixels, lengths
from accelsim.hardware import ACCUMULATOR_BITS, AnyEngine, Hardware, OperandSrams, VectorUnit
from accelsim.lowering import INT64_MAX, Gemm
from accelsim.tiles import MOST_STEPS, Mapping, TileStream

VECTOR_STEPS = 16  # pieces of an element-wise layer: enough of them to overlap transfers with work


def gemm_stream(
    gemm: Gemm, mapping: Mapping, hardware: Hardware, engine_cycles: int, lane_cycles_per_output: Fraction
) -> TileStream:
    """Steps of a product in the mapping's loop order, group by group.

    engine_cycles of the whole product are shared among the steps in proportion to passes times streamed vectors.
    """
    from accelsim.kernels.unroll import Nest, unroll

    engine = hardware.engine
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
        column_bits=np.asarray(gemm.weight_column_bits(depths), dtype=np.int64),
        bias_bytes=bias_bytes(gemm, 1),
        activation_bits=gemm.activation_bits,
        sum_bits=ACCUMULATOR_BITS[engine.precision],
        output_bits=gemm.output_bits,
        grain=np.array(engine.grain),
        streamed="mnk".index(engine.streamed),
        lanes=np.array([above, below]),
    )
    loads, stores, fresh, work, vector = unroll(nest)
    if lane_cycles_per_output:
        vector[-1] += hardware.vector.latency_cycles
    return TileStream(loads, stores, fresh, _shared_out(work, engine_cycles), vector)


def vector_cycles(outputs: np.ndarray, lane_cycles_per_output: Fraction, unit: VectorUnit) -> np.ndarray:
    """Whole cycles of the vector unit for so many outputs at once; exact integer arithmetic."""
    above, below = lane_cycles_per_output.numerator, lane_cycles_per_output.denominator * unit.lanes
    if outputs.size:
        _refuse_overflow(int(outputs.max()), above)
    return np.asarray(-(-outputs * above // below))


def _refuse_overflow(outputs: int, above: int) -> None:
    if outputs * above > INT64_MAX:
        raise UserError(f"vector work of {outputs} outputs in one tile overflows a 64-bit count")


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
