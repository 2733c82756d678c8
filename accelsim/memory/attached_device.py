"""A memory device behind an accelerator's DMA engine: what the schedule's kernel drives, and what the device did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, Protocol, assert_never

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import BankedDevice, DramFidelity, Hardware, MemoryDevice, SerialDevice
from accelsim.memory.banked_dram import collect_counts, make_rules
from accelsim.memory.device_run import price_banked, price_io, price_serial
from accelsim.memory.serial_device import BEGINNING, collect_port_counts, make_port
from accelsim.memory.stream import STORE, TileStream

if TYPE_CHECKING:
    from accelsim.kernels.schedule import Banks, Memory

FINEST_CLOCK_RATIO = 1 << 20  # largest denominator of the ratio of two clocks
MOST_REQUESTS = 1 << 28  # of one layer
_PLACE_BANKS: Mapping[DramFidelity, Callable[[Memory, Banks], Memory]] = {
    "cycle": lambda memory, banks: memory._replace(cycles=banks),
    "transaction": lambda memory, banks: memory._replace(transactions=banks),
}
"""Give the kernel's memory the banks that it simulates at a fidelity; an ideal DRAM has none."""


class Used(NamedTuple):
    """What a simulated memory took in a layer, and what it counted."""

    commands_pj: float  #: energy of commands and data, the wires included
    standby_pj: float  #: energy of standby and refresh
    counts: dict[str, int]  #: commands, bursts and cycles by name


class Traffic(NamedTuple):
    """Requests of a layer, each of the size that the device takes."""

    reads: int
    writes: int


class AttachedDevice(Protocol):
    """A fresh device for one layer, half a refresh interval before its next refresh."""

    memory: Memory  #: what the kernel of the schedule drives

    @property
    def refresh_cycles(self) -> int:
        """Engine cycles by which one refresh of one channel delays the layer, spread over all channels."""

    def used(self, total_ns: float) -> Used:
        """What the device took until the layer ended."""


def attach_device(stream: TileStream, hardware: Hardware, device: MemoryDevice) -> AttachedDevice:
    """Attach a fresh device to the machine that runs a stream.

    Raises: UserError where results are written to a device that is read only, for too many requests to simulate, and
    for an engine clock that is too fast for the device.
    """
    requests = _requests(stream, device)
    traffic = Traffic(int(requests[:, :STORE].sum()), int(requests[:, STORE].sum()))
    if isinstance(device, SerialDevice) and device.write_latency_cycles is None and traffic.writes:
        raise UserError(f"results are written to DRAM, but {device.name} is read only")
    if sum(traffic) > MOST_REQUESTS:
        problem = f"{sum(traffic)} requests of one layer to {device.name} are too many to simulate"
        raise UserError(f"{problem}; give --dram ideal")
    bare = _bare_memory(hardware, device)
    if isinstance(device, SerialDevice):
        return AttachedPort(device, traffic, bare)
    if isinstance(device, BankedDevice):
        return AttachedBanks(device, traffic, bare, hardware)
    assert_never(device)


def _bare_memory(hardware: Hardware, device: MemoryDevice) -> Memory:
    """The kernel's memory with the clocks of engine and device, and no device behind it yet."""
    from accelsim.kernels.schedule import Memory

    ratio = (1000 / Fraction(str(hardware.clock_mhz)) / Fraction(str(device.tck_ns))).limit_denominator(
        FINEST_CLOCK_RATIO
    )
    if ratio == 0:
        raise UserError(f"a clock of {hardware.clock_mhz:g} MHz is too fast for {device.name}; give --dram ideal")
    return Memory(0, device.request_bytes, ratio.numerator, ratio.denominator, None, None, None)


def _count_device_cycles(total_ns: float, device: MemoryDevice) -> int:
    """Cycles of the device's clock that have begun after so many nanoseconds."""
    return ceil(round(total_ns / device.tck_ns, 6))


class AttachedPort:
    """A memory behind a serial port."""

    def __init__(self, device: SerialDevice, traffic: Traffic, bare: Memory) -> None:
        from accelsim.kernels.schedule import Wire

        self.device, self.traffic = device, traffic
        self.progress = np.array(BEGINNING, np.int64)
        self.memory = bare._replace(wire=Wire(make_port(device), self.progress))

    @property
    def refresh_cycles(self) -> int:
        """A port hides its refreshes in its bursts."""
        return 0

    def used(self, total_ns: float) -> Used:
        """What the device took until the layer ended."""
        counts = collect_port_counts(self.progress)
        parts = price_serial(self.device, counts, _count_device_cycles(total_ns, self.device))
        wires = price_io(self.device, counts, *self.traffic)
        return Used(sum(parts.values()) - parts["standby"] + wires, parts["standby"], counts)


class AttachedBanks:
    """A DRAM of banks, with its rows closed."""

    def __init__(self, device: BankedDevice, traffic: Traffic, bare: Memory, hardware: Hardware) -> None:
        from accelsim.kernels.dram_state import new_channels
        from accelsim.kernels.schedule import Banks

        self.device, self.traffic = device, traffic
        rules = make_rules(device)
        self.channels = new_channels(rules)
        if device.refresh:
            self.channels["ranks"]["refresh_due"] -= rules.refresh_interval // 2
        done = np.zeros(sum(traffic), np.int64)
        banks = Banks(rules, self.channels, np.zeros(3, np.int64), done, hardware.dma.outstanding_requests)
        self.memory = _PLACE_BANKS[hardware.dram.effective_fidelity](bare, banks)

    @property
    def refresh_cycles(self) -> int:
        """Engine cycles by which one refresh of one channel delays the layer, spread over all channels."""
        cycles = self.device.timing_cycles.trfc * self.memory.engine_cycles // self.memory.memory_cycles
        return cycles // self.device.channels

    def used(self, total_ns: float) -> Used:
        """What the device took until the layer ended."""
        counts = collect_counts(self.device, self.channels, _count_device_cycles(total_ns, self.device))
        parts = price_banked(self.device, counts)
        standby = sum(parts[name] for name in ("refresh", "active_standby", "precharge_standby"))
        wires = price_io(self.device, counts, *self.traffic)
        return Used(sum(parts.values()) - standby + wires, standby, counts)


def make_ideal_memory(latency_cycles: int) -> Memory:
    """Make a memory for the kernel of which only bandwidth and latency matter; transfers come in bus cycles.

    ``latency_cycles`` are engine cycles from a read's request to its first byte.
    """
    from accelsim.kernels.schedule import Memory

    return Memory(latency_cycles, 1, 1, 1, None, None, None)


def _requests(stream: TileStream, device: MemoryDevice) -> np.ndarray:
    """Requests that each transfer takes, int64[steps, 4]: three loads and the store."""
    if stream.addresses is None:
        raise ValueError("a simulated memory needs addresses")
    sizes, size = stream.sizes, device.request_bytes
    first = stream.addresses[:, [0, 1, 2, 2]]
    return np.where(sizes > 0, (first + sizes - 1) // size - first // size + 1, 0)
