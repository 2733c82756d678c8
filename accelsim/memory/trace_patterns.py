"""Traces that are generated: streams, strides, random accesses, copies, and tiles of a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from accelsim.config import Count, Size, Value
from accelsim.memory.traces import PIECE, Requests

AccessPattern = Literal["stream", "stride", "random", "copies", "tiles"]


class TracePattern(Value):
    """What a generated trace looks like; the same values give the same trace."""

    pattern: AccessPattern
    requests: Size = 16384  #: number of requests
    request_bytes: Size = 64
    span_bytes: Annotated[int, Field(gt=0, le=2**50)] = 2**28  #: all addresses are below it
    stride_bytes: Size = 2048  #: stride: distance of two addresses; tiles: distance of two rows of the matrix
    tile_rows: Size = 32
    tile_bytes: Size = 256  #: length of a tile's row
    write_share: Annotated[float, Field(ge=0, le=1)] = 0.0  #: stream, stride, random: share of writes
    every_cycles: Count = 0  #: cycles from one arrival to the next; 0: all requests arrive at once
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0  #: of random addresses and writes


def generate_trace(spec: TracePattern) -> Iterator[Requests]:
    """Generate a trace, in pieces."""
    random = np.random.default_rng(spec.seed)
    for first in range(0, spec.requests, PIECE):
        number = np.arange(first, min(first + PIECE, spec.requests), dtype=np.int64)
        address, is_write = _PATTERNS[spec.pattern](number, spec, random)
        yield Requests(number * spec.every_cycles, address % spec.span_bytes, is_write.astype(np.uint8))


Made = tuple[np.ndarray, np.ndarray]  #: addresses in bytes, int64[n], and which of them are writes, bool or int64[n]


def _writes(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> np.ndarray:
    """Which requests are writes, bool[n]: a random share of them."""
    return random.random(number.size) < spec.write_share


def _stream(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    return number * spec.request_bytes, _writes(number, spec, random)


def _stride(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    return number * spec.stride_bytes, _writes(number, spec, random)


def _random(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    blocks = max(spec.span_bytes // spec.request_bytes, 1)
    return random.integers(0, blocks, number.size) * spec.request_bytes, _writes(number, spec, random)


def _copies(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    """Reads from the lower half of the span, each followed by a write of the same data to the upper half."""
    half = spec.span_bytes // 2 // spec.request_bytes * spec.request_bytes
    odd = number % 2
    return number // 2 * spec.request_bytes % max(half, 1) + odd * half, odd


def _tiles(number: np.ndarray, spec: TracePattern, random: np.random.Generator) -> Made:
    """Reads of a row-major matrix tile by tile, along its rows; each row of a tile is contiguous."""
    across = max(spec.tile_bytes // spec.request_bytes, 1)
    column, rest = number % across, number // across
    row, tile = rest % spec.tile_rows, rest // spec.tile_rows
    per_band = max(spec.stride_bytes // (across * spec.request_bytes), 1)
    band, place = tile // per_band, tile % per_band
    start = (band * spec.tile_rows + row) * spec.stride_bytes + place * across * spec.request_bytes
    return start + column * spec.request_bytes, np.zeros(number.size, bool)


_PATTERNS: Mapping[AccessPattern, Callable[[np.ndarray, TracePattern, np.random.Generator], Made]] = {
    "stream": _stream,
    "stride": _stride,
    "random": _random,
    "copies": _copies,
    "tiles": _tiles,
}
