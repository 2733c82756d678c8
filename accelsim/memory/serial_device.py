"""A memory behind a serial port, such as OctoSPI PSRAM or flash, and the run of a trace through it."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Any

from accelsim.config import UserError
from accelsim.hardware import SerialDevice
from accelsim.memory.traces import Requests

BEGINNING = (0, 0, -1, 0, 0, 0, 0, 0, 0)  # the kernel's Progress before the first request


def run_serial(device: SerialDevice, pieces: Iterable[Requests]) -> tuple[dict[str, int], int]:
    """Run a trace, which comes in pieces, through a device; give its counts by name and the total cycles.

    Cycles are those of the device's clock. Raises: UserError for a write to a device that is read only.
    """
    from accelsim.kernels.dram_serial import Progress, serve

    port, progress = make_port(device), Progress(*BEGINNING)
    taken = 0
    for requests in pieces:
        if device.write_latency_cycles is None and requests.is_write.any():
            first = taken + int(requests.is_write.argmax())
            raise UserError(f"request {first} writes (counted from 0), but {device.name} is read only")
        progress = Progress(*serve(port, progress, requests.arrival, requests.address, requests.is_write))
        taken += requests.size
    return collect_port_counts(progress), int(progress.free)


def collect_port_counts(progress: Iterable[int]) -> dict[str, int]:
    """Collect what a port counted, by name; ``progress`` is the kernel's Progress, as a tuple or int64[9]."""
    from accelsim.kernels.dram_serial import Progress

    seen = Progress(*map(int, progress))
    return {
        "bursts": seen.bursts,
        "latency": seen.latency,
        "longest": seen.longest,
        "reading_cycles": seen.active_reading,
        "writing_cycles": seen.active_writing,
    }


def make_port(device: SerialDevice) -> Any:
    """Make the kernel's Port: a device's latencies in cycles of its clock, and its sizes in bytes."""
    from accelsim.kernels.dram_serial import Port

    longest = floor(device.longest_burst_ns / device.tck_ns) if device.longest_burst_ns else 0
    return Port(
        device.command_cycles,
        device.read_latency_cycles,
        device.write_latency_cycles or 0,
        device.request_bytes // device.bytes_per_cycle,
        device.deselect_cycles,
        device.request_bytes,
        device.page_bytes or 0,
        longest,
    )
