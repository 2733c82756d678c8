"""The stream of steps of a mapped product, and of an element-wise layer."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.engines.base import Engine
from accelsim.engines.counts import ActionCounts
from accelsim.hardware import ACCUMULATOR_BITS, Hardware, VectorUnit
from accelsim.mapping.footprint import (
    count_bias_bytes,
    count_ifmap_channels,
    count_ifmap_pixels,
    count_read_pixels,
    count_weight_bytes,
    find_first_pixels,
    list_tile_lengths,
    round_to_bytes,
)
from accelsim.mapping.mapping import ALONE, MOST_STEPS, Context, Mapping
from accelsim.memory.sram import Room
from accelsim.memory.stream import IFMAP, OFMAP, WEIGHT, TileStream
from accelsim.workload.gemm import INT64_MAX, Gemm

if TYPE_CHECKING:
    from accelsim.kernels.tile_stream import Layout, Nest

ALIGNED = 4096  # a tensor begins at a multiple of this address, bytes
VECTOR_STEPS = 16  # pieces of an element-wise layer: enough of them to overlap transfers with work


def build_gemm_stream(
    gemm: Gemm,
    mapping: Mapping,
    hardware: Hardware,
    engine: Engine,
    engine_cycles: int,
    lane_cycles_per_output: Fraction,
    context: Context = ALONE,
) -> TileStream:
    """Build the steps of a product in the mapping's loop order, group by group; data already on chip do not move.

    The engine_cycles of the whole product are divided among the steps in proportion to passes x streamed vectors.
    lane_cycles_per_output is the time of one output's element-wise work on one vector lane.

    Raises: UserError where the element-wise work of a step overflows a 64-bit count.
    """
    from accelsim.kernels.tile_stream import unroll

    nest = _build_nest(gemm, mapping, hardware, engine, lane_cycles_per_output, context)
    loads, stores, fresh, work, vector, addresses = unroll(nest)
    results, sums = stores.T
    loads[:, IFMAP] = take_share(loads[:, IFMAP], context.loaded_share)
    results = take_share(results, context.stored_share)
    ahead = int(loads[0, WEIGHT]) * context.ahead
    loads[0, WEIGHT] -= ahead
    if lane_cycles_per_output:
        vector[-1] += hardware.vector.latency_cycles
    return TileStream(
        loads,
        results + sums,
        fresh,
        _divide_in_proportion(work, engine_cycles),
        vector,
        addresses=addresses if _has_addresses(hardware) else None,
        ahead_bytes=ahead,
        halves=hardware.sram.halves,
    )


def _has_addresses(hardware: Hardware) -> bool:
    """Whether the simulation of the DRAM looks at addresses."""
    return hardware.dram.effective_fidelity != "ideal"


def _build_nest(
    gemm: Gemm,
    mapping: Mapping,
    hardware: Hardware,
    engine: Engine,
    lane_cycles_per_output: Fraction,
    context: Context,
) -> Nest:
    """The loop nest of a mapped product in the form that the kernel unrolls."""
    from accelsim.kernels.tile_stream import Nest

    above, below = lane_cycles_per_output.numerator, lane_cycles_per_output.denominator * hardware.vector.lanes
    in_step = list_tile_lengths(gemm.groups, mapping.groups)
    _refuse_overflow(mapping.tile_m * mapping.tile_n * int(in_step.max()), above)
    depths, sum_bits = list_tile_lengths(gemm.k, mapping.tile_k), ACCUMULATOR_BITS[engine.description.precision]
    return Nest(
        sizes=np.array([gemm.m, gemm.n, gemm.k]),
        tiles=np.array(mapping[:3]),
        order=np.array(["mnk".index(letter) for letter in mapping.order]),
        kept=np.array(mapping.kept),
        groups=in_step,
        pixels=count_ifmap_pixels(gemm, mapping.tile_m),
        channels=count_ifmap_channels(gemm, mapping.tile_k),
        column_bits=np.asarray(gemm.weight_column_bits(depths), dtype=np.int64) * (not context.resident_bytes),
        bias_bytes=count_bias_bytes(gemm, 1) * (not context.resident_bytes),
        activation_bits=gemm.activation_bits * (not context.there_bytes),
        sum_bits=sum_bits,
        output_bits=gemm.output_bits * context.stored,
        grain=np.array(engine.grain),
        streamed="mnk".index(engine.streamed),
        lanes=np.array([above, below]),
        layout=_build_layout(gemm, mapping, sum_bits) if _has_addresses(hardware) else _build_empty_layout(),
    )


def take_share(nbytes: np.ndarray, share: Fraction) -> np.ndarray:
    """Multiply each entry of int64[steps] by a share such that only the sum of all is rounded up; int64[steps]."""
    if share == 1:
        return nbytes
    running = np.cumsum(nbytes).astype(object) * share.numerator  # Python's integers
    return np.diff(np.asarray(ceil_div(running, share.denominator), dtype=np.int64), prepend=0)


def _build_layout(gemm: Gemm, mapping: Mapping, sum_bits: int) -> Layout:
    """Place weights, then ifmap, then ofmap, from address 0."""
    from accelsim.kernels.tile_stream import Layout

    channels = count_ifmap_channels(gemm, mapping.tile_k)
    tiles_m, tiles_n = ceil_div(gemm.m, mapping.tile_m), ceil_div(gemm.n, mapping.tile_n)
    tiles_k = channels.size
    spills = tiles_k > 1 and not mapping.kept[OFMAP]
    weights = int(count_weight_bytes(gemm, mapping.tile_k, mapping.tile_n)) + int(
        count_bias_bytes(gemm, mapping.tile_n)
    )
    results = int(round_to_bytes(mapping.tile_m * mapping.tile_n, max(sum_bits * spills, gemm.output_bits)))
    pixels = count_read_pixels(gemm)
    ifmap = int(round_to_bytes(pixels * int(channels.sum()), gemm.activation_bits))
    group = np.array([ifmap, weights * tiles_k * tiles_n, results * tiles_m * tiles_n])
    sizes = ceil_div(group * gemm.groups, ALIGNED) * ALIGNED
    return Layout(
        first_pixel=find_first_pixels(gemm, mapping.tile_m),
        first_channel=np.cumsum(channels) - channels,
        pixels=pixels,
        slots=np.array([0, weights, results]),
        group=group,
        bases=np.array([sizes[WEIGHT], 0, sizes[WEIGHT] + sizes[IFMAP]]),
    )


def _build_empty_layout() -> Layout:
    """A layout without addresses, for a DRAM that does not look at them."""
    from accelsim.kernels.tile_stream import Layout

    none, nothing = np.zeros(0, np.int64), np.zeros(3, np.int64)
    return Layout(none, none, 0, nothing, nothing, nothing)


def count_vector_cycles(outputs: np.ndarray, lane_cycles_per_output: Fraction, unit: VectorUnit) -> np.ndarray:
    """Count whole vector unit cycles for tiles of these outputs, int64[n], in exact integers; int64[n].

    Raises: UserError where the count overflows 64 bits.
    """
    above, below = lane_cycles_per_output.numerator, lane_cycles_per_output.denominator * unit.lanes
    if outputs.size:
        _refuse_overflow(int(outputs.max()), above)
    return np.asarray(ceil_div(outputs * above, below))


def _refuse_overflow(outputs: int, above: int) -> None:
    """Raises: UserError where the vector work of a tile does not fit a 64-bit count."""
    if outputs * above > INT64_MAX:
        raise UserError(f"vector work of {outputs} outputs in one tile overflows a 64-bit count")


def continues_pass(tiles: np.ndarray, innermost: np.ndarray, engine: Engine) -> np.ndarray:
    """Find whether a pass continues from step to step where tiles cut the streamed dimension; bool[candidates].

    It does if a step is one pass and the cut loop is innermost. tiles are sizes along m, n, k, int64[3, candidates];
    innermost is the letter of each candidate's innermost loop, str[candidates].
    """
    held = [place for place, dimension in enumerate("mnk") if dimension != engine.streamed]
    one_pass = np.logical_and.reduce([tiles[place] <= engine.grain[place] for place in held])
    return np.asarray(one_pass & (innermost == engine.streamed))


def count_mapped(gemm: Gemm, mapping: Mapping, engine: Engine, alone: ActionCounts) -> ActionCounts:
    """Count a product under a mapping: the counts ``alone``, or more where tiles cut the streams of passes."""
    streamed = engine.streamed
    tiles = np.array(mapping[:3])
    if engine.holds_sums or continues_pass(tiles, np.array(mapping.order[2]), engine):
        return alone
    tile = {"m": mapping.tile_m, "n": mapping.tile_n, "k": mapping.tile_k}[streamed]
    size = {"m": gemm.m, "n": gemm.n, "k": gemm.k}[streamed]
    return alone if tile >= size else count_in_pieces(gemm, engine, streamed, tile)


def count_in_pieces(gemm: Gemm, engine: Engine, streamed: str, tile: int) -> ActionCounts:
    """Count a product whose streamed dimension is cut into tiles, each of which needs passes of its own."""
    sizes = {"m": gemm.m, "k": gemm.k, "n": gemm.n}
    whole, rest = divmod(sizes[streamed], tile)
    counts = ActionCounts()
    for length, times in ((tile, whole), (rest, 1)):
        if length and times:
            piece = {**sizes, streamed: length}
            counts += times * engine.count(Gemm(piece["m"], piece["k"], piece["n"], gemm.groups))
    return counts


def _divide_in_proportion(weights: np.ndarray, total: int) -> np.ndarray:
    """Divide a total into integers in proportion to weights, int64[n]; running sums are off by less than one."""
    everything, running = int(weights.sum()), np.cumsum(weights)
    if total * everything > INT64_MAX:
        running = running.astype(object)  # Python's integers
    return np.diff(np.asarray(running * total // everything, dtype=np.int64), prepend=0)


def build_vector_stream(
    load_bytes: tuple[int, int], store_bytes: int, lane_cycles: Fraction, hardware: Hardware, room: Room
) -> TileStream:
    """Build the steps of an element-wise layer: equal pieces that are loaded, processed by the lanes, and stored.

    load_bytes are the bytes of activations and of weights; lane_cycles is the time on one lane. A piece fits half of
    its buffer, or all of a buffer that is not halved.

    Raises: UserError where the layer needs more than MOST_STEPS pieces.
    """
    steps = count_vector_steps(load_bytes, store_bytes, room, hardware.sram.halves)
    if steps > MOST_STEPS:
        raise UserError(
            f"an element-wise layer of {sum(load_bytes) + store_bytes} bytes needs {steps} passes through"
            f" the buffers; at most {MOST_STEPS}"
        )
    loads = np.stack(
        [_divide_evenly(load_bytes[0], steps), _divide_evenly(load_bytes[1], steps), np.zeros(steps, np.int64)], axis=1
    )
    cycles = _divide_evenly(ceil(lane_cycles / hardware.vector.lanes), steps)
    if lane_cycles:
        cycles[-1] += hardware.vector.latency_cycles
    stores = _divide_evenly(store_bytes, steps)
    addresses = _place_pieces(loads, stores) if _has_addresses(hardware) else None
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


def _place_pieces(loads: np.ndarray, stores: np.ndarray) -> np.ndarray:
    """Addresses of pieces in the order of the steps, for activations, weights and results; int64[steps, 3]."""
    moved = np.stack((loads[:, IFMAP], loads[:, WEIGHT], stores), axis=1)
    sizes = ceil_div(moved.sum(axis=0), ALIGNED) * ALIGNED
    return np.asarray(np.cumsum(moved, axis=0) - moved + np.cumsum(sizes) - sizes)


def count_vector_steps(load_bytes: tuple[int, int], store_bytes: int, room: Room, halves: tuple[int, int, int]) -> int:
    """Count the pieces of an element-wise layer: enough for overlap, and for pieces to fit the buffers' halves."""
    parts = [held // half for held, half in zip(room.operands, halves, strict=True)]
    needed = [ceil_div(size, part) for size, part in zip((*load_bytes, store_bytes), parts, strict=True)]
    return max(VECTOR_STEPS, *needed)


def _divide_evenly(total: int, parts: int) -> np.ndarray:
    """Divide a total into integers that differ by one at most; int64[parts]."""
    edges = [total * part // parts for part in range(parts + 1)]
    return np.diff(np.array(edges, dtype=np.int64))
