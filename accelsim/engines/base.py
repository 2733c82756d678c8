"""The contract of every engine: one Protocol with all that other packages ask, and the values of the answers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from accelsim.config.integers import ceil_div
from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.technology import Technology
from accelsim.engines.counts import ActionCounts
from accelsim.hardware import AnyEngine
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.gemm import Gemm
from accelsim.workload.random_operands import lower_activations


class Beats(NamedTuple):
    """Equal beats of an engine: the vectors that it reads from and writes to its buffers in each of them.

    A beat of several vectors may move them at any time while it lasts; a beat of one vector waits until it has it.
    """

    cycles: int  #: length of one beat if no buffer delays it, cycles
    repeat: int  #: number of such beats
    vectors: int = 1  #: vectors of each kind that a beat moves
    activations: int = 0  #: activations in a vector that the beat reads
    weights: int = 0  #: weights in a vector that the beat reads
    sums_in: int = 0  #: partial sums in a vector that the beat reads back
    sums_out: int = 0  #: partial sums in a vector that the beat writes and that will be read back
    results: int = 0  #: finished sums in a vector that the beat writes
    depths: tuple[int, int] = (0, 1)  #: range of the reduction's blocks (see Blocks) that the activations belong to


class Blocks(NamedTuple):
    """The block of activations that a beat reads: ``pixels`` output pixels at ``depth`` places of the reduction."""

    pixels: int  #: output pixels of a block
    depth: int  #: places along K of a block
    by_position: bool = False  #: a block ends with each kernel position; all positions of its channels come first
    channels_inside: bool = False  #: the reduction runs over kernel positions, then channels, in any memory layout
    apart: bool = False  #: ``Beats.depths`` names the blocks of the reduction one by one
    ahead: bool = False  #: everything that a product reads belongs to one beat


class SlotAccount(Protocol):
    """Where an engine spent its slots (multipliers or bits, times cycles); the parts add up to ``total``."""

    name: ClassVar[str]  #: the summary's key under which the account stands
    splits_convolutions: ClassVar[bool]  #: whether the summary also shows the speedup of convolutions alone

    def __add__(self, other: Any) -> Self:
        """The account of one product followed by another."""

    @property
    def total(self) -> int:
        """All slots of all cycles."""

    @property
    def ideal_speedup(self) -> Fraction:
        """The speedup that narrow operands or a sparsity pattern alone would give."""

    @property
    def speedup(self) -> Fraction:
        """The speedup that the engine really reaches."""

    def parts(self) -> dict[str, int]:
        """The parts that are not zero, in slots, by name."""


class ArithmeticWork(NamedTuple):
    """The arithmetic of an engine that costs energy: whole multiplications, or steps of serial lanes."""

    macs: int = 0  #: multiplications of whole multipliers that gating does not save
    bit_steps: int = 0  #: steps of serial lanes that gating does not save
    register_steps: int = 0  #: steps in which registers change, gated ones included: registers pass zeros on, too


class CountedProduct(NamedTuple):
    """What an engine did for a product, and where it spent its slots."""

    counts: ActionCounts
    slots: SlotAccount | None = None  #: the account of slots; None where the engine keeps none
    zero_macs: int = 0  #: executed MACs whose weight is zero

    @property
    def speedups(self) -> tuple[float, float] | tuple[None, None]:
        """The ideal speedup by widths or pattern, and the real one; None where the engine keeps no account."""
        return (float(self.slots.ideal_speedup), float(self.slots.speedup)) if self.slots else (None, None)


class EngineCycles(NamedTuple):
    """The cycles of a product on the engine alone, by what they were spent on; the parts add up to all of them."""

    useful: Fraction = Fraction(0)  #: cycles that the product's multiplications take at the engine's peak
    channels: Fraction = Fraction(0)  #: lost since K or channels leave rows, lanes, instructions or groups unfilled
    edge: Fraction = Fraction(0)  #: lost since pixels and filters leave the array, tiles, cores or cycles unfilled
    operands: Fraction = Fraction(0)  #: cycles in which the engine waits for operands from its buffers
    pipeline: Fraction = Fraction(0)  #: filling, draining, waiting for sums or the slowest column, less what is skipped


class EngineRoof(NamedTuple):
    """The highest rate of an engine at a precision and a sparsity pattern."""

    name: str  #: precision, widths or pattern, as a figure labels the roof
    macs_per_cycle: float  #: MACs in a cycle; MACs with a zero that the pattern leaves out count as well


class Occupied(NamedTuple):
    """One kind of place on an engine (rows, lanes, filters ...), and how many of them a product would fill."""

    name: str  #: plural noun for reports, such as rows
    size: int  #: length of the product along this kind of place
    limit: int  #: number of such places on the engine

    @property
    def mean(self) -> float:
        """Places that an average pass uses if ``size`` is cut into passes of ``limit``."""
        return self.size / ceil_div(self.size, self.limit)


class Engine(Protocol):
    """A compute engine, counted in closed form or stepped by a kernel. It is a value: comparable and hashable.

    Everything that other packages ask about a kind of engine is a member here, so that they never test for the kind.
    A kind of engine is one class that inherits this Protocol; a member with a body is the default.
    """

    def __hash__(self) -> int:
        """Hash of the description, so that searches can remember what they found for an engine."""
        return hash(self.description)

    @property
    def description(self) -> AnyEngine:
        """The engine's section of the hardware file."""

    @property
    def title(self) -> str:
        """Size and kind of the engine in a few words."""

    # ---- counting

    def count(self, gemm: Gemm) -> ActionCounts:
        """Count a product in closed form.

        Raises: UserError for a product that the engine cannot run, and for counts beyond int64.
        """

    def step(self, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ActionCounts]:
        """Step a product cycle by cycle.

        a is int[groups, M, K] and w is int[groups, K, N], both in the order of ``lay``. Returns the product a @ w,
        int64[groups, M, N], and the counts that the kernel saw.

        Raises: UserError as ``count``, for operands of another shape, kind or width, and where sums could leave int64.
        """

    def count_product(self, gemm: Gemm, a: np.ndarray | None = None, signed: bool | None = None) -> CountedProduct:
        """Count a layer's product and account for its slots; gemm is the product before ``lay``.

        a, int[groups, M, K] in the order of ``lay``, is given where ``needs_values``; signed says whether activations
        are signed.

        Raises: UserError as ``count``.
        """
        return CountedProduct(self.count(self.lay(gemm)))

    @property
    def needs_values(self) -> bool:
        """Whether cycles depend on the values of the operands."""
        return False

    def lay(self, gemm: Gemm) -> Gemm:
        """The product as the engine executes it, for example packed space to depth."""
        return gemm

    def lay_activations(self, data: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Order images [batch, channels, height, width] or activations [groups, M, K] as ``lay``: [groups, M, K]."""
        return lower_activations(data, gemm)

    def lay_weights(self, w: np.ndarray, gemm: Gemm) -> np.ndarray:
        """Order weights [groups, K, N] as ``lay`` does: [groups, K, N]."""
        return w

    def work(self, counted: CountedProduct) -> ArithmeticWork:
        """The arithmetic of a product that costs energy; with zero gating, PEs spend nothing on zero weights."""
        executed = counted.counts.macs - counted.counts.skipped_macs
        gated = counted.zero_macs if self.description.zero_gating else 0
        return ArithmeticWork(macs=executed - gated, register_steps=executed)

    # ---- for mapping

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N and K of one pass; along the streamed dimension, the unit that streams."""

    @property
    def streamed(self) -> str:
        """The dimension that flows through the engine: m, n or k."""

    @property
    def holds_sums(self) -> bool:
        """Whether sums stay in the engine until they are finished."""

    @property
    def dataflow(self) -> str:
        """The dataflow (os, ws or is); empty for an engine without dataflows."""
        return ""

    # ---- for the buffers

    def beats(self, gemm: Gemm, cycles: int) -> list[Beats]:
        """The beats of a laid product that takes this many cycles; they hold all reads and writes of ``count``."""

    def blocks(self, gemm: Gemm) -> Blocks:
        """Which activations belong to one beat of a laid product."""

    # ---- for rooflines, comparisons and reports

    @property
    def pes(self) -> int:
        """Number of processing elements: PEs, serial lanes, or multipliers."""

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int, pattern: Pattern | None = None) -> float:
        """MACs in a cycle in which all PEs work; MACs with a zero that the pattern leaves out count as well."""
        return float(self.pes)

    @property
    def rated_macs_per_cycle(self) -> float:
        """The peak in MACs per cycle that a data sheet states: dense, at the engine's own precision, no bit skipped."""
        width = self.description.operand_bits
        return self.peak_macs_per_cycle(width, width)

    def promised_rate(self, bits: int) -> Fraction:
        """Relative rate that operands of this width and the pattern allow; only ratios on one engine mean something."""
        return Fraction(1)

    def roof(self, activation_bits: int, weight_bits: int, pattern: Pattern | None) -> EngineRoof:
        """The roof of products with operands of these widths in this pattern."""
        peak = self.peak_macs_per_cycle(activation_bits, weight_bits, pattern)
        return EngineRoof(self.description.precision, peak)

    def offered_roofs(self) -> list[EngineRoof]:
        """The roofs that a figure shows even if the network does not use them."""
        width = self.description.operand_bits
        return [self.roof(width, width, None)]

    def occupied(self, gemm: Gemm) -> list[Occupied]:
        """How far a product fills the engine, for each kind of place."""

    @property
    def idle_words(self) -> str | None:
        """What busy PEs wait for, as words for a report; None where the account of slots says it."""
        return "filling and draining"

    def split_cycles(self, gemm: Gemm, counted: CountedProduct) -> EngineCycles:
        """Split the cycles of a counted product; the parts add up to ``counted.counts.cycles``."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of parts with a power switch each; (1, 1) for an engine that is switched as a whole."""
        return 1, 1

    def used_grid(self, gemm: Gemm) -> tuple[int, int]:
        """Rows and columns of ``grid`` that a product uses at most."""
        return 1, 1

    def notes(self) -> list[str]:
        """Remarks for the reader of a run about this engine's options."""
        return []

    # ---- for energy

    def datapath(self, technology: Technology) -> EngineDatapath:
        """The operation of a PE in a cycle and the registers that it clocks, for pricing."""

    @property
    def flip_flops(self) -> int:
        """Number of register bits in the engine, without control and the pipeline registers at its edge."""
