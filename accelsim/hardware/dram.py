"""The memory behind the edge of the chip as a hardware file describes it."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from accelsim.config import NonNegative, Positive, Size, Value
from accelsim.hardware.banked_dram import BankedDevice
from accelsim.hardware.devices import MemoryDevice

DramFidelity = Literal["ideal", "transaction", "cycle"]


Device = Annotated[MemoryDevice, Field(discriminator="kind")]
_DEVICE: TypeAdapter[MemoryDevice] = TypeAdapter(Device)


class Dram(Value):
    """Off-chip memory: a bandwidth and a latency, and the device behind them where there is one to be simulated."""

    device: Device | None = None
    """Memory device behind the DMA engine: a shipped name, a path, or the keys of a device file."""
    channels: Size | None = None
    """Number of channels of the device, a power of two, at most 128; by default as many as the device has."""
    bandwidth_gb_s: Annotated[float, Field(ge=1e-6, le=1e6)]
    """Bandwidth, 1e9 bytes a second; by default the peak bandwidth of the device."""
    latency_ns: Annotated[float, Field(ge=0, le=1e9)]
    """Time from a request to its first byte, ns; by default what the device needs to open a row and read a burst."""
    capacity_mib: Positive | None = None
    """Capacity, MiB, against which the size of a network is checked; by default the device's, else not known."""
    energy_pj_per_bit: Positive | None = None
    """Energy of a bit that is moved, pJ, where the device is not simulated; by default the device's when it reads
    whole rows, else the technology's."""
    standby_mw: NonNegative | None = None
    """Power drawn all the time, mW, where the device is not simulated; by default the device's, else 0."""
    fidelity: DramFidelity | None = None
    """How exactly the memory is simulated: ideal (a bandwidth and a latency), transaction (request by request) or
    cycle (command by command); by default cycle for a device with its own bandwidth and latency, else ideal."""

    @model_validator(mode="before")
    @classmethod
    def _by_device(cls, data: Any) -> Any:
        """Take what is not stated from the device; a wrong device is reported by the checks of its own fields."""
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
                source = f"fidelity {self.fidelity} takes it from the device, {own:.4g}"
                raise ValueError(f"{key}: {source}; leave it out, or choose ideal, got {stated:g}")
        return self

    @cached_property
    def memory(self) -> MemoryDevice | None:
        """The device, with as many channels as ``channels`` states."""
        return self.device and _with_channels(self.device, self.channels)

    def _beside_device(self, memory: MemoryDevice) -> list[tuple[str, float, float]]:
        """Key, stated value and the device's own value of what only an ideal memory obeys."""
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
