"""The search for tile sizes and loop orders: the cost of all candidates that fit the buffers is estimated at once."""

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
from accelsim.hardware import Hardware, Objective, VectorUnit
from accelsim.mapping.candidates import ORDERS, Candidates, list_candidates
from accelsim.mapping.fitting import Choice, build_choice, choose_kept, drop_duplicates, find_needs
from accelsim.mapping.mapping import MOST_STEPS, PREFERRED_STEPS, Mapping
from accelsim.memory.ideal_dram import count_read_latency
from accelsim.memory.sram import Room, describe_room, explain_shortage, fits
from accelsim.workload.gemm import Gemm
from accelsim.workload.layers import GivenMapping

_MOST_KEPT = 4096  # answers that a search remembers
MOST_RECENT = 8  # sizes of buffers for which a search remembers the candidates that fit
Terms = tuple[float, float, float, bool]  # the fields of the kernel's Goal
TIE = 1e-9  # weight of a term that only decides between equals
LEAST_STEPS = 8  # steps that are left where groups are batched into steps, enough to overlap loads with computation


class Prices(NamedTuple):
    """Prices by which the search estimates the energy of a product, pJ."""

    fixed: float  #: energy in any mapping
    per_byte: float  #: energy of a byte that crosses the chip's edge
    per_cycle: float  #: energy of leakage and standby in a cycle


FREE = Prices(0.0, 0.0, 0.0)


def find_best_mapping(
    gemm: Gemm, hardware: Hardware, engine: Engine, engine_cycles: int, lane_cycles_per_output: Fraction
) -> Mapping:
    """Find the mapping that the search estimates to be best by the hardware's objective.

    Raises: UserError that names the buffer and the shortage where not even the smallest tiles fit.
    """
    halves = hardware.sram.halves
    found = start_search(gemm, hardware.vector, engine, engine_cycles, lane_cycles_per_output, halves)
    return found.find_best(hardware)


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
    """Start the search for a product: list its candidates, which depend neither on buffer sizes nor on the DRAM.

    halves are the numbers of tiles that the buffers of ifmap, weights and ofmap have room for (2 if double-buffered);
    given are the tiles and the loop order that a layer states, which leave nothing to search.

    Raises: UserError for given tiles that the product or the engine does not allow.
    """
    found = list_candidates(gemm, vector, engine, engine_cycles, lane_cycles_per_output, given)
    return Search(gemm, engine, found, halves, given is not None)


class Search:
    """The candidates of one product on one engine, and the best of them for each machine that was asked for."""

    def __init__(
        self, gemm: Gemm, engine: Engine, candidates: Candidates, halves: tuple[int, int, int], given: bool
    ) -> None:
        self.gemm = gemm
        self.engine = engine
        self.halves = halves
        self.given = given
        self.candidates, self.needs = drop_duplicates(candidates, find_needs(candidates, gemm, halves))
        candidates = self.candidates
        tiles = candidates.loops.astype(float).prod(axis=0)
        steps = np.where(tiles == 1, 1.0, tiles * gemm.groups)  # whole groups are batched into steps
        self.allowed = [candidates.allowed & (steps <= most) for most in (PREFERRED_STEPS, MOST_STEPS)]
        # buffers between two of these sizes hold the same candidates
        pairs = zip(self.needs.kept_bytes, self.needs.tile_bytes, strict=True)
        self.sizes: list[list[int]] = [np.unique(pair).tolist() for pair in pairs]
        whole = np.flatnonzero((candidates.loops == 1).all(axis=0))[:1]
        sizes = candidates.tile_bytes[:, whole].ravel().tolist()
        self.of_group: list[int] = [
            half * size for half, size in zip(halves, sizes, strict=False)
        ]  # bytes of a whole group, all halves included
        self.recent: dict[Hashable, list[Choice]] = {}
        self.found: dict[Hashable, tuple[Mapping, float]] = {}

    def find_best(self, hardware: Hardware, prices: Prices = FREE, room: Room | None = None) -> Mapping:
        """Find the best mapping on a machine with this engine and vector unit.

        prices matter only if energy is part of the objective. ``room`` is the room of its buffers for this product;
        by default, all of it.

        Raises: UserError as ``find_best_mapping``.
        """
        return self.find_scored(hardware, prices, room)[0]

    def find_scored(self, hardware: Hardware, prices: Prices = FREE, room: Room | None = None) -> tuple[Mapping, float]:
        """Find the best mapping with its estimated cost in units of the objective. Raises: as ``find_best``."""
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
        """A key that is equal for all rooms in which the same candidates fit."""
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
        """The candidates that fit, for each set of operands to keep; ones of many steps only if there are no others."""
        wanted = [(True, True, True)] if room.shared is None else list(product((True, False), repeat=3))
        held = [choose_kept(self.needs, room, np.array(operands)[:, None]) for operands in wanted]
        for allowed in self.allowed:
            fit = [np.flatnonzero(fits(nbytes, room) & allowed) for _, nbytes, _ in held]
            if any(columns.size for columns in fit):
                return [
                    build_choice(
                        self.candidates, columns, kept[:, columns], contents[:, columns], self.gemm, self.engine
                    )
                    for columns, (kept, _, contents) in zip(fit, held, strict=True)
                    if columns.size
                ]
        return []

    def _groups_per_step(self, mapping: Mapping, room: Room) -> int:
        """Number of groups in one step where a whole group is smaller than a buffer half."""
        if mapping[:3] != (self.gemm.m, self.gemm.n, self.gemm.k):
            return 1
        if room.shared is not None:
            several = room.shared // sum(self.of_group)
        else:
            several = min(held // half for held, half in zip(room.operands, self.of_group, strict=True))
        return max(1, min(several, self.gemm.groups // LEAST_STEPS))

    def _unmappable(self, room: Room) -> UserError:
        """The error for a product of which no candidate fits the buffers."""
        gemm, candidates = self.gemm, self.candidates
        what = f"a product of M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}"
        smallest = choose_kept(self.needs, room, np.zeros((3, 1), bool))[1]
        finest = np.minimum([gemm.m, gemm.n, gemm.k], self.engine.grain)
        too_many = not self.given and (candidates.tiles.min(axis=1) > finest).any()  # finer tiles were left out
        if too_many or (fits(smallest, room) & candidates.allowed).any():
            return UserError(f"{what} needs more than {MOST_STEPS} tiles of this hardware's buffers; make it smaller")
        column = int(np.argmin(np.where(candidates.allowed, smallest.sum(axis=0), np.iinfo(np.int64).max)))
        tiles = "the given tiles" if self.given else "the smallest tiles"
        return explain_shortage(smallest[:, column], room, f"{what}: {tiles}")


def _goal(objective: Objective, prices: Prices) -> Terms:
    """The fields of the kernel's Goal. Of candidates equal in bytes the fastest wins, of equal cycles the leanest."""
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
    """Index and score of the best candidate."""
    from accelsim.kernels.mapping_search import Goal, least

    per_cycle, latency = hardware.dram.bandwidth_gb_s * 1e3 / hardware.clock_mhz, count_read_latency(hardware)
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
