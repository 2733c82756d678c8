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
    """Additions and subtractions of a lane in a cycle."""
    mul: Positive = 1.0
    """Multiplications of a lane in a cycle."""
    max: Positive = 1.0
    """Comparisons of a lane in a cycle, as max pooling and clamping need them."""
    exp: Positive = 1.0
    """Exponentials of a lane in a cycle."""
    divide: Positive = 1.0
    """Divisions of a lane in a cycle."""
    lookup: Positive = 1.0
    """Table look-ups of a lane in a cycle, by which activation functions are interpolated."""


class VectorUnit(Value):
    """Lanes that do element-wise work, each kind at its own rate."""

    lanes: Size
    """Number of elements that the unit works on at a time."""
    latency_cycles: Count = 0
    """Cycles from the first element in to the first element out."""
    operations_per_cycle: VectorRates = VectorRates()
    """Rate of a lane for each kind of operation, operations a cycle."""


class Dma(Value):
    """The DMA engine, which brings tiles into the buffers and takes results away."""

    outstanding_requests: Annotated[int, Field(ge=1, le=4096)] = 64
    """Number of requests, one burst each, that may be under way to a simulated device at a time."""


Objective = Literal["delay_traffic", "edp", "energy", "cycles", "bytes"]


class Mapper(Value):
    """What the search for tile sizes and loop orders looks for."""

    objective: Objective = "delay_traffic"
    """What is made least: delay_traffic (cycles x DRAM bytes), edp (energy x cycles), energy, cycles or bytes."""


class Schedule(Value):
    """Traffic that the compiler avoids by keeping tensors on chip; every switch is off by default."""

    fuse: bool = False
    """Whether a result stays on chip for the next layer, whole or in bands of rows, where it fits."""
    prefetch_weights: bool = False
    """Whether the first weights of a layer come during the layer before, while the DMA engine would idle."""
    keep_weights: bool = False
    """Whether weights stay on chip from one inference to the next, if all weights of the network fit."""
    compress_activations: bool = False
    """Whether activations cross the chip's edge as run lengths of zeros (the code of Eyeriss), by the share of
    zeros that layers state as activation_zeros."""

    @property
    def plain(self) -> bool:
        """Whether every tensor goes through DRAM as it is."""
        return not (self.fuse or self.prefetch_weights or self.keep_weights or self.compress_activations)


class TechnologyChoice(Value):
    """The process, SRAM cells, temperature and voltages by which energy and area are priced."""

    name: Name
    """Name of the technology, a file under hwconfigs/technology."""
    sram_cell: Literal["itrs-hp", "itrs-lop", "itrs-lstp"]
    """Class of the SRAM cells: itrs-hp (fast), itrs-lop (low operating power) or itrs-lstp (low standby power)."""
    temperature_k: Annotated[float, Field(ge=300, le=400)]
    """Temperature of the die, K, on which leakage depends; a thermal section replaces it by a computed one."""
    voltage_v: Volts | None = None
    """Supply voltage of logic and SRAM, V; by default the voltage for which the technology states each figure."""
    sram_voltage_v: Volts | None = None
    """Supply voltage of the SRAMs alone, V; by default voltage_v."""


class Thermal(Value):
    """A package as one resistance and one capacitance between the die and its surroundings."""

    resistance_k_per_w: Positive
    """Thermal resistance from the die to its surroundings, K/W."""
    capacitance_j_per_k: Positive = 1.0
    """Heat capacity of die and package, J/K."""
    ambient_k: Annotated[float, Field(ge=200, le=450)]
    """Temperature of the surroundings, K."""
    limit_k: Annotated[float, Field(ge=200, le=500)] | None = None
    """Temperature of the die above which the machine throttles, K; without it the machine does not throttle."""

    @model_validator(mode="after")
    def _limit_above_ambient(self) -> Thermal:
        if self.limit_k is not None and self.limit_k <= self.ambient_k:
            raise ValueError(f"limit_k: should be above ambient_k, {self.ambient_k:g}, got {self.limit_k:g}")
        return self


class Hardware(Value):
    """One accelerator: engine, vector unit, memories, technology, and its clock."""

    can_extend: ClassVar[bool] = True

    name: Name
    """Name of the accelerator."""
    description: str = ""
    """What the accelerator is, in a sentence or two."""
    clock_mhz: Annotated[float, Field(ge=1e-3, le=1e5)]
    """Clock of engine, vector unit, SRAM and DMA engine, MHz."""
    engine: AnyEngine
    """Matrix engine that computes convolutions and other matrix products."""
    vector: VectorUnit
    """Vector unit that computes activation functions, pooling and other element-wise work."""
    sram: OperandSrams
    """On-chip buffers."""
    dram: Dram
    """Memory off chip."""
    dma: Dma = Dma()
    """DMA engine between DRAM and buffers."""
    schedule: Schedule = Schedule()
    """What the compiler keeps on chip or brings ahead of time."""
    mapper: Mapper = Mapper()
    """What the search for tile sizes looks for."""
    technology: TechnologyChoice
    """Process, SRAM cells, temperature and voltage by which energy and area are priced."""
    operating_points: OperatingPoints | None = None
    """Voltages and clocks at which the chip can run; by default derived from the technology's law."""
    gating: Gating = Gating()
    """How idle blocks are switched off; what is left out is derived."""
    thermal: Thermal | None = None
    """Package of the die; without it the temperature is technology.temperature_k, whatever the power."""

    def at(self, point: OperatingPoint) -> Hardware:
        """The hardware at an operating point; the DRAM keeps its own clock and voltage."""
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
    """The same hardware with its DRAM simulated with the given fidelity; unchanged where that is None.

    Raises: UserError where the hardware states no device, or a bandwidth that is not the device's.
    """
    if fidelity in (None, hardware.dram.effective_fidelity):
        return hardware
    data = {name: getattr(hardware.dram, name) for name in hardware.dram.model_fields_set} | {"fidelity": fidelity}
    dram = validate_document(Dram, Document(f"--dram {fidelity}", data, {}))
    return hardware.model_copy(update={"dram": dram})
