"""The search for tile sizes and loop orders: every candidate that fits the buffers is weighed at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.engines.base import Engine
from accelsim.footprint import ifmap_channels, ifmap_pixels
from accelsim.hardware import ACCUMULATOR_BITS, Hardware
from accelsim.lowering import Gemm
from accelsim.memory.dram import latency_cycles
from accelsim.memory.sram import fits, shortage
from accelsim.streams import counts_in_pieces, pass_goes_on, vector_cycles
from accelsim.tiles import MOST_STEPS, PREFERRED_STEPS, Mapping

ORDERS = tuple("".join(order) for order in permutations("mnk"))
IRRELEVANT = ("n", "m", "k")  # the loop that ifmap, weight and ofmap tiles do not depend on
IDLE = [1, 0, 2]  # the same as places in m, n, k
LEAST_STEPS = 8  # where groups are batched into steps: enough of them to overlap loads with computation


class Candidates(NamedTuple):
    """One column per combination of tile sizes and loop order; sizes in bytes of one group."""

    tiles: np.ndarray  #: int64[3, n]: m, n, k
    loops: np.ndarray  #: int64[3, n]: trip counts of the same
    order: np.ndarray  #: int64[n], into ORDERS
    place: np.ndarray  #: int64[3, n]: how deep each operand's irrelevant loop stands, 0 outermost
    tile_bytes: np.ndarray  #: int64[3, n]
    kept_bytes: np.ndarray  #: int64[3, n]: what the buffer holds where the operand is kept
    moved_bytes: np.ndarray  #: int64[3, n]: traffic of one pass
    compute_cycles: np.ndarray  #: float64[n], all groups
    vector_cycles: np.ndarray  #: float64[n], all groups
    allowed: np.ndarray  #: bool[n]

    @property
    def tile_count(self) -> np.ndarray:
        """float64[3, n]: tiles of ifmap, weight and ofmap in one group."""
        m, n, k = self.loops.astype(float)
        return np.stack([m * k, k * n, m * n])


@lru_cache(maxsize=4096)
def find(
    gemm: Gemm, hardware: Hardware, engine: Engine, engine_cycles: int, lane_cycles_per_output: Fraction
) -> Mapping:
    """The mapping with the least (estimated cycles) x (DRAM bytes): delay times traffic, near to delay times energy.

    Raises: UserError naming the buffer and the shortage where not even the smallest tiles fit.
    """
    candidates = _candidates(gemm, hardware, engine, engine_cycles, lane_cycles_per_output)
    tiles = candidates.loops.astype(float).prod(axis=0)
    steps = np.where(tiles == 1, 1.0, tiles * gemm.groups)  # whole groups are batched into steps
    best = _best(candidates, candidates.allowed & (steps <= PREFERRED_STEPS), gemm, hardware) or _best(
        candidates, candidates.allowed & (steps <= MOST_STEPS), gemm, hardware
    )
    if best is None:
        raise _unmappable(candidates, gemm, hardware)
    column, (ifmap, weight, ofmap) = best
    m, n, k = (int(size) for size in candidates.tiles[:, column])
    mapping = Mapping(m, n, k, ORDERS[candidates.order[column]], (bool(ifmap), bool(weight), bool(ofmap)))
    return mapping._replace(groups=_groups_per_step(candidates, column, gemm, hardware))


def _unmappable(candidates: Candidates, gemm: Gemm, hardware: Hardware) -> UserError:
    what = f"a product of M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}"
    smallest = _residency(candidates, gemm, hardware, np.zeros((3, 1), bool))[1]
    finest = np.minimum([gemm.m, gemm.n, gemm.k], hardware.engine.grain)
    too_many = (candidates.tiles.min(axis=1) > finest).any()  # the ladder stopped above single grains
    if too_many or (fits(smallest, hardware.sram) & candidates.allowed).any():
        return UserError(f"{what} needs more than {MOST_STEPS} tiles of this hardware's buffers; make it smaller")
    column = int(np.argmin(np.where(candidates.allowed, smallest.sum(axis=0), np.iinfo(np.int64).max)))
    return shortage(smallest[:, column], hardware.sram, what)


def _best(
    candidates: Candidates, allowed: np.ndarray, gemm: Gemm, hardware: Hardware
) -> tuple[int, np.ndarray] | None:
    """The best candidate that fits and what it keeps; a shared buffer may keep any of the operands, or none."""
    best: tuple[float, int, np.ndarray] | None = None
    choices = [(True, True, True)] if not hardware.sram.shared else list(product((True, False), repeat=3))
    for wanted in choices:
        kept, held, contents = _residency(candidates, gemm, hardware, np.array(wanted)[:, None])
        fit = fits(held, hardware.sram) & allowed
        score = np.where(fit, _score(candidates, kept, contents, gemm, hardware), np.inf)
        column = int(np.argmin(score))
        if fit[column] and (best is None or score[column] < best[0]):
            best = (float(score[column]), column, kept[:, column])
    return best[1:] if best else None


def ladder(size: int, grain: int, rows: int = 1) -> list[int]:
    """Tile sizes to try along a dimension: all of it, then halves in whole grains and, where m has them, rows."""
    sizes = {size}
    for unit in {rows * grain, grain}:
        count = -(-size // unit)
        while size <= count * unit * MOST_STEPS:  # finer tiles than that would be too many
            sizes.add(min(size, count * unit))
            if count == 1:
                break
            count = -(-count // 2)
    return sorted(sizes, reverse=True)


def _candidates(
    gemm: Gemm, hardware: Hardware, engine: Engine, engine_cycles: int, lane_cycles_per_output: Fraction
) -> Candidates:
    array = hardware.engine
    sizes = dict(zip("mnk", (gemm.m, gemm.n, gemm.k), strict=True))
    grain = dict(zip("mnk", array.grain, strict=True))
    row = gemm.convolution.out_width if gemm.convolution and grain["m"] == 1 else 1
    rungs = {d: ladder(sizes[d], grain[d], row if d == "m" else 1) for d in "mnk"}
    picks = [a.reshape(-1) for a in np.meshgrid(*(range(len(rungs[d])) for d in "mnk"), range(6), indexing="ij")]
    order = picks[3]
    tiles = np.stack([np.array(rungs[d], dtype=np.int64)[pick] for d, pick in zip("mnk", picks, strict=False)])
    loops = -(-np.array([[sizes[d]] for d in "mnk"]) // tiles)
    place = np.array([[text.index(d) for text in ORDERS] for d in IRRELEVANT])[:, order]
    tile_bytes, kept_bytes, moved_bytes = _bytes(gemm, hardware, rungs, picks, order)
    streamed = "mnk".index(array.streamed)
    free = (loops[streamed] == 1) | pass_goes_on(tiles, np.array([text[2] for text in ORDERS])[order], hardware)
    cycles = np.full(order.shape, float(engine_cycles))
    if not array.holds_sums:
        pieces = [counts_in_pieces(gemm, engine, array.streamed, tile).cycles for tile in rungs[array.streamed]]
        cycles = np.where(free, cycles, np.array(pieces, dtype=float)[picks[streamed]])
    allowed = free if array.holds_sums else np.ones_like(free)
    per_tile = vector_cycles(tiles[0] * tiles[1], lane_cycles_per_output, hardware)
    vector = per_tile * loops[0].astype(float) * loops[1] * gemm.groups
    return Candidates(tiles, loops, order, place, tile_bytes, kept_bytes, moved_bytes, cycles, vector, allowed)


def _bytes(
    gemm: Gemm, hardware: Hardware, rungs: dict[str, list[int]], picks: list[np.ndarray], order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For ifmap, weight and ofmap: bytes of one tile, of what keeping it takes, and of one pass over all tiles."""
    pm, pn, pk = picks[:3]
    m, n, k = (np.array(rungs[d], dtype=np.int64)[p] for d, p in zip("mnk", (pm, pn, pk), strict=True))
    # relevant tiles inside the irrelevant loop: the ones to keep. [operand, candidate] pairs of extents
    order_of = np.array([[text.index(d) for d in "mnk"] for text in ORDERS])[order]
    inside = {(x, d): order_of[:, "mnk".index(d)] > order_of[:, "mnk".index(x)] for x in "mnk" for d in "mnk"}

    largest, area = _each(rungs["m"], partial(ifmap_pixels, gemm))
    deepest, depth = _each(rungs["k"], partial(ifmap_channels, gemm))
    kept_pixels = np.where(inside["n", "m"], int(ifmap_pixels(gemm, gemm.m)[0]), largest[pm])
    kept_channels = np.where(inside["n", "k"], int(ifmap_channels(gemm, gemm.k)[0]), deepest[pk])
    wide = ACCUMULATOR_BITS[hardware.engine.precision]
    sum_bits = np.where(_accumulates_on_chip(hardware, k, gemm.k), wide, gemm.output_bits)
    whole = {d: np.where(inside["m", d], size, tile) for d, size, tile in (("n", gemm.n, n), ("k", gemm.k, k))}
    over_k = {d: np.where(inside["k", d], size, tile) for d, size, tile in (("m", gemm.m, m), ("n", gemm.n, n))}
    a, weights = gemm.activation_bits, gemm.weight_column_bits
    tile = [largest[pm] * deepest[pk] * a, weights(k) * n, m * n * sum_bits]
    kept = [kept_pixels * kept_channels * a, weights(whole["k"]) * whole["n"], over_k["m"] * over_k["n"] * sum_bits]
    # narrow operands: every tile inside is rounded up to whole bytes by itself
    count = {d: -(-size // tile) for d, size, tile in (("m", gemm.m, m), ("n", gemm.n, n), ("k", gemm.k, k))}
    for place, (idle, letters, bits) in enumerate((("n", "mk", a), ("m", "kn", gemm.stored_weight_bits))):
        if bits % 8:
            kept[place] = kept[place] + 7 * math.prod(np.where(inside[idle, d], count[d], 1) for d in letters)
    out = np.full_like(m, gemm.m * gemm.n * gemm.output_bits)
    moved = [area[pm] * depth[pk] * a, np.full_like(m, weights(gemm.k) * gemm.n), out]
    return tuple(-(-np.stack(bits) // 8) for bits in (tile, kept, moved))  # type: ignore[return-value]


def _each(tiles: list[int], sizes: Callable[[int], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Largest and total extent for each tile size."""
    extents = [sizes(tile) for tile in tiles]
    return np.array([int(e.max()) for e in extents]), np.array([int(e.sum()) for e in extents])


def _accumulates_on_chip(hardware: Hardware, tile_k: np.ndarray, k: int) -> np.ndarray:
    """Whether sums wait in the ofmap buffer at accumulator width: several passes over K, or several tiles of it."""
    engine = hardware.engine
    if engine.holds_sums:
        return np.zeros(tile_k.shape, bool)
    return np.asarray((tile_k < k) | (tile_k > engine.grain[2]))


def _residency(
    c: Candidates, gemm: Gemm, hardware: Hardware, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which operands are kept, the bytes that each buffer then holds, both halves included, and its contents in all."""
    irrelevant, tiles_of = c.loops[IDLE], c.tile_count
    # contents that follow one another: the tiles of relevant loops outside the irrelevant one, in every group
    outside = np.where(c.place == 2, tiles_of, np.where(c.place == 0, 1, _outermost(c)))
    kept_size = c.kept_bytes * np.where(outside * gemm.groups > 1, 2, 1)
    visits = np.where((c.place == 2) | (irrelevant == 1), tiles_of, tiles_of * irrelevant)
    tile_size = c.tile_bytes * np.where(visits * gemm.groups > 1, 2, 1)
    trivial = (irrelevant == 1) | (c.place == 2)
    sram = hardware.sram
    room = np.array([sram.capacity_bytes] * 3 if sram.shared else sram.operand_bytes)[:, None]
    kept = trivial | (wanted & (kept_size <= room))
    whole = kept & ~trivial
    return kept, np.where(whole, kept_size, tile_size), np.where(whole, outside, visits) * gemm.groups


def _outermost(c: Candidates) -> np.ndarray:
    """Trip count of the outermost loop, for each operand."""
    first = np.array(["mnk".index(text[0]) for text in ORDERS])[c.order]
    return np.broadcast_to(np.take_along_axis(c.loops, first[None, :], axis=0), c.loops.shape)


def _score(
    c: Candidates, kept: np.ndarray, contents: np.ndarray, gemm: Gemm, hardware: Hardware
) -> np.ndarray:
    """Estimated cycles times DRAM bytes.

    Each transfer takes whole cycles. A buffer half is asked for only when it is free, so that of every two contents
    one latency shows. What is kept comes in the first pass of its idle loop, and sums that are kept leave in the last.
    """
    groups = float(gemm.groups)
    passes = np.where(kept, 1, c.loops[IDLE])
    moved = c.moved_bytes * passes * groups
    spilled = gemm.m * gemm.n * ACCUMULATOR_BITS[hardware.engine.precision] // 8 * groups
    moved[2] += 2 * spilled * (passes[2] - 1)
    per_cycle = hardware.dram.bandwidth_gb_s * 1e3 / hardware.clock_mhz
    pieces = c.tile_count * passes * groups
    each = np.ceil(moved / pieces / per_cycle) * pieces
    transfers, latency = each.sum(axis=0), latency_cycles(hardware)
    busiest = np.maximum(c.compute_cycles, c.vector_cycles)
    share = np.where(kept, 1 / c.loops[IDLE], 1.0)  # of the time in which an operand's transfers lie
    rest = transfers - each
    crowded = np.maximum(share * busiest, each + share * rest) + np.maximum(1 - share, 0) * np.maximum(busiest, rest)
    in_turn = (contents[:2].max(axis=0) * latency + transfers + c.compute_cycles) / 2
    ends = c.tile_bytes.sum(axis=0) / per_cycle + latency
    return np.asarray((np.maximum(crowded.max(axis=0), in_turn) + ends) * moved.sum(axis=0))


def _groups_per_step(c: Candidates, column: int, gemm: Gemm, hardware: Hardware) -> int:
    """Groups that one step takes where a whole group is smaller than a buffer half."""
    if gemm.groups == 1 or c.loops[:, column].max() > 1:
        return 1
    most = max(1, gemm.groups // LEAST_STEPS)
    sizes = c.tile_bytes[:, column : column + 1] * 2 * np.arange(1, most + 1)
    return int(np.flatnonzero(fits(sizes, hardware.sram))[-1]) + 1 if fits(sizes, hardware.sram).any() else 1
