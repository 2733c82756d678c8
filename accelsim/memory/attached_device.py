"""The memory behind an accelerator's DMA engine: what the schedule's kernel talks to, and what it did."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import Hardware, MemoryDevice, SerialDevice
from accelsim.memory.banked_dram import collect_counts, make_rules
from accelsim.memory.device_run import price_banked, price_io, price_serial
from accelsim.memory.serial_device import BEGINNING, collect_port_counts, make_port
from accelsim.memory.stream import STORE, TileStream

if TYPE_CHECKING:
    from accelsim.kernels.schedule import Memory

FINEST_CLOCK_RATIO = 1 << 20  # in a ratio of two clocks
MOST_REQUESTS = 1 << 28  # of one layer


class Used(NamedTuple):
    """What a simulated memory took in a layer, and what it counted."""

    commands_pj: float  #: the wires included
    standby_pj: float  #: refresh included
    counts: dict[str, int]


class AttachedDevice:
    """A fresh device for one layer: rows closed, half an interval before its next refresh."""

    def __init__(self, stream: TileStream, hardware: Hardware, device: MemoryDevice) -> None:
        requests = _requests(stream, device)
        self.device = device
        self.reads, self.writes = int(requests[:, :STORE].sum()), int(requests[:, STORE].sum())
        if isinstance(device, SerialDevice) and device.write_latency_cycles is None and self.writes:
            raise UserError(f"results are written to DRAM, but {device.name} is read only")
        if self.reads + self.writes > MOST_REQUESTS:
            told = f"{self.reads + self.writes} requests of one layer to {device.name} are too many to simulate"
            raise UserError(f"{told}; give --dram ideal")
        self.memory = self._memory(hardware)

    def _memory(self, hardware: Hardware) -> Memory:
        from accelsim.kernels.dram_state import new_channels
        from accelsim.kernels.schedule import Banks, Memory, Wire

        device = self.device
        ratio = (1000 / Fraction(str(hardware.clock_mhz)) / Fraction(str(device.tck_ns))).limit_denominator(
            FINEST_CLOCK_RATIO
        )
        if ratio == 0:
            raise UserError(f"a clock of {hardware.clock_mhz:g} MHz is too fast for {device.name}; give --dram ideal")
        bare = Memory(0, device.request_bytes, ratio.numerator, ratio.denominator, None, None, None)
        if isinstance(device, SerialDevice):
            self.progress = np.array(BEGINNING, np.int64)
            return bare._replace(wire=Wire(make_port(device), self.progress))
        rules = make_rules(device)
        self.channels = new_channels(rules)
        if device.refresh:
            self.channels["ranks"]["refresh_due"] -= rules.refresh_interval // 2
        done = np.zeros(self.reads + self.writes, np.int64)
        banks = Banks(rules, self.channels, np.zeros(3, np.int64), done, hardware.dma.outstanding_requests)
        exact = hardware.dram.played == "cycle"
        return bare._replace(cycles=banks) if exact else bare._replace(transactions=banks)

    @property
    def refresh_cycles(self) -> int:
        """Engine cycles that one refresh takes, of one channel among all."""
        if isinstance(self.device, SerialDevice):
            return 0
        cycles = self.device.timing_cycles.trfc * self.memory.engine_cycles // self.memory.memory_cycles
        return cycles // self.device.channels

    def used(self, total_ns: float) -> Used:
        """What it took until the layer ended."""
        device = self.device
        total_cycles = ceil(round(total_ns / device.tck_ns, 6))
        if isinstance(device, SerialDevice):
            counts = collect_port_counts(self.progress)
            parts = price_serial(device, counts, total_cycles)
            standby = parts["standby"]
        else:
            counts = collect_counts(device, self.channels, total_cycles)
            parts = price_banked(device, counts)
            standby = sum(parts[name] for name in ("refresh", "active_standby", "precharge_standby"))
        wires = price_io(device, counts, self.reads, self.writes)
        return Used(sum(parts.values()) - standby + wires, standby, counts)


def make_ideal_memory(latency_cycles: int) -> Memory:
    """A memory of which only the bandwidth, in the sizes of transfers, and the latency matter."""
    from accelsim.kernels.schedule import Memory

    return Memory(latency_cycles, 1, 1, 1, None, None, None)


def _requests(stream: TileStream, device: MemoryDevice) -> np.ndarray:
    """How many requests each transfer takes, [steps, 4]."""
    if stream.addresses is None:
        raise ValueError("a simulated memory needs addresses")
    sizes, size = stream.sizes, device.request_bytes
    first = stream.addresses[:, [0, 1, 2, 2]]
    return np.where(sizes > 0, (first + sizes - 1) // size - first // size + 1, 0)
