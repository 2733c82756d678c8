"""A memory device alone: a trace in, cycles, latencies, commands and energy out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from accelsim.hardware import BankedDevice, MemoryDevice, SerialDevice
from accelsim.memory.banked_dram import Sink, run_cycles, run_transactions
from accelsim.memory.serial_device import run_serial
from accelsim.memory.traces import Requests, read_trace

COUNTED = {  # what a result calls the counts
    "activates": "ACT",
    "precharges": "PRE",
    "refreshes": "REF",
    "bursts": "bursts",
    "row_hits": "row_hits",
    "reads_served_by_writes": "served_by_writes",
    "reads_joined": "joined_reads",
    "writes_joined": "joined_writes",
}
DeviceFidelity = Literal["transaction", "cycle"]


@dataclass(frozen=True, slots=True)
class DeviceRun:
    """What a memory did with a trace. Latency is from a request's acceptance to the end of its data."""

    device: MemoryDevice
    fidelity: str
    requests: int
    reads: int
    total_cycles: int  #: of the memory's clock, from 0 to the end of the last data
    counts: dict[str, int]
    energy_pj_by_component: dict[str, float] = field(default_factory=dict)  #: the memory itself
    io_energy_pj: float = 0.0  #: the wires to it

    @property
    def energy_pj(self) -> float:
        """The memory itself, without the wires to it."""
        return sum(self.energy_pj_by_component.values())

    @property
    def time_ns(self) -> float:
        """Of all of it."""
        return self.total_cycles * self.device.tck_ns

    @property
    def average_read_latency_cycles(self) -> float | None:
        """None where nothing is read."""
        return self.counts["latency"] / self.reads if self.reads else None

    @property
    def bandwidth_gb_s(self) -> float:
        """What requests moved, by the time that it took; 1e9 bytes a second."""
        return self.requests * self.device.request_bytes / self.time_ns

    def as_json(self) -> dict[str, Any]:
        """Plain data; what the kind of device does not have is 0."""
        counts = self.counts
        return {
            "device": self.device.name,
            "fidelity": self.fidelity,
            "requests": self.requests,
            "reads": self.reads,
            "writes": self.requests - self.reads,
            "total_cycles": self.total_cycles,
            "time_us": self.time_ns / 1e3,
            "average_read_latency_cycles": self.average_read_latency_cycles,
            "longest_read_latency_cycles": counts["longest"],
            **{key: counts.get(name, 0) for key, name in COUNTED.items()},
            "bandwidth_gb_s": self.bandwidth_gb_s,
            "peak_bandwidth_gb_s": self.device.peak_gb_s,
            "energy_pj": self.energy_pj,
            "energy_pj_by_component": self.energy_pj_by_component,
            "io_energy_pj": self.io_energy_pj,
            "average_power_mw": (self.energy_pj + self.io_energy_pj) / self.time_ns,
        }


def run_trace(
    device: MemoryDevice,
    trace: Path | str | Iterable[Requests],
    fidelity: DeviceFidelity = "cycle",
    sink: Sink | None = None,
) -> DeviceRun:
    """Run the requests of a trace through a memory device.

    ``trace`` is a file (CSV or npz) or pieces of requests. ``sink`` takes every command of a banked device; it needs
    the fidelity ``cycle``. Raises: UserError for a file that cannot be read, and for a write to a read-only device.
    """
    pieces = read_trace(Path(trace), device.capacity_bytes) if isinstance(trace, Path | str) else trace
    seen = _Seen()
    if isinstance(device, SerialDevice):
        counts, total_cycles = run_serial(device, seen.all_of(pieces))
        energy = price_serial(device, counts, total_cycles)
    else:
        if fidelity == "transaction":
            counts, total_cycles = run_transactions(device, seen.all_of(pieces))
        else:
            counts, total_cycles = run_cycles(device, seen.all_of(pieces), sink)
        energy = price_banked(device, counts)
    io = price_io(device, counts, seen.reads, seen.requests - seen.reads)
    return DeviceRun(device, fidelity, seen.requests, seen.reads, total_cycles, counts, energy, io)


class _Seen:
    """Counts requests as they pass."""

    requests = 0
    reads = 0

    def all_of(self, pieces: Iterable[Requests]) -> Iterator[Requests]:
        for piece in pieces:
            self.requests += piece.size
            self.reads += piece.size - int(piece.is_write.sum())
            yield piece


def price_io(device: MemoryDevice, counts: dict[str, int], reads: int, writes: int) -> float:
    """pJ on the wires, of what passes them."""
    bits = 8 * device.request_bytes
    moved_reads = reads - counts.get("served_by_writes", 0) - counts.get("joined_reads", 0)
    moved_writes = writes - counts.get("joined_writes", 0)
    return bits * (moved_reads * device.io.read_pj_per_bit + moved_writes * device.io.write_pj_per_bit)


def price_banked(device: BankedDevice, counts: dict[str, int]) -> dict[str, float]:
    """pJ by component, from IDD currents: V x mA x ns x devices (Micron TN-40-07; DRAMsim3, configuration.cc).

    An activate is priced with its precharge, above standby; background is a rank's, by whether a bank is open.
    """
    i, cycle = device.currents_ma, device.pj_per_ma_cycle
    return {
        "activate": counts["ACT"] * cycle * device.row_cycle_ma_cycles,
        "read": counts["RD"] * cycle * (i.idd4r - i.idd3n) * device.burst_cycles,
        "write": counts["WR"] * cycle * (i.idd4w - i.idd3n) * device.burst_cycles,
        "refresh": counts["REF"] * cycle * (i.idd5ab - i.idd3n) * device.timing_cycles.trfc,
        "active_standby": counts["active_cycles"] * cycle * i.idd3n,
        "precharge_standby": counts["standby_cycles"] * cycle * i.idd2n,
    }


def price_serial(device: SerialDevice, counts: dict[str, int], total_cycles: int) -> dict[str, float]:
    """pJ by component: active currents while chip enable is low, standby otherwise."""
    cycle = device.supply_v * device.tck_ns
    idle = total_cycles - counts["reading_cycles"] - counts["writing_cycles"]
    return {
        "read": counts["reading_cycles"] * cycle * device.read_ma,
        "write": counts["writing_cycles"] * cycle * device.write_ma,
        "standby": idle * cycle * device.standby_ma,
    }
