"""Candidates of the mapping search: tile sizes and loop orders, and the bytes that each of them moves and holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial
from itertools import permutations
from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.engines.base import Engine
from accelsim.hardware import ACCUMULATOR_BITS, VectorUnit
from accelsim.mapping.footprint import count_ifmap_channels, count_ifmap_pixels
from accelsim.mapping.mapping import MOST_STEPS
from accelsim.mapping.streams import continues_pass, count_in_pieces, count_vector_cycles
from accelsim.workload.gemm import Gemm
from accelsim.workload.layers import GivenMapping

ORDERS = tuple("".join(order) for order in permutations("mnk"))
IRRELEVANT = ("n", "m", "k")  # the loop that ifmap, weight and ofmap tiles do not depend on
NO_LANES = [1, 0, 2]  # the same loops as indices into m, n, k


class Candidates(NamedTuple):
    """One column per combination of tile sizes and loop order; operands: ifmap, weight, ofmap; bytes of one group."""

    tiles: np.ndarray  #: int64[3, n]: tile sizes along m, n, k
    loops: np.ndarray  #: int64[3, n]: trip counts of the loops over m, n, k
    order: np.ndarray  #: int64[n]: loop order as an index into ORDERS
    place: np.ndarray  #: int64[3, n]: depth of the loop that an operand does not depend on, 0 for the outermost
    tile_bytes: np.ndarray  #: int64[3, n]: bytes of one tile of each operand
    kept_bytes: np.ndarray  #: int64[3, n]: bytes that the buffer holds where the operand is kept
    moved_bytes: np.ndarray  #: int64[3, n]: bytes of each operand that one pass over all tiles moves
    engine_cycles: np.ndarray  #: float64[n]: engine cycles of all groups
    vector_cycles: np.ndarray  #: float64[n]: vector unit cycles of all groups
    allowed: np.ndarray  #: bool[n]: whether the engine can run the candidate

    @property
    def tile_count(self) -> np.ndarray:
        """Numbers of ifmap, weight and ofmap tiles in one group; float64[3, n]."""
        m, n, k = self.loops.astype(float)
        return np.stack([m * k, k * n, m * n])


def list_tile_sizes(size: int, grain: int, rows: int = 1) -> list[int]:
    """List tile sizes to try along a dimension, descending: the whole, then repeated halves in whole grains or rows."""
    sizes = {size}
    for unit in {rows * grain, grain}:
        count = ceil_div(size, unit)
        while size <= count * unit * MOST_STEPS:  # with finer tiles there would be too many steps
            sizes.add(min(size, count * unit))
            if count == 1:
                break
            count = ceil_div(count, 2)
    return sorted(sizes, reverse=True)


def list_candidates(
    gemm: Gemm,
    vector: VectorUnit,
    engine: Engine,
    engine_cycles: int,
    lane_cycles_per_output: Fraction,
    given: GivenMapping | None = None,
) -> Candidates:
    """List all candidates, or those with the given tiles; ones that the engine cannot run are marked as not allowed.

    engine_cycles are the engine's cycles for the whole product if no tile cuts its streams.

    Raises: UserError for given tiles that are larger than the product or no whole passes of the engine, and for a
        given order in which unfinished sums would leave an engine that holds them.
    """
    sizes = dict(zip("mnk", (gemm.m, gemm.n, gemm.k), strict=True))
    grain = dict(zip("mnk", engine.grain, strict=True))
    row = gemm.convolution.out_width if gemm.convolution and grain["m"] == 1 else 1
    rungs = {d: list_tile_sizes(sizes[d], grain[d], row if d == "m" else 1) for d in "mnk"}
    if given is not None:
        rungs = {d: [_check_given(d, getattr(given, d), sizes[d], grain[d])] for d in "mnk"}
    picks = [a.reshape(-1) for a in np.meshgrid(*(range(len(rungs[d])) for d in "mnk"), range(6), indexing="ij")]
    order = picks[3]
    tiles = np.stack([np.array(rungs[d], dtype=np.int64)[pick] for d, pick in zip("mnk", picks, strict=False)])
    loops = ceil_div(np.array([[sizes[d]] for d in "mnk"]), tiles)
    place = np.array([[text.index(d) for text in ORDERS] for d in IRRELEVANT])[:, order]
    tile_bytes, kept_bytes, moved_bytes = _bytes(gemm, engine, rungs, picks, order)
    streamed = "mnk".index(engine.streamed)
    free = (loops[streamed] == 1) | continues_pass(tiles, np.array([text[2] for text in ORDERS])[order], engine)
    cycles = np.full(order.shape, float(engine_cycles))
    if not engine.holds_sums:
        pieces = [count_in_pieces(gemm, engine, engine.streamed, tile).cycles for tile in rungs[engine.streamed]]
        cycles = np.where(free, cycles, np.array(pieces, dtype=float)[picks[streamed]])
    allowed = free if engine.holds_sums else np.ones_like(free)
    if given is not None:
        if not allowed[ORDERS.index(given.order)]:
            raise UserError(f"mapping: order: {given.order} would take unfinished sums out of the engine; k innermost")
        allowed = allowed & (order == ORDERS.index(given.order))
    per_tile = count_vector_cycles(tiles[0] * tiles[1], lane_cycles_per_output, vector)
    lanes = per_tile * loops[0].astype(float) * loops[1] * gemm.groups
    return Candidates(tiles, loops, order, place, tile_bytes, kept_bytes, moved_bytes, cycles, lanes, allowed)


def _check_given(dimension: str, tile: int, size: int, grain: int) -> int:
    """Return a given tile size. Raises: UserError where it is larger than the product, or no whole passes."""
    if tile > size or (tile < size and tile % grain):
        passes = f", or a multiple of the engine's {grain} below it" if grain < size else ""
        allowed = f"at most {size}" if grain == 1 else f"{size}{passes}"
        raise UserError(f"mapping: {dimension}: should be {allowed}, got {tile}")
    return tile


def _bytes(
    gemm: Gemm, engine: Engine, rungs: dict[str, list[int]], picks: list[np.ndarray], order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes of one tile, of the kept tiles, and of one pass over all tiles; each int64[3, n] for the operands."""
    pm, pn, pk = picks[:3]
    m, n, k = (np.array(rungs[d], dtype=np.int64)[p] for d, p in zip("mnk", (pm, pn, pk), strict=True))
    # to keep an operand is to hold the tiles of all loops inside the loop that it does not depend on
    order_of = np.array([[text.index(d) for d in "mnk"] for text in ORDERS])[order]
    inside = {(x, d): order_of[:, "mnk".index(d)] > order_of[:, "mnk".index(x)] for x in "mnk" for d in "mnk"}

    largest, area = _each(rungs["m"], partial(_pixels, gemm))
    deepest, depth = _each(rungs["k"], partial(_channels, gemm))
    kept_pixels = np.where(inside["n", "m"], _pixels(gemm, gemm.m)[0], largest[pm])
    kept_channels = np.where(inside["n", "k"], _channels(gemm, gemm.k)[0], deepest[pk])
    wide = ACCUMULATOR_BITS[engine.description.precision]
    sum_bits = np.where(_accumulates_on_chip(engine, k, gemm.k), wide, gemm.output_bits)
    whole = {d: np.where(inside["m", d], size, tile) for d, size, tile in (("n", gemm.n, n), ("k", gemm.k, k))}
    over_k = {d: np.where(inside["k", d], size, tile) for d, size, tile in (("m", gemm.m, m), ("n", gemm.n, n))}
    a, weights = gemm.activation_bits, gemm.weight_column_bits
    tile = [largest[pm] * deepest[pk] * a, weights(k) * n, m * n * sum_bits]
    kept = [kept_pixels * kept_channels * a, weights(whole["k"]) * whole["n"], over_k["m"] * over_k["n"] * sum_bits]
    # narrow operands: every tile inside is rounded up to whole bytes by itself
    count = {d: ceil_div(size, tile) for d, size, tile in (("m", gemm.m, m), ("n", gemm.n, n), ("k", gemm.k, k))}
    for place, (idle, letters, bits) in enumerate((("n", "mk", a), ("m", "kn", gemm.stored_weight_bits))):
        if bits % 8:
            kept[place] = kept[place] + 7 * math.prod(np.where(inside[idle, d], count[d], 1) for d in letters)
    out = np.full_like(m, gemm.m * gemm.n * gemm.output_bits)
    moved = [area[pm] * depth[pk] * a, np.full_like(m, weights(gemm.k) * gemm.n), out]
    return tuple(ceil_div(np.stack(bits), 8) for bits in (tile, kept, moved))  # type: ignore[return-value]


def _each(tiles: list[int], sizes: Callable[[int], tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """The largest extent and the sum of extents for each tile size; int64[tile sizes] each."""
    largest, total = zip(*map(sizes, tiles), strict=True)
    return np.array(largest), np.array(total)


@lru_cache(maxsize=1 << 14)
def _pixels(gemm: Gemm, tile: int) -> tuple[int, int]:
    """Raw input pixels of the largest tile, and of all tiles together, for tiles of this many output pixels."""
    pixels = count_ifmap_pixels(gemm, tile)
    return int(pixels.max()), int(pixels.sum())


@lru_cache(maxsize=1 << 14)
def _channels(gemm: Gemm, tile: int) -> tuple[int, int]:
    """Input channels of the largest tile, and of all tiles together, for tiles of this many reduction indices."""
    channels = count_ifmap_channels(gemm, tile)
    return int(channels.max()), int(channels.sum())


def _accumulates_on_chip(engine: Engine, tile_k: np.ndarray, k: int) -> np.ndarray:
    """Whether sums wait in the ofmap buffer at accumulator width, since K takes several passes or tiles; bool[n]."""
    if engine.holds_sums:
        return np.zeros(tile_k.shape, bool)
    return np.asarray((tile_k < k) | (tile_k > engine.grain[2]))
