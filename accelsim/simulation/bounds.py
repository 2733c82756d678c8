"""The bound of a layer (compute, vector, memory, latency) and the reason for it in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, assert_never

from accelsim.engines.base import Engine
from accelsim.hardware import Hardware
from accelsim.workload.gemm import Gemm

Bound = Literal["compute", "vector", "memory", "latency"]
Unit = Literal["compute", "vector", "memory"]
OVERLAPPED = 0.6  # if the busiest unit works for a smaller share of the time, the layer is bound by latency


def find_bound(busy_cycles: Mapping[Unit, int], total_cycles: int) -> Bound:
    """Find the unit that is busy longest; ``latency`` where even that unit mostly waits."""
    bound = max(busy_cycles, key=lambda unit: busy_cycles[unit])
    return bound if busy_cycles[bound] >= OVERLAPPED * total_cycles else "latency"


def explain_bound(bound: Bound, hardware: Hardware, moved_bytes: int, compulsory_bytes: int) -> str:
    """Explain a bound other than compute in one line for the report. Raises: ValueError for compute."""
    match bound:
        case "vector":
            return f"element-wise work on {hardware.vector.lanes} vector lanes"
        case "memory":
            moved = f"{moved_bytes / 1024:,.0f} KiB at {hardware.dram.bandwidth_gb_s:g} GB/s"
            again = moved_bytes / max(1, compulsory_bytes)
            return f"{moved}, {again:.2f} times the compulsory bytes" if again > 1 else moved
        case "latency":
            return f"waits for first and last transfers and for DRAM's {hardware.dram.latency_ns:g} ns"
        case "compute":
            raise ValueError("explain_fill says how a product fills the engine")
    assert_never(bound)


def explain_fill(gemm: Gemm, engine: Engine, compute_cycles: int) -> str:
    """Explain in one line how a product that the engine bounds fills it, and what share of the time PEs wait."""
    used = engine.occupied(gemm)
    peak = math.prod(places.mean for places in used)
    peak *= engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits)
    peak *= gemm.pattern.speedup if gemm.pattern else 1
    idle = 1 - gemm.macs / compute_cycles / (peak / math.prod(places.limit for places in used))
    filling = f", {idle:.0%} {engine.idle_words}" if engine.idle_words and idle >= 0.005 else ""
    return f"{', '.join(f'{p.mean:.3g} of {p.limit} {p.name}' for p in used)} in use{filling}"
