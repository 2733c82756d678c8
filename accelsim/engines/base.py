"""What every engine offers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from accelsim.counts import ActionCounts
from accelsim.lowering import Gemm


class Fold(NamedTuple):
    """Identical passes of an array: ``streamed`` operand vectors over ``rows`` x ``cols`` used PEs."""

    streamed: int
    rows: int
    cols: int
    repeat: int


class Engine(Protocol):
    """A compute engine behind its two texts: the closed form and the stepped kernel. A value: equal, hashable."""

    def __hash__(self) -> int:
        """By configuration."""

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form."""

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle; a is integers [groups, M, K], w [groups, K, N]; returns a @ w and what happened."""


class Extent(NamedTuple):
    """Parts along one dimension that are equally long."""

    used: int
    repeat: int
    last: int  #: place of the last of them


def extents(size: int, part: int) -> list[Extent]:
    """``size`` elements cut into parts: the full ones, then what is left."""
    full, rest = divmod(size, part)
    return [e for e in (Extent(part, full, full - 1), Extent(rest, 1, full)) if e.used and e.repeat]


def ceil_div(a: int, b: int) -> int:
    """Least integer not below a / b."""
    return -(-a // b)
