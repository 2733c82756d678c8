"""Traces for people who have none: streams, strides, random accesses, copies, tiles of a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from accelsim.config import Count, Size, Value
from accelsim.memory.traces import PIECE, Requests

AccessPattern = Literal["stream", "stride", "random", "copies", "tiles"]


class TracePattern(Value):
    """What a generated trace looks like; the same values give the same trace."""

    pattern: AccessPattern
    requests: Size = 16384
    request_bytes: Size = 64
    span_bytes: Annotated[int, Field(gt=0, le=2**50)] = 2**28  #: addresses lie below it
    stride_bytes: Size = 2048  #: of stride; between the rows of tiles' matrix
    tile_rows: Size = 32
    tile_bytes: Size = 256  #: of a tile's row
    write_share: Annotated[float, Field(ge=0, le=1)] = 0.0  #: of stream, stride and random
    every_cycles: Count = 0  #: between two arrivals; 0: all at once, as fast as they are taken
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


def generate_trace(spec: TracePattern) -> Iterator[Requests]:
    """The trace in pieces."""
    random = np.random.default_rng(spec.seed)
    for first in range(0, spec.requests, PIECE):
        number = np.arange(first, min(first + PIECE, spec.requests), dtype=np.int64)
        address, is_write = _PATTERNS[spec.pattern](number, spec, random)
        yield Requests(number * spec.every_cycles, address % spec.span_bytes, is_write.astype(np.uint8))


Made = tuple[np.ndarray, np.ndarray]


def _writes(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> np.ndarray:
    return random.random(number.size) < spec.write_share


def _stream(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    return number * spec.request_bytes, _writes(number, spec, random)


def _stride(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    return number * spec.stride_bytes, _writes(number, spec, random)


def _random(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    blocks = max(spec.span_bytes // spec.request_bytes, 1)
    return random.integers(0, blocks, number.size) * spec.request_bytes, _writes(number, spec, random)


def _copies(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    """Read from the lower half of the span, write the same to the upper half, by turns."""
    half = spec.span_bytes // 2 // spec.request_bytes * spec.request_bytes
    odd = number % 2
    return number // 2 * spec.request_bytes % max(half, 1) + odd * half, odd


def _tiles(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    """Tiles of a row-major matrix, one after the other along its rows, each row of a tile in a piece."""
    across = max(spec.tile_bytes // spec.request_bytes, 1)
    column, rest = number % across, number // across
    row, tile = rest % spec.tile_rows, rest // spec.tile_rows
    per_band = max(spec.stride_bytes // (across * spec.request_bytes), 1)
    band, place = tile // per_band, tile % per_band
    start = (band * spec.tile_rows + row) * spec.stride_bytes + place * across * spec.request_bytes
    return start + column * spec.request_bytes, np.zeros(number.size, bool)


_PATTERNS: dict[str, Callable[[np.ndarray, TracePattern, np.random.Generator], Made]] = {
    "stream": _stream,
    "stride": _stride,
    "random": _random,
    "copies": _copies,
    "tiles": _tiles,
}
