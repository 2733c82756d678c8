"""A memory device by itself: run a trace of requests through it and get cycles, latencies, commands and energy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, assert_never, get_args

from accelsim.config import UserError, show_value
from accelsim.hardware import BankedDevice, MemoryDevice, SerialDevice
from accelsim.memory.banked_dram import CommandCounts, Sink, run_cycles, run_transactions
from accelsim.memory.serial_device import run_serial
from accelsim.memory.traces import Requests, read_trace

COUNTED = {  # a result's key for each count of the kernels
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
    """What a memory device did with a trace. A latency lasts from a request's acceptance to the end of its data."""

    device: MemoryDevice
    fidelity: str
    requests: int
    reads: int
    total_cycles: int  #: of the device's clock, from 0 to the end of the last data
    counts: dict[str, int]
    energy_pj_by_component: dict[str, float] = field(default_factory=dict)  #: of the device itself
    io_energy_pj: float = 0.0  #: of the wires to the device

    @property
    def energy_pj(self) -> float:
        """Energy of the device itself, without the wires to it."""
        return sum(self.energy_pj_by_component.values())

    @property
    def time_ns(self) -> float:
        """Time of the whole trace."""
        return self.total_cycles * self.device.tck_ns

    @property
    def average_read_latency_cycles(self) -> float | None:
        """Average latency of reads; None where nothing is read."""
        return self.counts["latency"] / self.reads if self.reads else None

    @property
    def bandwidth_gb_s(self) -> float:
        """Bytes of all requests over the time of the trace, in 1e9 bytes a second."""
        return self.requests * self.device.request_bytes / self.time_ns

    def as_record(self) -> dict[str, Any]:
        """The run as a mapping of plain values; a count that the kind of device does not have is 0."""
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
    """Run the requests of a trace through a memory device by itself.

    ``device`` comes from ``load_device``. ``trace`` is a CSV file with the columns arrival_cycle, address and is_write,
    an npz file with the arrays arrival, addr and is_write, or an iterable of ``Requests``. With the fidelity ``cycle``
    a DRAM is simulated command by command, with ``transaction`` request by request; a serial device knows one way only.
    ``sink`` is called with the commands of a DRAM, int64[n, 7]: cycle, channel, command, rank, bank, row, column.

    Returns cycles, latencies, counts and energy; ``as_record()`` gives them as plain values.

    Raises: UserError for a file that cannot be read, another fidelity, a ``sink`` that gets no commands, and a write to
    a device that is read only.
    """
    if fidelity not in _BANKED_RUNS:
        raise UserError(f"fidelity: should be {' or '.join(get_args(DeviceFidelity))}, got {show_value(fidelity)}")
    if sink is not None and (fidelity != "cycle" or not isinstance(device, BankedDevice)):
        raise UserError(f"sink: only a DRAM at fidelity cycle has commands, got {device.name} at {fidelity}")
    pieces = read_trace(Path(trace), device.capacity_bytes) if isinstance(trace, Path | str) else trace
    seen = _Seen()
    if isinstance(device, SerialDevice):
        counts, total_cycles = run_serial(device, seen.count(pieces))
        energy = price_serial(device, counts, total_cycles)
    elif isinstance(device, BankedDevice):
        counts, total_cycles = _BANKED_RUNS[fidelity](device, seen.count(pieces), sink)
        energy = price_banked(device, counts)
    else:
        assert_never(device)
    io = price_io(device, counts, seen.reads, seen.requests - seen.reads)
    return DeviceRun(device, fidelity, seen.requests, seen.reads, total_cycles, counts, energy, io)


def _run_transactions(device: BankedDevice, pieces: Iterable[Requests], sink: Sink | None) -> CommandCounts:
    return run_transactions(device, pieces)


_BANKED_RUNS: Mapping[DeviceFidelity, Callable[[BankedDevice, Iterable[Requests], Sink | None], CommandCounts]] = {
    "transaction": _run_transactions,
    "cycle": run_cycles,
}


class _Seen:
    """The number of requests and reads that have passed."""

    requests = 0
    reads = 0

    def count(self, pieces: Iterable[Requests]) -> Iterator[Requests]:
        """Give the pieces of a trace on and count their requests."""
        for piece in pieces:
            self.requests += piece.size
            self.reads += piece.size - int(piece.is_write.sum())
            yield piece


def price_io(device: MemoryDevice, counts: dict[str, int], reads: int, writes: int) -> float:
    """Price the data on the wires to a device, in pJ; requests that the controller answers itself move none."""
    bits = 8 * device.request_bytes
    moved_reads = reads - counts.get("served_by_writes", 0) - counts.get("joined_reads", 0)
    moved_writes = writes - counts.get("joined_writes", 0)
    return bits * (moved_reads * device.io.read_pj_per_bit + moved_writes * device.io.write_pj_per_bit)


def price_banked(device: BankedDevice, counts: dict[str, int]) -> dict[str, float]:
    """Price what a DRAM did, in pJ by component, from its IDD currents: V x mA x ns x devices.

    An activate includes its precharge and counts above standby; the standby of a rank depends on whether one of its
    banks is open (Micron TN-40-07; DRAMsim3, configuration.cc).
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
    """Price what a serial device did, in pJ by component: active currents while chip enable is low, else standby."""
    cycle = device.supply_v * device.tck_ns
    idle = total_cycles - counts["reading_cycles"] - counts["writing_cycles"]
    return {
        "read": counts["reading_cycles"] * cycle * device.read_ma,
        "write": counts["writing_cycles"] * cycle * device.write_ma,
        "standby": idle * cycle * device.standby_ma,
    }
