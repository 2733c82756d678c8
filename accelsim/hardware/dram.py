"""The memory behind the edge of the chip as a hardware file describes it."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from accelsim.config import NonNegative, Positive, Size, Value
from accelsim.hardware.devices import BankedDevice, MemoryDevice, SerialDevice

DramFidelity = Literal["ideal", "transaction", "cycle"]


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
    def effective_fidelity(self) -> DramFidelity:
        """The fidelity that a run uses: the stated one, else the most exact one that obeys bandwidth and latency."""
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
