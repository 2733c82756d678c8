"""The search for tile sizes and loop orders: every candidate that fits the buffers is weighed at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import NamedTuple, assert_never

import numpy as np

from accelsim.config import UserError
from accelsim.engines.base import Engine
from accelsim.hardware import ACCUMULATOR_BITS, Hardware, Objective, VectorUnit
from accelsim.mapping.candidates import NO_LANES, ORDERS, Candidates, candidates_of
from accelsim.mapping.mapping import MOST_STEPS, PREFERRED_STEPS, Mapping
from accelsim.memory.ideal_dram import count_latency_cycles
from accelsim.memory.sram import Room, describe_room, explain_shortage, fits
from accelsim.workload.gemm import Gemm
from accelsim.workload.layers import GivenMapping

_MOST_KEPT = 4096  # answers that a search remembers
MOST_RECENT = 8  # sizes of buffers for which it remembers what fits
Terms = tuple[float, float, float, bool]  # of the kernel's Goal
TIE = 1e-9  # of what decides only between equals
LEAST_STEPS = 8  # where groups are batched into steps: enough of them to overlap loads with computation


class Prices(NamedTuple):
    """Estimated energy of a product, pJ."""

    fixed: float  #: whatever the mapping
    per_byte: float  #: moved at the chip's edge
    per_cycle: float  #: leakage and standby


FREE = Prices(0.0, 0.0, 0.0)


def find(
    gemm: Gemm, hardware: Hardware, engine: Engine, engine_cycles: int, lane_cycles_per_output: Fraction
) -> Mapping:
    """The mapping that is best by the hardware's objective, as estimated before anything is played.

    Raises: UserError naming the buffer and the shortage where not even the smallest tiles fit.
    """
    halves = hardware.sram.halves
    found = start_search(gemm, hardware.vector, engine, engine_cycles, lane_cycles_per_output, halves)
    return found.best(hardware)


@lru_cache(maxsize=256)
def start_search(
    gemm: Gemm,
    vector: VectorUnit,
    engine: Engine,
    engine_cycles: int,
    lane_cycles_per_output: Fraction,
    halves: tuple[int, int, int] = (2, 2, 2),
    given: GivenMapping | None = None,
) -> Search:
    """Everything about the search for a product that neither sizes of buffers nor DRAM change.

    halves are contents that the buffers of ifmap, weights and ofmap have room for; given leaves nothing to search.
    """
    found = candidates_of(gemm, vector, engine, engine_cycles, lane_cycles_per_output, given)
    return Search(gemm, engine, found, halves, given is not None)


class Search:
    """The candidates of one product on one engine, and which of them is best with which memories."""

    def __init__(
        self, gemm: Gemm, engine: Engine, candidates: Candidates, halves: tuple[int, int, int], given: bool
    ) -> None:
        self.gemm = gemm
        self.engine = engine
        self.halves = halves
        self.given = given
        self.candidates, self.needs = _different(candidates, _needs(candidates, gemm, halves))
        candidates = self.candidates
        tiles = candidates.loops.astype(float).prod(axis=0)
        steps = np.where(tiles == 1, 1.0, tiles * gemm.groups)  # whole groups are batched into steps
        self.allowed = [candidates.allowed & (steps <= most) for most in (PREFERRED_STEPS, MOST_STEPS)]
        # buffers between two of these sizes hold the same candidates
        pairs = zip(self.needs.kept_bytes, self.needs.tile_bytes, strict=True)
        self.sizes: list[list[int]] = [np.unique(pair).tolist() for pair in pairs]
        whole = np.flatnonzero((candidates.loops == 1).all(axis=0))[:1]
        sizes = candidates.tile_bytes[:, whole].ravel().tolist()
        self.of_group: list[int] = [half * size for half, size in zip(halves, sizes, strict=False)]  # all halves
        self.recent: dict[Hashable, list[Choice]] = {}
        self.found: dict[Hashable, tuple[Mapping, float]] = {}

    def best(self, hardware: Hardware, prices: Prices = FREE, room: Room | None = None) -> Mapping:
        """The best mapping for a machine with this engine and vector unit; prices matter where energy does.

        ``room`` is what its buffers have for this product: all of it unless given.

        Raises: UserError as ``find``.
        """
        return self.scored(hardware, prices, room)[0]

    def scored(self, hardware: Hardware, prices: Prices = FREE, room: Room | None = None) -> tuple[Mapping, float]:
        """The same with what it is expected to cost, in the objective's terms."""
        room, dram = room or describe_room(hardware.sram), hardware.dram
        goal = _goal(hardware.mapper.objective, prices)
        alike = self._alike(room)
        key = (alike, dram.bandwidth_gb_s, dram.latency_ns, hardware.clock_mhz, goal)
        found = self.found.get(key)
        if found is None:
            if len(self.found) >= _MOST_KEPT:
                self.found.clear()
            found = self.found[key] = self._best(alike, room, hardware, goal)
        mapping, score = found
        if self.gemm.groups > 1:
            mapping = mapping._replace(groups=self._groups_per_step(mapping, room))
        return mapping, score

    def _alike(self, room: Room) -> Hashable:
        """What rooms of other sizes, but for the same candidates, have in common."""
        if room.shared is not None:
            return room.shared
        return tuple(bisect_right(sizes, held) for sizes, held in zip(self.sizes, room.operands, strict=True))

    def _best(self, alike: Hashable, room: Room, hardware: Hardware, goal: Terms) -> tuple[Mapping, float]:
        choices = self.recent.get(alike)
        if choices is None:
            if len(self.recent) >= MOST_RECENT:
                del self.recent[next(iter(self.recent))]
            choices = self.recent[alike] = self._choices(room)
        if not choices:
            raise self._unmappable(room)
        found = [_least(choice, hardware, goal, self.halves) for choice in choices]
        best = min(range(len(choices)), key=lambda index: found[index][1])
        place, score = found[best]
        column = choices[best].column[place]
        ifmap, weight, ofmap = choices[best].kept[:, place].tolist()
        m, n, k = self.candidates.tiles[:, column].tolist()
        return Mapping(m, n, k, ORDERS[self.candidates.order[column]], (ifmap, weight, ofmap)), score

    def _choices(self, room: Room) -> list[Choice]:
        """Candidates that fit, for each set of operands that may be kept; with many tiles only if all have many."""
        wanted = [(True, True, True)] if room.shared is None else list(product((True, False), repeat=3))
        held = [_residency(self.needs, room, np.array(operands)[:, None]) for operands in wanted]
        for allowed in self.allowed:
            fit = [np.flatnonzero(fits(nbytes, room) & allowed) for _, nbytes, _ in held]
            if any(columns.size for columns in fit):
                return [
                    _choice(self.candidates, columns, kept[:, columns], contents[:, columns], self.gemm, self.engine)
                    for columns, (kept, _, contents) in zip(fit, held, strict=True)
                    if columns.size
                ]
        return []

    def _groups_per_step(self, mapping: Mapping, room: Room) -> int:
        """Groups that one step takes where a whole group is smaller than a buffer half."""
        if mapping[:3] != (self.gemm.m, self.gemm.n, self.gemm.k):
            return 1
        if room.shared is not None:
            several = room.shared // sum(self.of_group)
        else:
            several = min(held // half for held, half in zip(room.operands, self.of_group, strict=True))
        return max(1, min(several, self.gemm.groups // LEAST_STEPS))

    def _unmappable(self, room: Room) -> UserError:
        gemm, candidates = self.gemm, self.candidates
        what = f"a product of M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}"
        smallest = _residency(self.needs, room, np.zeros((3, 1), bool))[1]
        finest = np.minimum([gemm.m, gemm.n, gemm.k], self.engine.grain)
        too_many = not self.given and (candidates.tiles.min(axis=1) > finest).any()  # the ladder stopped early
        if too_many or (fits(smallest, room) & candidates.allowed).any():
            return UserError(f"{what} needs more than {MOST_STEPS} tiles of this hardware's buffers; make it smaller")
        column = int(np.argmin(np.where(candidates.allowed, smallest.sum(axis=0), np.iinfo(np.int64).max)))
        tiles = "the given tiles" if self.given else "the smallest tiles"
        return explain_shortage(smallest[:, column], room, f"{what}: {tiles}")


class Needs(NamedTuple):
    """What each operand of each candidate asks of a buffer, all its halves included; all [3, candidates]."""

    trivial: np.ndarray  #: bool: there is nothing to keep, or it is kept by itself
    kept_bytes: np.ndarray  #: int64: what the buffer holds where the operand is kept
    tile_bytes: np.ndarray  #: int64: and where it is not
    outside: np.ndarray  #: int64: contents in all of what is kept
    visits: np.ndarray  #: int64: and of single tiles


def _needs(c: Candidates, gemm: Gemm, halves: tuple[int, int, int]) -> Needs:
    irrelevant, tiles_of, most = c.loops[NO_LANES], c.tile_count, np.array(halves)[:, None]
    # contents that follow one another: the tiles of relevant loops outside the irrelevant one, in every group
    outside = np.where(c.place == 2, tiles_of, np.where(c.place == 0, 1, _outermost(c)))
    kept_size = c.kept_bytes * np.where(outside * gemm.groups > 1, most, 1)
    visits = np.where((c.place == 2) | (irrelevant == 1), tiles_of, tiles_of * irrelevant)
    tile_size = c.tile_bytes * np.where(visits * gemm.groups > 1, most, 1)
    trivial = (irrelevant == 1) | (c.place == 2)
    return Needs(trivial, kept_size, tile_size, outside * gemm.groups, visits * gemm.groups)


def _different(candidates: Candidates, needs: Needs) -> tuple[Candidates, Needs]:
    """Without those that move and hold the same as an earlier one, such as orders of loops that do not turn."""
    c = candidates
    rows = [c.tiles, c.moved_bytes, c.engine_cycles.view(np.int64), c.allowed, c.tile_bytes, *needs]
    columns = np.ascontiguousarray(np.vstack([row.astype(np.int64, copy=False) for row in rows]).T)
    size = columns.shape[1] * columns.itemsize
    data = columns.tobytes()
    first: dict[bytes, int] = {}
    for column in range(len(columns)):
        first.setdefault(data[column * size : (column + 1) * size], column)
    chosen = np.array(list(first.values()))
    return Candidates(*(x[..., chosen] for x in candidates)), Needs(*(x[..., chosen] for x in needs))


def _residency(needs: Needs, room: Room, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which operands are kept, the bytes that each buffer then holds, all halves included, and its contents in all."""
    held = np.array(room.operands if room.shared is None else [room.shared] * 3)[:, None]
    kept = needs.trivial | (wanted & (needs.kept_bytes <= held))
    whole = kept & ~needs.trivial
    return kept, np.where(whole, needs.kept_bytes, needs.tile_bytes), np.where(whole, needs.outside, needs.visits)


def _outermost(c: Candidates) -> np.ndarray:
    """Trip count of the outermost loop, for each operand."""
    first = np.array(["mnk".index(text[0]) for text in ORDERS])[c.order]
    return np.broadcast_to(np.take_along_axis(c.loops, first[None, :], axis=0), c.loops.shape)


class Choice(NamedTuple):
    """Candidates that fit, with what they keep, as far as no DRAM decides; [3, candidates] or [candidates]."""

    column: np.ndarray  #: of the candidates
    kept: np.ndarray
    pieces: np.ndarray  #: transfers of each operand
    piece_bytes: np.ndarray
    share: np.ndarray  #: of the time, in which an operand's transfers lie
    rest_share: np.ndarray
    compute: np.ndarray
    busiest: np.ndarray
    contents: np.ndarray
    end_bytes: np.ndarray
    moved: np.ndarray


def _choice(
    c: Candidates, column: np.ndarray, kept: np.ndarray, contents: np.ndarray, gemm: Gemm, engine: Engine
) -> Choice:
    """What is kept comes in the first pass of its idle loop, and sums that are kept leave in the last."""
    groups = float(gemm.groups)
    idle = c.loops[:, column][NO_LANES]
    passes = np.where(kept, 1, idle)
    moved = c.moved_bytes[:, column] * passes * groups
    spilled = gemm.m * gemm.n * ACCUMULATOR_BITS[engine.description.precision] // 8 * groups
    moved[2] += 2 * spilled * (passes[2] - 1)
    pieces = c.tile_count[:, column] * passes * groups
    share = np.where(kept, 1 / idle, 1.0)
    compute = c.engine_cycles[column]
    return Choice(
        column,
        kept,
        pieces,
        moved / pieces,
        share,
        np.maximum(1 - share, 0),
        compute,
        np.maximum(compute, c.vector_cycles[column]),
        contents[:2].max(axis=0),
        c.tile_bytes[:, column].sum(axis=0),
        moved.sum(axis=0),
    )


def _goal(objective: Objective, prices: Prices) -> Terms:
    """What the kernel's Goal holds. Of equals in bytes the fastest is taken, of equals in cycles the leanest."""
    match objective:
        case "delay_traffic":
            return 0.0, 1.0, 0.0, True
        case "bytes":
            return 0.0, 1.0, TIE, False
        case "cycles":
            return 0.0, TIE, 1.0, False
        case "energy":
            return *prices, False
        case "edp":
            return *prices, True
    assert_never(objective)


def _least(c: Choice, hardware: Hardware, goal: Terms, halves: tuple[int, int, int]) -> tuple[int, float]:
    """Place and score of the best one."""
    from accelsim.kernels.mapping_search import Goal, least

    per_cycle, latency = hardware.dram.bandwidth_gb_s * 1e3 / hardware.clock_mhz, count_latency_cycles(hardware)
    place, score = least(
        c.pieces,
        c.piece_bytes,
        c.share,
        c.rest_share,
        c.compute,
        c.busiest,
        c.contents,
        c.end_bytes,
        c.moved,
        per_cycle,
        latency,
        Goal(*goal),
        halves,
    )
    return int(place), float(score)
