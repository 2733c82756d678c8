"""A DRAM as a bandwidth and a latency, in cycles of the engine's clock."""

from __future__ import annotations

from math import ceil, gcd

import numpy as np

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.hardware import Hardware
from accelsim.workload.gemm import INT64_MAX


def count_transfer_cycles(nbytes: np.ndarray, hardware: Hardware) -> np.ndarray:
    """Count the engine cycles for which transfers occupy the bus.

    ``nbytes`` are bytes, int64 of any shape; the result has the same shape and type.

    Raises: UserError where a transfer is too large for 64-bit arithmetic.
    """
    clock, bandwidth = round(hardware.clock_mhz * 1e6), round(hardware.dram.bandwidth_gb_s * 1e9)
    common = gcd(clock, bandwidth)
    clock, bandwidth = clock // common, max(bandwidth // common, 1)
    if nbytes.size and int(nbytes.max()) * clock > INT64_MAX:
        raise UserError(f"one transfer of {int(nbytes.max())} bytes at {hardware.dram.bandwidth_gb_s} GB/s overflows")
    return np.asarray(ceil_div(nbytes * clock, bandwidth), dtype=np.int64)


def count_transfer_time(nbytes: int, hardware: Hardware) -> int:
    """Count the engine cycles from the request of so many bytes to the arrival of the last one.

    Raises: UserError as ``count_transfer_cycles``.
    """
    return int(count_transfer_cycles(np.array([nbytes]), hardware)[0]) + count_read_latency(hardware)


def count_read_latency(hardware: Hardware) -> int:
    """Count the engine cycles from a read's request to its first byte."""
    return ceil(round(hardware.dram.latency_ns * hardware.clock_mhz, 6) / 1000)
