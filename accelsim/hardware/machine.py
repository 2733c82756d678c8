"""A hardware description: the values that a file under hwconfigs/ holds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from accelsim.config import Count, Document, Name, Positive, Size, Value, validate_document
from accelsim.hardware.buffers import OperandSrams
from accelsim.hardware.dram import Dram, DramFidelity
from accelsim.hardware.engines import AnyEngine
from accelsim.hardware.gating import Gating
from accelsim.hardware.operating import OperatingPoint, OperatingPoints, Volts


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


class Dma(Value):
    """What brings tiles in and takes results away."""

    outstanding_requests: Annotated[int, Field(ge=1, le=4096)] = 64  #: to a simulated device, of one burst each


Objective = Literal["delay_traffic", "edp", "energy", "cycles", "bytes"]


class Mapper(Value):
    """What the search for tile sizes and loop orders looks for."""

    objective: Objective = "delay_traffic"  #: least cycles x DRAM bytes, energy x cycles, or one of the three alone


class Schedule(Value):
    """What the order of layers allows to spare; all of it is off unless asked for."""

    fuse: bool = False  #: a result that fits stays on chip for the next layer
    prefetch_weights: bool = False  #: the next layer's first weights come while the DMA engine would idle
    keep_weights: bool = False  #: weights stay on chip from one inference to the next, if all of them fit
    compress_activations: bool = False  #: activations cross the chip's edge as run lengths of zeros

    @property
    def plain(self) -> bool:
        """Nothing is spared."""
        return not (self.fuse or self.prefetch_weights or self.keep_weights or self.compress_activations)


class TechnologyChoice(Value):
    """Which energy table, SRAM cells and temperature price the counts."""

    name: Name
    sram_cell: Literal["itrs-hp", "itrs-lop", "itrs-lstp"]
    temperature_k: Annotated[float, Field(ge=300, le=400)]
    voltage_v: Volts | None = None  #: default: each figure's own reference voltage
    sram_voltage_v: Volts | None = None  #: default: voltage_v


class Thermal(Value):
    """A package as one resistance and one capacitance between the die and its surroundings."""

    resistance_k_per_w: Positive
    capacitance_j_per_k: Positive = 1.0
    ambient_k: Annotated[float, Field(ge=200, le=450)]
    limit_k: Annotated[float, Field(ge=200, le=500)] | None = None  #: above which it throttles

    @model_validator(mode="after")
    def _limit_above_ambient(self) -> Thermal:
        if self.limit_k is not None and self.limit_k <= self.ambient_k:
            raise ValueError(f"limit_k: should be above ambient_k, {self.ambient_k:g}, got {self.limit_k:g}")
        return self


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
    dma: Dma = Dma()
    schedule: Schedule = Schedule()
    mapper: Mapper = Mapper()
    technology: TechnologyChoice
    operating_points: OperatingPoints | None = None
    gating: Gating = Gating()
    thermal: Thermal | None = None  #: None: the temperature is the technology's, whatever the power

    def at(self, point: OperatingPoint) -> Hardware:
        """The same at a voltage and clock; the DRAM keeps its own."""
        voltages = {"voltage_v": point.voltage_v, "sram_voltage_v": point.sram_voltage_v}
        technology = self.technology.model_copy(update=voltages)
        return self.model_copy(update={"clock_mhz": point.clock_mhz, "technology": technology})

    @property
    def dataflows(self) -> dict[str, Hardware]:
        """The hardware with each dataflow that a layer may choose; itself, named "", where there is no choice."""
        choices = self.engine.dataflows()
        if len(choices) == 1:
            return dict.fromkeys(choices, self)
        return {name: self.model_copy(update={"engine": engine}) for name, engine in choices.items()}


def with_fidelity(hardware: Hardware, fidelity: DramFidelity | None) -> Hardware:
    """The same hardware with its DRAM simulated so exactly; as it is for None.

    Raises: UserError where it cannot be.
    """
    if fidelity in (None, hardware.dram.effective_fidelity):
        return hardware
    data = {name: getattr(hardware.dram, name) for name in hardware.dram.model_fields_set} | {"fidelity": fidelity}
    dram = validate_document(Dram, Document(f"--dram {fidelity}", data, {}))
    return hardware.model_copy(update={"dram": dram})
