"""A hardware description: the values that a file under hwconfigs/ holds."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from accelsim.config import Count, Document, Name, NonNegative, Positive, Size, Value, validated
from accelsim.hardware.devices import BankedDevice, MemoryDevice, SerialDevice
from accelsim.hardware.engines import BitSerialUnit, SystolicArray
from accelsim.hardware.gating import Gating
from accelsim.hardware.operating import OperatingPoint, OperatingPoints, Volts
from accelsim.hardware.tensorcore import TensorCore

DramFidelity = Literal["ideal", "transaction", "cycle"]
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


Layout = Literal["as_read", "channels_last", "rows"]


class Sram(Value):
    """An on-chip buffer; one half fills while the other is read, unless a whole operand fits or it has no halves.

    Consecutive words lie in consecutive banks, each of which serves ``ports`` words a cycle: without them the engine
    never waits for a bank. Activations lie as the
    engine reads them (a unit in front of the buffer has arranged them), pixel by pixel with the channels inside, or
    channel by channel in rows of pixels.
    """

    capacity_kib: Size
    banks: Size = 1
    width_bits: Size = 64
    ports: Annotated[int, Field(ge=1, le=8)] | None = None  #: words that a bank serves in a cycle; None: any number
    layout: Layout = "as_read"  #: of activations
    double_buffered: bool = True  #: else the next tile comes when the engine has done with this one, all the buffer's

    @model_validator(mode="after")
    def _layout_of_ports(self) -> Sram:
        if self.layout != "as_read" and self.ports is None:
            raise ValueError(f"layout: {self.layout} makes banks collide, which needs ports; state how many a bank has")
        return self


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
        for name in ("weight", "ofmap"):
            sram = getattr(self, name)
            if sram and sram.layout != "as_read":
                raise ValueError(f"{name}: layout: is one of activations, in ifmap or shared; got {sram.layout}")
        return self

    @property
    def halves(self) -> tuple[int, int, int]:
        """Contents that ifmap, weights and ofmap have room for at a time: one that is used, one that comes or goes."""
        three = (self.shared or getattr(self, name) for name in ("ifmap", "weight", "ofmap"))
        ifmap, weight, ofmap = (1 + sram.double_buffered for sram in three)
        return ifmap, weight, ofmap

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


Device = Annotated[BankedDevice | SerialDevice, Field(discriminator="kind")]
_DEVICE: TypeAdapter[MemoryDevice] = TypeAdapter(Device)


class Dram(Value):
    """Off-chip memory: a bandwidth and a latency, and the device behind them where there is one to be simulated."""

    device: Device | None = None
    channels: Size | None = None  #: default: the device's
    bandwidth_gb_s: Annotated[float, Field(ge=1e-6, le=1e6)]  #: 1e9 bytes a second; default: the device's peak
    latency_ns: Annotated[float, Field(ge=0, le=1e9)]  #: default: what the device needs to open a row and read
    capacity_mib: Positive | None = None  #: default: the device's
    energy_pj_per_bit: Positive | None = None  #: default: the device's, else the technology's
    standby_mw: NonNegative | None = None  #: default: the device's, else none
    fidelity: DramFidelity | None = None  #: default: cycle with a device of this bandwidth and latency, else ideal

    @model_validator(mode="before")
    @classmethod
    def _by_device(cls, data: Any) -> Any:
        """What is not stated, as the device has it; a device that is wrong is told of by its own field."""
        if not isinstance(data, dict) or data.get("device") is None:
            return data
        channels = data.get("channels")
        try:
            device = _DEVICE.validate_python(data["device"])
        except ValidationError:
            return data
        try:
            device = _with_channels(device, channels)
        except ValidationError:
            raise ValueError(f"channels: should be a power of two, at most 128, got {channels}") from None
        given = {
            "bandwidth_gb_s": device.peak_gb_s,
            "latency_ns": device.access_ns,
            "capacity_mib": device.capacity_bytes / 2**20,
        }
        return given | data

    @model_validator(mode="after")
    def _can_be_simulated(self) -> Dram:
        if self.channels is not None and not isinstance(self.device, BankedDevice):
            raise ValueError("channels: needs a device of banks")
        if self.fidelity in (None, "ideal"):
            return self
        if self.memory is None:
            raise ValueError(f"fidelity: {self.fidelity} needs dram.device")
        for key, stated, own in self._beside_device(self.memory):
            if not _alike(stated, own):
                told = f"fidelity {self.fidelity} takes it from the device, {own:.4g}"
                raise ValueError(f"{key}: {told}; leave it out, or choose ideal, got {stated:g}")
        return self

    @cached_property
    def memory(self) -> MemoryDevice | None:
        """The device with as many channels as stated."""
        return self.device and _with_channels(self.device, self.channels)

    def _beside_device(self, memory: MemoryDevice) -> list[tuple[str, float, float]]:
        """What only an ideal memory obeys: key, value, and what the device has."""
        return [
            ("bandwidth_gb_s", self.bandwidth_gb_s, memory.peak_gb_s),
            ("latency_ns", self.latency_ns, memory.access_ns),
        ]

    @cached_property
    def played(self) -> DramFidelity:
        """The fidelity; if it is not stated, the most exact that can obey what is."""
        memory = self.memory
        if self.fidelity or memory is None:
            return self.fidelity or "ideal"
        return "cycle" if all(_alike(stated, own) for _, stated, own in self._beside_device(memory)) else "ideal"


def _alike(stated: float, own: float) -> bool:
    return abs(stated - own) <= 0.01 * own


def _with_channels(device: MemoryDevice, channels: int | None) -> MemoryDevice:
    if channels is None or not isinstance(device, BankedDevice):
        return device
    return BankedDevice.model_validate({**device.model_dump(), "channels": channels})


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
        """The hardware with each dataflow that its array may choose; itself where there is nothing to choose."""
        engine = self.engine
        if not isinstance(engine, SystolicArray) or engine.dataflow != "auto":
            return {"": self}
        arrays = {name: engine.model_copy(update={"dataflow": name}) for name in ("ws", "os", "is")}
        return {name: self.model_copy(update={"engine": array}) for name, array in arrays.items()}


def with_fidelity(hardware: Hardware, fidelity: DramFidelity | None) -> Hardware:
    """The same hardware with its DRAM simulated so exactly; as it is for None.

    Raises: UserError where it cannot be.
    """
    if fidelity in (None, hardware.dram.played):
        return hardware
    data = {name: getattr(hardware.dram, name) for name in hardware.dram.model_fields_set} | {"fidelity": fidelity}
    dram = validated(Dram, Document(f"--dram {fidelity}", data, {}))
    return hardware.model_copy(update={"dram": dram})
