"""The contract of an engine: what the other rooms ask of it, in one Protocol, and the values that carry the answers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.technology import Technology
from accelsim.engines.counts import ActionCounts
from accelsim.hardware import AnyEngine
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.gemm import Gemm
from accelsim.workload.random_operands import lower_activations


class Fold(NamedTuple):
    """Identical passes of an array: ``streamed`` operand vectors over ``rows`` x ``cols`` used PEs."""

    streamed: int
    rows: int
    cols: int
    repeat: int


class Beats(NamedTuple):
    """Beats that are alike: what the engine asks of its buffers in one of them, in vectors of so many elements.

    A beat of several vectors takes them at any time while it lasts; one of a single vector waits until it has it.
    """

    cycles: int  #: of one beat, if no buffer holds it up
    repeat: int  #: how many such beats there are
    vectors: int = 1
    activations: int = 0  #: elements of a vector of activations that the beat reads
    weights: int = 0  #: elements of a vector of weights that it reads
    sums_in: int = 0  #: partial sums that come back
    sums_out: int = 0  #: partial sums that leave and will come back
    results: int = 0  #: finished sums that leave
    depths: tuple[int, int] = (0, 1)  #: blocks of the reduction (see Blocks) that its activations are of: from, to


class Blocks(NamedTuple):
    """The activations that a beat reads: so many pixels at so many places of the reduction."""

    pixels: int
    depth: int
    by_position: bool = False  #: a block ends with each kernel position; all positions of its channels come first
    channels_inside: bool = False  #: the reduction runs over kernel positions, then channels, whatever the layout
    apart: bool = False  #: Beats names the blocks of the reduction one by one
    ahead: bool = False  #: all that a product reads belongs to one beat


class SlotAccount(Protocol):
    """Where the slots of an engine went (multipliers, or bits, times cycles): parts that add up to ``total``."""

    name: ClassVar[str]  #: key of the summary that holds the account
    splits_convolutions: ClassVar[bool]  #: the summary shows the speedup of convolutions by itself, too

    def __add__(self, other: Any) -> Self:
        """The account of one product followed by another."""

    @property
    def total(self) -> int:
        """All slots of all cycles."""

    @property
    def ideal_speedup(self) -> Fraction:
        """The speedup that narrow operands or a pattern promise by themselves."""

    @property
    def speedup(self) -> Fraction:
        """The speedup that is left of it."""

    def parts(self) -> dict[str, int]:
        """The parts that are not zero."""


class ArithmeticWork(NamedTuple):
    """What the arithmetic of an engine is priced by: whole multiplications, or steps of serial lanes."""

    macs: int = 0
    bit_steps: int = 0
    register_steps: int = 0  #: either kind, with those that gating saves: registers pass zeros on too


class CountedProduct(NamedTuple):
    """What an engine did for a product, and where its slots went."""

    counts: ActionCounts
    slots: SlotAccount | None = None  #: None where the engine keeps no account
    zero_macs: int = 0  #: MACs with a zero weight among those executed

    @property
    def speedups(self) -> tuple[float, float] | tuple[None, None]:
        """The speedup that widths or a pattern promise, and the real one; None where neither applies."""
        return (float(self.slots.ideal_speedup), float(self.slots.speedup)) if self.slots else (None, None)


class EngineCycles(NamedTuple):
    """The cycles of a product on the engine alone, in fractions that add up to all of them."""

    useful: Fraction = Fraction(0)  #: the product's multiplications at the engine's peak
    channels: Fraction = Fraction(0)  #: K or channels do not fill rows, lanes, instructions or a pattern's groups
    edge: Fraction = Fraction(0)  #: pixels and filters do not fill the array, tiles, cores or an instruction's cycles
    operands: Fraction = Fraction(0)  #: the engine waits for its buffers' operands
    pipeline: Fraction = Fraction(0)  #: it fills, drains, waits for sums or the slowest column; less what is skipped


class EngineRoof(NamedTuple):
    """The highest rate of an engine at a precision and a pattern."""

    name: str
    macs_per_cycle: float  #: MACs with a zero that the pattern leaves out included


class Occupied(NamedTuple):
    """One kind of place on an engine, and how many of them a product would fill."""

    name: str
    size: int  #: of the product, along this kind of place
    limit: int  #: places that there are

    @property
    def mean(self) -> float:
        """Places that are used in an average pass, if ``size`` is cut into passes of ``limit``."""
        return self.size / ceil_div(self.size, self.limit)


class Engine(Protocol):
    """A compute engine behind its two texts: the closed form and the stepped kernel. A value: equal and hashable.

    Every question that another room has about a kind of engine is a member here, so that no room tests for the kind.
    A kind of engine is one class that inherits this Protocol; members with a body hold for engines without a
    peculiarity in that respect.
    """

    def __hash__(self) -> int:
        """By the description: searches remember what they found for an engine."""
        return hash(self.description)

    @property
    def description(self) -> AnyEngine:
        """The values of the hardware file."""

    @property
    def title(self) -> str:
        """Size and kind in a few words."""

    # ---- what it counts

    def count(self, gemm: Gemm) -> ActionCounts:
        """Count a product in closed form. Raises: UserError for what the engine does not take, and beyond int64."""

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Step a product cycle by cycle.

        a is integers [groups, M, K], w integers [groups, K, N], as ``lay`` orders them. Returns a @ w, int64[groups,
        M, N], and what happened. Raises: UserError as ``count``, for operands of another shape, kind or width, and
        where sums could leave int64.
        """

    def count_product(self, gemm: Gemm, a: np.ndarray | None = None, signed: bool | None = None) -> CountedProduct:
        """Count a layer's product, not yet laid, with the account of its slots.

        a, int[groups, M, K] as laid, is given where ``needs_values``; signed says whether activations are.
        """
        return CountedProduct(self.count(self.lay(gemm)))

    @property
    def needs_values(self) -> bool:
        """Whether the values of the operands decide about cycles."""
        return False

    def lay(self, gemm: Gemm) -> Gemm:
        """The product as it lies on the engine."""
        return gemm

    def lay_activations(self, data: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Images [batch, channels, height, width], or activations [groups, M, K], -> [groups, M, K] as laid."""
        return lower_activations(data, gemm)

    def lay_weights(self, w: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Weights [groups, K, N] -> [groups, K, N] as laid."""
        return w

    def work(self, counted: CountedProduct) -> ArithmeticWork:
        """What the arithmetic of a product is priced by; gated PEs spend nothing on zero weights."""
        executed = counted.counts.macs - counted.counts.skipped_macs
        gated = counted.zero_macs if self.description.zero_gating else 0
        return ArithmeticWork(macs=executed - gated, register_steps=executed)

    # ---- what mapping asks

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N, K of one pass; the streamed dimension counts single vectors."""

    @property
    def streamed(self) -> str:
        """The dimension that flows through the engine: m, n or k."""

    @property
    def holds_sums(self) -> bool:
        """Whether sums stay in the engine until they are finished."""

    @property
    def dataflow(self) -> str:
        """What stays in the PEs, where the engine knows dataflows: os, ws or is; else empty."""
        return ""

    # ---- what buffers ask

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """What a product that takes so many cycles asks of the buffers; all reads and writes of ``count``."""

    def blocks(self, gemm: Gemm) -> Blocks:
        """How the activations of a beat lie."""

    # ---- what rooflines, comparisons and reports ask

    @property
    def pes(self) -> int:
        """Processing elements: PEs, serial lanes, or multipliers."""

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int, pattern: Pattern | None = None) -> float:
        """MACs in a cycle in which all PEs work; those with a zero that the pattern leaves out count as well."""
        return float(self.pes)

    @property
    def rated_macs_per_cycle(self) -> float:
        """The peak that a data sheet states: dense, at the engine's own precision, no bit skipped."""
        width = self.description.operand_bits
        return self.peak_macs_per_cycle(width, width)

    def promised_rate(self, bits: int) -> Fraction:
        """What operands of so many bits and the pattern promise; only ratios on one engine mean something."""
        return Fraction(1)

    def roof(self, activation_bits: int, weight_bits: int, pattern: Pattern | None) -> EngineRoof:
        """The roof of products of these widths in this pattern."""
        peak = self.peak_macs_per_cycle(activation_bits, weight_bits, pattern)
        return EngineRoof(self.description.precision, peak)

    def offered_roofs(self) -> list[EngineRoof]:
        """The roofs that are drawn whether or not a network uses them."""
        width = self.description.operand_bits
        return [self.roof(width, width, None)]

    def occupied(self, gemm: Gemm) -> list[Occupied]:
        """How a product fills the engine's places."""

    @property
    def idle_words(self) -> str | None:
        """What busy PEs wait for, in words for a report; None where the account of slots says it."""
        return "filling and draining"

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Where the cycles of a counted product went; the parts add up to ``counted.counts.cycles``."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of parts that a power switch may turn off by themselves; (1, 1) for a whole engine."""
        return 1, 1

    def used_grid(self, gemm: Gemm) -> tuple[int, int]:
        """Rows and columns of ``grid`` that a product uses at most."""
        return 1, 1

    def notes(self) -> list[str]:
        """What a reader of a run should know about the options of this engine."""
        return []

    # ---- what energy asks

    def datapath(self, technology: Technology) -> EngineDatapath:
        """What a PE does in a cycle and which registers it clocks, for pricing."""

    @property
    def flip_flops(self) -> int:
        """Register bits of the engine; control and pipeline registers at its edge left out."""


class Extent(NamedTuple):
    """Parts along one dimension that are equally long."""

    used: int
    repeat: int
    last: int  #: place of the last of them


def extents(size: int, part: int) -> list[Extent]:
    """Cut ``size`` elements into parts: the full ones, then what is left."""
    full, rest = divmod(size, part)
    return [e for e in (Extent(part, full, full - 1), Extent(rest, 1, full)) if e.used and e.repeat]


def ceil_div(a: int, b: int) -> int:
    """The least integer not below a / b."""
    return -(-a // b)
