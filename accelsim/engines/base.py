"""What every engine offers, and what engines ask of operands."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from accelsim.engines.counts import ActionCounts
from accelsim.hardware import AnyEngine
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.gemm import Gemm


class Fold(NamedTuple):
    """Identical passes of an array: ``streamed`` operand vectors over ``rows`` x ``cols`` used PEs."""

    streamed: int
    rows: int
    cols: int
    repeat: int


class Beats(NamedTuple):
    """Alike beats of an engine: what it asks of its buffers while one of them lasts, in vectors of so many elements.

    A beat of several vectors takes them whenever it likes; one of a single vector waits until it has it.
    """

    cycles: int  #: of one beat, if no buffer holds it up
    repeat: int
    vectors: int = 1
    activations: int = 0
    weights: int = 0
    sums_in: int = 0  #: partial sums that come back
    sums_out: int = 0  #: that leave to come back
    results: int = 0
    depths: tuple[int, int] = (0, 1)  #: blocks of the reduction (see Blocks) that its activations are of: from, to


class Blocks(NamedTuple):
    """The activations that a beat reads: so many pixels at so many places of the reduction."""

    pixels: int
    depth: int
    by_position: bool = False  #: a block ends with each kernel position; all positions of its channels come first
    channels_inside: bool = False  #: the reduction runs over kernel positions, then channels, whatever the layout
    apart: bool = False  #: blocks of the reduction are told apart in Beats
    ahead: bool = False  #: all that a product reads is one beat's


class Engine(Protocol):
    """A compute engine behind its two texts: the closed form and the stepped kernel. A value: equal, hashable."""

    def __hash__(self) -> int:
        """By configuration."""

    def count(self, gemm: Gemm) -> ActionCounts:
        """Closed form."""

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Cycle by cycle; a is integers [groups, M, K], w [groups, K, N]; returns a @ w and what happened."""

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """What a product that takes so many cycles asks of the buffers; all reads and writes of ``count``."""

    def blocks(self, gemm: Gemm) -> Blocks:
        """How the activations of a beat lie."""


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


def peak_macs_per_cycle(engine: AnyEngine, activation_bits: int, weight_bits: int, pattern: Pattern | None) -> float:
    """MACs that the engine does in a cycle at most, those with a zero that the pattern leaves out included."""
    return engine.peak_macs_per_cycle(activation_bits, weight_bits) * float(pattern.speedup if pattern else 1)
