"""What bounds a layer, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping

from accelsim.hardware import Hardware
from accelsim.lowering import Gemm

OVERLAPPED = 0.6  # below this share of the busiest unit, waiting for first and last transfers is what costs


def bound_of(busy_cycles: Mapping[str, int], total_cycles: int) -> str:
    """The busiest of compute, vector and memory; ``latency`` where even that one mostly waits."""
    bound = max(busy_cycles, key=lambda unit: busy_cycles[unit])
    return bound if busy_cycles[bound] >= OVERLAPPED * total_cycles else "latency"


def reason(
    bound: str, gemm: Gemm | None, hardware: Hardware, compute_cycles: int, moved_bytes: int, compulsory_bytes: int
) -> str:
    """One line for the report."""
    if bound == "compute" and gemm:
        return _array(gemm, hardware, compute_cycles)
    if bound == "vector":
        return f"element-wise work on {hardware.vector.lanes} vector lanes"
    if bound == "memory":
        moved = f"{moved_bytes / 1024:,.0f} KiB at {hardware.dram.bandwidth_gb_s:g} GB/s"
        again = moved_bytes / max(1, compulsory_bytes)
        return f"{moved}, {again:.2f} times the compulsory bytes" if again > 1 else moved
    return f"first and last transfers are not hidden ({hardware.dram.latency_ns:g} ns to DRAM, few tiles)"


def _array(gemm: Gemm, hardware: Hardware, compute_cycles: int) -> str:
    """How many rows and columns work, and how much of the time the pipeline fills and drains."""
    array = hardware.engine
    sizes = {"m": gemm.m, "n": gemm.n, "k": gemm.k}
    rows_hold, cols_hold = {"os": ("m", "n"), "ws": ("k", "n"), "is": ("k", "m")}[array.dataflow]
    rows = sizes[rows_hold] / -(-sizes[rows_hold] // array.rows)
    cols = sizes[cols_hold] / -(-sizes[cols_hold] // array.cols)
    idle = 1 - gemm.macs / compute_cycles / (rows * cols)
    filling = f", {idle:.0%} of the time fills and drains" if idle >= 0.005 else ""
    return f"{rows:.3g} of {array.rows} rows, {cols:.3g} of {array.cols} columns in use{filling}"
