"""Tensor cores as a hardware file describes them."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from accelsim.config import Count, Size, Value, show_value
from accelsim.config.integers import ceil_div
from accelsim.hardware.description import EngineDescription
from accelsim.hardware.precisions import Precision
from accelsim.hardware.sparsity import DENSE, Pattern, parse_pattern

RATE_DENOMINATOR = 1000
SustainedShare = Annotated[float, Field(ge=0.01, le=1.5)]
BytesPerCycle = Annotated[float, Field(ge=1e-3, le=1e6)]


class MacRates(Value):
    """MACs of a core in a cycle, one number for all precisions or one for each; a precision without one is refused."""

    int2: Size | None = None
    """MACs of a core in a cycle at int2."""
    int4: Size | None = None
    """MACs of a core in a cycle at int4."""
    int8: Size | None = None
    """MACs of a core in a cycle at int8."""
    int16: Size | None = None
    """MACs of a core in a cycle at int16."""
    fp16: Size | None = None
    """MACs of a core in a cycle at fp16."""
    bf16: Size | None = None
    """MACs of a core in a cycle at bf16."""
    fp32: Size | None = None
    """MACs of a core in a cycle at fp32."""

    @model_validator(mode="before")
    @classmethod
    def _one_for_all(cls, data: Any) -> Any:
        return dict.fromkeys(cls.model_fields, data) if isinstance(data, int) and not isinstance(data, bool) else data

    @property
    def taken(self) -> list[str]:
        """Precisions that have a rate."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


class TensorCore(EngineDescription):
    """Cores that multiply small matrices, the weights among them dense or n:m sparse.

    A multiprocessor of ``cores`` computes one output tile of ``tile_m`` pixels and ``tile_n`` filters at a time (or
    ``tiles_at_once``), in k-steps of ``tile_k``, by instructions of m x n x k. Operands stream in while they are used.
    """

    kind: Literal["tensorcore"]
    """Kind of the engine: tensor cores."""
    cores: Size
    """Number of tensor cores of a multiprocessor."""
    m: Size
    """Number of output pixels of one instruction."""
    n: Size
    """Number of filters of one instruction."""
    k: Size
    """Reduction length of one instruction, zeros included, rounded up to whole groups of the pattern."""
    macs_per_cycle: MacRates
    """MACs of a core in a cycle: one number for all precisions, or one for each."""
    precision: Precision = "int8"
    """Number format of the widest operands, which sets what a MAC costs; the option --precision replaces it."""
    pattern: str = DENSE
    """Sparsity pattern of stored weights: dense, or n:m up to 16 (at most n of m weights along the channels are not
    zero); the option --sparsity replaces it."""
    index_granule_bits: Annotated[int, Field(ge=1, le=8)] = 1
    """Granule of the metadata, bits: the index of a kept weight takes a multiple of it."""
    latency_cycles: Count = 0
    """Cycles from the last cycle of an instruction until the next one can add to its sums."""
    tile_m: Size
    """Number of output pixels of a tile, whose sums stay in registers; a multiple of m."""
    tile_n: Size
    """Number of filters of a tile; a multiple of n."""
    tile_k: Size | None = None
    """Reduction length of one k-step, a multiple of k; by default k."""
    warp_m: Size | None = None
    """Number of output pixels of the part of a tile that reads its operands by itself; it divides tile_m, which is
    the default."""
    warp_n: Size | None = None
    """Number of filters of the part of a tile that reads its operands by itself; it divides tile_n, which is the
    default."""
    operand_bytes_per_cycle: BytesPerCycle | None = None
    """Bandwidth of operands into the cores of a multiprocessor, bytes a cycle; by default as needed."""
    operand_fills: bool = False
    """Whether operands are written through the same port (shared memory) before they are read."""
    l2_bytes_per_cycle: BytesPerCycle | None = None
    """Bandwidth of operands into all multiprocessors in equal shares, bytes a cycle; by default as needed."""
    multiprocessors: Size = 1
    """Number of multiprocessors, which take tiles in turn; more than 1 need charge_full_tile."""
    tiles_at_once: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of tiles on a multiprocessor at a time (occupancy); more than 1 need charge_full_tile."""
    overlap_tiles: bool = True
    """Whether the operands of the next tile come while a tile computes, so that no cycles of filling lie between."""
    charge_full_tile: bool = False
    """Whether a tile that is filled in part takes as many cycles as a full one."""
    launch_cycles: Count = 0
    """Cycles before the first tile, once for a matrix product."""
    fill_cycles: Count = 0
    """Cycles before the first k-step of a tile; where tiles overlap, once for a matrix product."""
    epilogue_cycles: Count = 0
    """Cycles after the last k-step of a tile; where tiles overlap, once for a matrix product."""
    sustained_math: SustainedShare = 1.0
    """Share of macs_per_cycle that is reached in practice."""
    sustained_operands: SustainedShare = 1.0
    """Share of operand_bytes_per_cycle and l2_bytes_per_cycle that is reached in practice."""

    @field_validator("pattern", mode="before")
    @classmethod
    def _is_pattern(cls, text: Any) -> Any:
        parse_pattern(text if isinstance(text, str) else show_value(text))
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> TensorCore:
        if self.precision not in self.macs_per_cycle.taken:
            allowed = ", ".join(self.macs_per_cycle.taken)
            raise ValueError(f"precision: {self.precision} has no macs_per_cycle; allowed: {allowed or 'none'}")
        for whole, part in (("tile_m", "m"), ("tile_n", "n"), ("tile_m", "warp_m"), ("tile_n", "warp_n")):
            size, limit = getattr(self, part), getattr(self, whole)
            if size is not None and limit % size:
                raise ValueError(f"{whole}: {limit} is no multiple of {part}: {size}")
        if self.tile_k is not None and self.tile_k % self.k:
            raise ValueError(f"tile_k: {self.tile_k} is no multiple of k: {self.k}")
        if max(self.multiprocessors, self.tiles_at_once) > 1 and not self.charge_full_tile:
            several = "multiprocessors" if self.multiprocessors > 1 else "tiles_at_once"
            raise ValueError(f"{several}: {getattr(self, several)} need charge_full_tile: true")
        return self

    @property
    def sparse_pattern(self) -> Pattern | None:
        """The n:m pattern of stored weights; None where they are dense."""
        return parse_pattern(self.pattern, self.index_granule_bits)

    @property
    def rate(self) -> int:
        """Multipliers of a core at its precision."""
        return int(getattr(self.macs_per_cycle, self.precision))

    @property
    def math_share(self) -> Fraction:
        """sustained_math, exactly."""
        return Fraction(self.sustained_math).limit_denominator(RATE_DENOMINATOR)

    def instruction_k(self, pattern: Pattern | None) -> int:
        """Reduction of an instruction, rounded up to whole groups of the pattern."""
        return ceil_div(self.k, pattern.group) * pattern.group if pattern else self.k

    def with_pattern(self, pattern: str) -> TensorCore:
        """The cores with weights stored and executed in a pattern."""
        return self.model_copy(update={"pattern": pattern})

    @property
    def operand_rates(self) -> tuple[Fraction | None, Fraction | None]:
        """Bits a cycle into the cores of one multiprocessor, and from the L2 into it; None without a limit."""
        l2 = self.l2_bytes_per_cycle and self.l2_bytes_per_cycle / self.multiprocessors
        return self._bit_rate(self.operand_bytes_per_cycle), self._bit_rate(l2)

    def _bit_rate(self, bytes_per_cycle: float | None) -> Fraction | None:
        if bytes_per_cycle is None:
            return None
        exact = Fraction(bytes_per_cycle * self.sustained_operands * 8).limit_denominator(RATE_DENOMINATOR)
        return max(exact, Fraction(1, RATE_DENOMINATOR))


def as_tensor_cores(engine: EngineDescription) -> TensorCore:
    """The description as that of tensor cores. Raises: TypeError for any other engine."""
    if not isinstance(engine, TensorCore):
        raise TypeError(f"{type(engine).__name__} has no tensor cores")
    return engine
