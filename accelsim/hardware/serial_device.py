"""Memories behind a serial port as a file under hwconfigs/dram describes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from accelsim.config import Count, Name, NonNegative, Positive, Size, Value
from accelsim.hardware.datasheet import InputOutput

Mhz = Annotated[float, Field(ge=1e-3, le=1e5)]


class SerialDevice(Value):
    """A memory behind a serial port: one request after the other, each with command, latency and data."""

    can_extend: ClassVar[bool] = True

    kind: Literal["serial"]
    """Kind of the device: a memory behind a serial port."""
    name: Name
    """Name of the device."""
    description: str = ""
    """What the device is, in a sentence or two."""
    clock_mhz: Mhz
    """Clock of the port, MHz."""
    capacity_mib: Size
    """Capacity of the device, MiB."""
    bytes_per_cycle: Size
    """Bytes that the port moves in a cycle of its clock."""
    request_bytes: Size
    """Bytes of one request of the host, a multiple of bytes_per_cycle."""
    command_cycles: Count
    """Cycles in which instruction and address are sent."""
    read_latency_cycles: Count
    """Cycles from the address to the first data of a read."""
    write_latency_cycles: Count | None
    """Cycles from the address to the first data of a write; null for a memory that cannot be written in operation."""
    deselect_cycles: Count
    """Cycles between two commands in which the device is not selected."""
    page_bytes: Size | None = None
    """Bytes of a page, at whose boundary a burst ends, a multiple of request_bytes; without it a burst goes on."""
    longest_burst_ns: Positive | None = None
    """Longest time that a burst may take, as the device has to refresh itself, ns; without it there is no limit."""
    supply_v: Positive
    """Supply voltage of the device, V."""
    read_ma: NonNegative
    """Current while data are read, mA."""
    write_ma: NonNegative
    """Current while data are written, mA."""
    standby_ma: NonNegative
    """Current while the device is not selected, mA."""
    io: InputOutput
    """Energy on the wires between host and device."""

    @model_validator(mode="after")
    def _shape(self) -> SerialDevice:
        if self.request_bytes % self.bytes_per_cycle:
            raise ValueError(f"request_bytes: should be a multiple of {self.bytes_per_cycle}, got {self.request_bytes}")
        if self.page_bytes is not None and self.page_bytes % self.request_bytes:
            raise ValueError(f"page_bytes: should be a multiple of {self.request_bytes}, got {self.page_bytes}")
        return self

    @property
    def tck_ns(self) -> float:
        """Clock period of the device, ns."""
        return 1e3 / self.clock_mhz

    @property
    def capacity_bytes(self) -> int:
        """Capacity of the device, bytes."""
        return self.capacity_mib * 2**20

    @property
    def peak_gb_s(self) -> float:
        """Bandwidth within a burst, 1e9 bytes a second."""
        return self.bytes_per_cycle / self.tck_ns

    @property
    def access_ns(self) -> float:
        """Time of one read by itself, ns."""
        data = self.request_bytes // self.bytes_per_cycle
        return (self.command_cycles + self.read_latency_cycles + data) * self.tck_ns

    @property
    def stream_pj_per_bit(self) -> float:
        """Energy of a bit that is read within a burst, with the wires, pJ."""
        return self.supply_v * self.read_ma * self.tck_ns / (8 * self.bytes_per_cycle) + self.io.read_pj_per_bit

    @property
    def standby_mw(self) -> float:
        """Power while the device is not selected, mW."""
        return self.supply_v * self.standby_ma
