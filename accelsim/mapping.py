"""The search for tile sizes and loop orders: every candidate that fits the buffers is weighed at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from accelsim.candidates import IDLE, ORDERS, Candidates, candidates_of
from accelsim.config import UserError
from accelsim.engines.base import Engine
from accelsim.hardware import ACCUMULATOR_BITS, AnyEngine, Hardware, OperandSrams, VectorUnit
from accelsim.lowering import Gemm
from accelsim.memory.dram import latency_cycles
from accelsim.memory.sram import fits, shortage
from accelsim.tiles import MOST_STEPS, PREFERRED_STEPS, Mapping

MOST_KEPT = 4096  # answers that a search remembers
LEAST_STEPS = 8  # where groups are batched into steps: enough of them to overlap loads with computation


def find(
    gemm: Gemm, hardware: Hardware, engine: Engine, engine_cycles: int, lane_cycles_per_output: Fraction
) -> Mapping:
    """The mapping with the least (estimated cycles) x (DRAM bytes): delay times traffic, near to delay times energy.

    Raises: UserError naming the buffer and the shortage where not even the smallest tiles fit.
    """
    return search(gemm, hardware.engine, hardware.vector, engine, engine_cycles, lane_cycles_per_output).best(hardware)


@lru_cache(maxsize=256)
def search(
    gemm: Gemm,
    array: AnyEngine,
    vector: VectorUnit,
    engine: Engine,
    engine_cycles: int,
    lane_cycles_per_output: Fraction,
) -> Search:
    """Everything about the search for a product that neither buffers nor DRAM change."""
    return Search(gemm, array, candidates_of(gemm, array, vector, engine, engine_cycles, lane_cycles_per_output))


class Search:
    """The candidates of one product on one engine, and which of them is best with which memories."""

    def __init__(self, gemm: Gemm, array: AnyEngine, candidates: Candidates) -> None:
        self.gemm = gemm
        self.array = array
        self.candidates, self.needs = _different(candidates, _needs(candidates, gemm))
        candidates = self.candidates
        tiles = candidates.loops.astype(float).prod(axis=0)
        steps = np.where(tiles == 1, 1.0, tiles * gemm.groups)  # whole groups are batched into steps
        self.allowed = [candidates.allowed & (steps <= most) for most in (PREFERRED_STEPS, MOST_STEPS)]
        # buffers between two of these sizes hold the same candidates
        pairs = zip(self.needs.kept_bytes, self.needs.tile_bytes, strict=True)
        self.sizes: list[list[int]] = [np.unique(pair).tolist() for pair in pairs]
        whole = np.flatnonzero((candidates.loops == 1).all(axis=0))[0]
        self.halves: list[int] = [2 * size for size in candidates.tile_bytes[:, whole].tolist()]  # of whole groups
        self.found: dict[Hashable, Mapping] = {}

    def best(self, hardware: Hardware) -> Mapping:
        """The best mapping for a machine with this engine and vector unit.

        Raises: UserError as ``find``.
        """
        key = (self._room(hardware.sram), hardware.dram.bandwidth_gb_s, hardware.dram.latency_ns, hardware.clock_mhz)
        mapping = self.found.get(key)
        if mapping is None:
            if len(self.found) >= MOST_KEPT:
                self.found.clear()
            mapping = self.found[key] = self._best(hardware)
        if self.gemm.groups == 1:
            return mapping
        return mapping._replace(groups=self._groups_per_step(mapping, hardware.sram))

    def _room(self, sram: OperandSrams) -> Hashable:
        """What buffers of other sizes, but with room for the same candidates, have in common."""
        if sram.shared:
            return sram.capacity_bytes
        return tuple(bisect_right(sizes, room) for sizes, room in zip(self.sizes, sram.operand_bytes, strict=True))

    def _best(self, hardware: Hardware) -> Mapping:
        for allowed in self.allowed:
            best = self._best_of(allowed, hardware)
            if best is not None:
                column, (ifmap, weight, ofmap) = best[0], best[1].tolist()
                m, n, k = self.candidates.tiles[:, column].tolist()
                return Mapping(m, n, k, ORDERS[self.candidates.order[column]], (ifmap, weight, ofmap))
        raise self._unmappable(hardware)

    def _best_of(self, allowed: np.ndarray, hardware: Hardware) -> tuple[int, np.ndarray] | None:
        """The best candidate that fits and what it keeps; a shared buffer may keep any operands, or none."""
        best: tuple[float, int, np.ndarray] | None = None
        choices = [(True, True, True)] if not hardware.sram.shared else list(product((True, False), repeat=3))
        for wanted in choices:
            kept, held, contents = _residency(self.needs, hardware.sram, np.array(wanted)[:, None])
            fit = np.flatnonzero(fits(held, hardware.sram) & allowed)
            if not fit.size:
                continue
            score = _score(self.candidates, fit, kept[:, fit], contents[:, fit], self.gemm, hardware)
            place = int(np.argmin(score))
            if best is None or score[place] < best[0]:
                best = (float(score[place]), int(fit[place]), kept[:, fit[place]])
        return best[1:] if best else None

    def _groups_per_step(self, mapping: Mapping, sram: OperandSrams) -> int:
        """Groups that one step takes where a whole group is smaller than a buffer half."""
        if mapping[:3] != (self.gemm.m, self.gemm.n, self.gemm.k):
            return 1
        if sram.shared:
            room = sram.capacity_bytes // sum(self.halves)
        else:
            room = min(held // half for held, half in zip(sram.operand_bytes, self.halves, strict=True))
        return max(1, min(room, self.gemm.groups // LEAST_STEPS))

    def _unmappable(self, hardware: Hardware) -> UserError:
        gemm, candidates = self.gemm, self.candidates
        what = f"a product of M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}"
        smallest = _residency(self.needs, hardware.sram, np.zeros((3, 1), bool))[1]
        finest = np.minimum([gemm.m, gemm.n, gemm.k], self.array.grain)
        too_many = (candidates.tiles.min(axis=1) > finest).any()  # the ladder stopped above single grains
        if too_many or (fits(smallest, hardware.sram) & candidates.allowed).any():
            return UserError(f"{what} needs more than {MOST_STEPS} tiles of this hardware's buffers; make it smaller")
        column = int(np.argmin(np.where(candidates.allowed, smallest.sum(axis=0), np.iinfo(np.int64).max)))
        return shortage(smallest[:, column], hardware.sram, what)


class Needs(NamedTuple):
    """What each operand of each candidate asks of a buffer, both halves included; all [3, candidates]."""

    trivial: np.ndarray  #: bool: there is nothing to keep, or it is kept by itself
    kept_bytes: np.ndarray  #: int64: what the buffer holds where the operand is kept
    tile_bytes: np.ndarray  #: int64: and where it is not
    outside: np.ndarray  #: int64: contents in all of what is kept
    visits: np.ndarray  #: int64: and of single tiles


def _needs(c: Candidates, gemm: Gemm) -> Needs:
    irrelevant, tiles_of = c.loops[IDLE], c.tile_count
    # contents that follow one another: the tiles of relevant loops outside the irrelevant one, in every group
    outside = np.where(c.place == 2, tiles_of, np.where(c.place == 0, 1, _outermost(c)))
    kept_size = c.kept_bytes * np.where(outside * gemm.groups > 1, 2, 1)
    visits = np.where((c.place == 2) | (irrelevant == 1), tiles_of, tiles_of * irrelevant)
    tile_size = c.tile_bytes * np.where(visits * gemm.groups > 1, 2, 1)
    trivial = (irrelevant == 1) | (c.place == 2)
    return Needs(trivial, kept_size, tile_size, outside * gemm.groups, visits * gemm.groups)


def _different(candidates: Candidates, needs: Needs) -> tuple[Candidates, Needs]:
    """Without those that move and hold the same as an earlier one, such as orders of loops that do not turn."""
    c = candidates
    rows = [c.tiles, c.moved_bytes, c.compute_cycles.view(np.int64), c.allowed, c.tile_bytes, *needs]
    columns = np.ascontiguousarray(np.vstack([row.astype(np.int64, copy=False) for row in rows]).T)
    size = columns.shape[1] * columns.itemsize
    data = columns.tobytes()
    first: dict[bytes, int] = {}
    for column in range(len(columns)):
        first.setdefault(data[column * size : (column + 1) * size], column)
    chosen = np.array(list(first.values()))
    return Candidates(*(x[..., chosen] for x in candidates)), Needs(*(x[..., chosen] for x in needs))


def _residency(needs: Needs, sram: OperandSrams, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which operands are kept, the bytes that each buffer then holds, both halves included, and its contents in all."""
    room = np.array([sram.capacity_bytes] * 3 if sram.shared else sram.operand_bytes)[:, None]
    kept = needs.trivial | (wanted & (needs.kept_bytes <= room))
    whole = kept & ~needs.trivial
    return kept, np.where(whole, needs.kept_bytes, needs.tile_bytes), np.where(whole, needs.outside, needs.visits)


def _outermost(c: Candidates) -> np.ndarray:
    """Trip count of the outermost loop, for each operand."""
    first = np.array(["mnk".index(text[0]) for text in ORDERS])[c.order]
    return np.broadcast_to(np.take_along_axis(c.loops, first[None, :], axis=0), c.loops.shape)


def _score(
    c: Candidates, fit: np.ndarray, kept: np.ndarray, contents: np.ndarray, gemm: Gemm, hardware: Hardware
) -> np.ndarray:
    """Estimated cycles times DRAM bytes of the candidates in ``fit``, what they keep, and their contents.

    Each transfer takes whole cycles. A buffer half is asked for only when it is free, so that of every two contents
    one latency shows. What is kept comes in the first pass of its idle loop, and sums that are kept leave in the last.
    """
    groups = float(gemm.groups)
    idle = c.loops[:, fit][IDLE]
    passes = np.where(kept, 1, idle)
    moved = c.moved_bytes[:, fit] * passes * groups
    spilled = gemm.m * gemm.n * ACCUMULATOR_BITS[hardware.engine.precision] // 8 * groups
    moved[2] += 2 * spilled * (passes[2] - 1)
    per_cycle = hardware.dram.bandwidth_gb_s * 1e3 / hardware.clock_mhz
    pieces = c.tile_count[:, fit] * passes * groups
    each = np.ceil(moved / pieces / per_cycle) * pieces
    transfers, latency = each.sum(axis=0), latency_cycles(hardware)
    compute = c.compute_cycles[fit]
    busiest = np.maximum(compute, c.vector_cycles[fit])
    share = np.where(kept, 1 / idle, 1.0)  # of the time in which an operand's transfers lie
    rest = transfers - each
    crowded = np.maximum(share * busiest, each + share * rest) + np.maximum(1 - share, 0) * np.maximum(busiest, rest)
    in_turn = (contents[:2].max(axis=0) * latency + transfers + compute) / 2
    ends = c.tile_bytes[:, fit].sum(axis=0) / per_cycle + latency
    return np.asarray((np.maximum(crowded.max(axis=0), in_turn) + ends) * moved.sum(axis=0))
