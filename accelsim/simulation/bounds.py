"""What bounds a layer, and why, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from accelsim.engines.space_to_depth import pack_space_to_depth
from accelsim.hardware import AnyEngine, BitSerialUnit, Hardware, TensorCore
from accelsim.workload.gemm import Gemm

OVERLAPPED = 0.6  # below this share of the busiest unit, waiting for first and last transfers is what costs


def find_bound(busy_cycles: Mapping[str, int], total_cycles: int) -> str:
    """The busiest of compute, vector and memory; ``latency`` where even that one mostly waits."""
    bound = max(busy_cycles, key=lambda unit: busy_cycles[unit])
    return bound if busy_cycles[bound] >= OVERLAPPED * total_cycles else "latency"


def explain_bound(
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
    return f"waits for first and last transfers and for DRAM's {hardware.dram.latency_ns:g} ns"


def _array(gemm: Gemm, hardware: Hardware, compute_cycles: int) -> str:
    """How many rows and columns work, and how much of the time the pipeline fills and drains."""
    engine = hardware.engine
    used = [(name, mean_use(size, limit), limit) for name, size, limit in _held(gemm, engine)]
    peak = math.prod(mean for _, mean, _ in used) * engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits)
    peak *= gemm.pattern.speedup if gemm.pattern else 1
    idle = 1 - gemm.macs / compute_cycles / (peak / math.prod(limit for _, _, limit in used))
    if isinstance(engine, BitSerialUnit):
        idle = 0.0  # the bit slots of the summary say where the rest went
    what = "for operands, sums or the kernel's ends" if isinstance(engine, TensorCore) else "filling and draining"
    filling = f", {idle:.0%} {what}" if idle >= 0.005 else ""
    return f"{', '.join(f'{mean:.3g} of {limit} {name}' for name, mean, limit in used)} in use{filling}"


def _held(gemm: Gemm, engine: AnyEngine) -> list[tuple[str, int, int]]:
    """What lies on the engine: name, size along it, and room for it."""
    if isinstance(engine, BitSerialUnit):
        laid = pack_space_to_depth(gemm) if engine.pack_first_layer else gemm
        channels = laid.convolution.channels if laid.convolution else laid.k
        if engine.pack_depthwise and channels == 1:
            channels = laid.k
        windows = engine.cols if laid.m == 1 and laid.convolution is None else laid.m  # steps go round the columns
        return [
            ("lanes", channels, engine.lanes),
            ("windows", windows, engine.cols),
            ("filters", laid.n, engine.tiles * engine.rows),
        ]
    if isinstance(engine, TensorCore):
        held = [("pixels", gemm.m, engine.tile_m), ("filters", gemm.n, engine.tile_n)]
        if engine.multiprocessors == 1:
            return held
        tiles = -(-gemm.m // engine.tile_m) * -(-gemm.n // engine.tile_n) * gemm.groups
        return [*held, ("multiprocessors", tiles, engine.multiprocessors)]
    rows, cols = {"os": (gemm.m, gemm.n), "ws": (gemm.k, gemm.n), "is": (gemm.k, gemm.m)}[engine.dataflow]
    return [("rows", rows, engine.rows), ("columns", cols, engine.cols)]


def mean_use(size: int, limit: int) -> float:
    """Places used in an average pass when size is cut into passes of limit."""
    return size / -(-size // limit)
