"""Which mapping candidates fit the buffers, what they keep there, and how much they move."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.engines.base import Engine
from accelsim.hardware import ACCUMULATOR_BITS
from accelsim.mapping.candidates import NO_LANES, ORDERS, Candidates
from accelsim.memory.sram import Room
from accelsim.workload.gemm import Gemm


class Needs(NamedTuple):
    """The room that each operand of each candidate needs in its buffer, all halves included; all [3, candidates]."""

    trivial: np.ndarray  #: bool: keeping makes no difference, since a tile stays in the buffer anyway
    kept_bytes: np.ndarray  #: int64: bytes in the buffer where the operand is kept
    tile_bytes: np.ndarray  #: int64: bytes in the buffer where it is not kept
    outside: np.ndarray  #: int64: how often the kept contents of the buffer change
    visits: np.ndarray  #: int64: how often the tile in the buffer changes where the operand is not kept


def find_needs(c: Candidates, gemm: Gemm, halves: tuple[int, int, int]) -> Needs:
    """Find the room that candidates need; halves are the numbers of tiles for which each buffer has room."""
    irrelevant, tiles_of, most = c.loops[NO_LANES], c.tile_count, np.array(halves)[:, None]
    # kept contents change with the operand's own loops outside the loop that it does not depend on, in every group
    outside = np.where(c.place == 2, tiles_of, np.where(c.place == 0, 1, _outermost(c)))
    kept_size = c.kept_bytes * np.where(outside * gemm.groups > 1, most, 1)
    visits = np.where((c.place == 2) | (irrelevant == 1), tiles_of, tiles_of * irrelevant)
    tile_size = c.tile_bytes * np.where(visits * gemm.groups > 1, most, 1)
    trivial = (irrelevant == 1) | (c.place == 2)
    return Needs(trivial, kept_size, tile_size, outside * gemm.groups, visits * gemm.groups)


def drop_duplicates(candidates: Candidates, needs: Needs) -> tuple[Candidates, Needs]:
    """Drop candidates that move and hold the same as an earlier one, such as other orders of loops of one trip."""
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


def choose_kept(needs: Needs, room: Room, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keep the wanted operands, bool[3, 1], that fit the room.

    Returns, each [3, candidates]: whether an operand is kept; the bytes in its buffer, all halves included; and how
    often the buffer's contents change.
    """
    held = np.array(room.operands if room.shared is None else [room.shared] * 3)[:, None]
    kept = needs.trivial | (wanted & (needs.kept_bytes <= held))
    whole = kept & ~needs.trivial
    return kept, np.where(whole, needs.kept_bytes, needs.tile_bytes), np.where(whole, needs.outside, needs.visits)


def _outermost(c: Candidates) -> np.ndarray:
    """Trip count of the outermost loop, the same for each operand; int64[3, candidates]."""
    first = np.array(["mnk".index(text[0]) for text in ORDERS])[c.order]
    return np.broadcast_to(np.take_along_axis(c.loops, first[None, :], axis=0), c.loops.shape)


class Choice(NamedTuple):
    """Candidates that fit, with all that the cost depends on besides the DRAM; arrays of the n that fit."""

    column: np.ndarray  #: int64[n]: indices into the candidates
    kept: np.ndarray  #: bool[3, n]: whether ifmap, weight and ofmap are kept
    pieces: np.ndarray  #: float64[3, n]: transfers of each operand
    piece_bytes: np.ndarray  #: float64[3, n]: bytes of one transfer
    share: np.ndarray  #: float64[3, n]: share of the time over which an operand's transfers are spread
    rest_share: np.ndarray  #: float64[3, n]: the rest of the time
    compute: np.ndarray  #: float64[n]: engine cycles
    busiest: np.ndarray  #: float64[n]: cycles of the engine or the vector unit, whichever are more
    contents: np.ndarray  #: int64[n]: how often the contents of the ifmap or weight buffer change, whichever is more
    end_bytes: np.ndarray  #: int64[n]: bytes of one tile of each operand together
    moved: np.ndarray  #: float64[n]: bytes moved in all


def build_choice(
    c: Candidates, column: np.ndarray, kept: np.ndarray, contents: np.ndarray, gemm: Gemm, engine: Engine
) -> Choice:
    """Build the choice of these columns: kept operands are loaded in the first pass, kept sums stored in the last.

    column is int64[n], kept bool[3, n], contents int64[3, n].
    """
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
