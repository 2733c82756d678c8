"""A hardware description: the values that a file under hwconfigs/ holds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from accelsim.config import Count, Name, NonNegative, Positive, Size, Value
from accelsim.hardware.engines import BitSerialUnit, SystolicArray
from accelsim.hardware.tensorcore import TensorCore

AnyEngine = Annotated[SystolicArray | BitSerialUnit | TensorCore, Field(discriminator="kind")]


class VectorRates(Value):
    """Operations that one lane finishes in a cycle, by kind."""

    add: Positive = 1.0
    mul: Positive = 1.0
    max: Positive = 1.0
    exp: Positive = 1.0
    divide: Positive = 1.0
    lookup: Positive = 1.0


class VectorUnit(Value):
    """Lanes that do element-wise work, each kind at its own rate."""

    lanes: Size
    latency_cycles: Count = 0  #: from the first element in to the first one out
    operations_per_cycle: VectorRates = VectorRates()


class Sram(Value):
    """An on-chip buffer; one half fills while the other is read, unless a whole operand fits."""

    capacity_kib: Size
    banks: Size = 1
    width_bits: Size = 64


class OperandSrams(Value):
    """One buffer for each operand, or one that all three share as the mapping likes."""

    ifmap: Sram | None = None
    weight: Sram | None = None
    ofmap: Sram | None = None
    shared: Sram | None = None

    @model_validator(mode="after")
    def _all_or_shared(self) -> OperandSrams:
        operands = (self.ifmap, self.weight, self.ofmap)
        if (self.shared is None) == any(s is None for s in operands) or (self.shared and any(operands)):
            raise ValueError("give either ifmap, weight and ofmap, or shared alone")
        return self

    @property
    def operand_bytes(self) -> tuple[int, int, int]:
        """Room for ifmap, weights and ofmap: each one's buffer, or a third of the shared one."""
        if self.shared:
            return (self.capacity_bytes // 3,) * 3
        sizes = [s.capacity_kib * 1024 for s in (self.ifmap, self.weight, self.ofmap) if s]
        return sizes[0], sizes[1], sizes[2]

    @property
    def capacity_bytes(self) -> int:
        """All buffers together."""
        return sum(s.capacity_kib for s in (self.ifmap, self.weight, self.ofmap, self.shared) if s) * 1024


class Dram(Value):
    """Off-chip memory as a bandwidth and a latency."""

    bandwidth_gb_s: Annotated[float, Field(ge=1e-6, le=1e6)]  #: 1e9 bytes a second
    latency_ns: Annotated[float, Field(ge=0, le=1e9)]
    capacity_mib: Positive | None = None
    energy_pj_per_bit: Positive | None = None  #: default: the technology's
    standby_mw: NonNegative = 0.0
    fidelity: Literal["ideal"] = "ideal"


class TechnologyChoice(Value):
    """Which energy table, SRAM cells and temperature price the counts."""

    name: Name
    sram_cell: Literal["itrs-hp", "itrs-lop", "itrs-lstp"]
    temperature_k: Annotated[float, Field(ge=300, le=400)]


class Hardware(Value):
    """One accelerator: engine, vector unit, memories, technology, and its clock."""

    can_extend: ClassVar[bool] = True

    name: Name
    description: str = ""
    clock_mhz: Annotated[float, Field(ge=1e-3, le=1e5)]
    engine: AnyEngine
    vector: VectorUnit
    sram: OperandSrams
    dram: Dram
    technology: TechnologyChoice
