"""What bounds throughput: roofs of the engine, diagonals of the memories, and each layer among them.

A layer of intensity I MACs per DRAM byte reaches at most min(roof, I x DRAM bandwidth) (Williams et al., CACM 2009).
edge_npu does 1024 MACs x 500 MHz = 512 GMAC/s and moves 12.8 GB/s: its ridge point lies at 40 MACs per byte.
"""

from __future__ import annotations

from typing import NamedTuple

from accelsim.engines.base import EngineRoof
from accelsim.engines.table import engine_of
from accelsim.hardware import Hardware, Sram
from accelsim.simulation.result import InvariantError, LayerResult, Result
from accelsim.workload.gemm import Gemm, apply_pattern, find_operand_widths, lower_to_gemm
from accelsim.workload.network import Workload

_EXACT = 1e-12  # relative; of quotients of whole numbers


class Roof(NamedTuple):
    """What the engine does at most at a precision and a pattern; MACs with a zero that a pattern leaves out count."""

    name: str
    macs_per_s: float
    used: bool  #: by a layer of this network


class Level(NamedTuple):
    """A memory, and what it delivers at most."""

    name: str
    bytes_per_s: float

    def ridge(self, roof: Roof) -> float:
        """MACs per byte of this memory from which on the roof bounds, and not the memory."""
        return roof.macs_per_s / self.bytes_per_s


class LayerPoint(NamedTuple):
    """A layer with a product."""

    layer: str
    kind: str
    bound: str
    macs_per_byte: float  #: of DRAM
    macs_per_s: float
    share: float  #: of the network's cycles
    roof: Roof  #: its own
    attainable_macs_per_s: float  #: the lower of its roof and the DRAM's diagonal

    @property
    def reached(self) -> float:
        """Share of what is attainable at its intensity."""
        return self.macs_per_s / self.attainable_macs_per_s


class Roofline(NamedTuple):
    """Roofs from the highest down, DRAM before the buffers, and the network's layers in order."""

    roofs: tuple[Roof, ...]
    levels: tuple[Level, ...]
    points: tuple[LayerPoint, ...]
    left_out: int  #: layers without a product that take time
    left_out_share: float  #: of the network's cycles

    @property
    def dram(self) -> Level:
        """The level whose bytes the points are drawn over."""
        return self.levels[0]


def roofline(result: Result, hardware: Hardware, workload: Workload) -> Roofline:
    """A simulated network under its hardware's roofs.

    Raises: InvariantError where a layer lies above its own roof or the DRAM's diagonal.
    """
    gemms = _gemms(hardware, workload)
    used = [_own_roof(gemm, hardware) for gemm in gemms if gemm]
    offered = [_roof(roof, hardware, used=False) for roof in engine_of(hardware.engine).offered_roofs()]
    roofs = {roof.name: roof for roof in (*offered, *used)}  # used ones replace those of the same name
    levels = _levels(hardware)
    total = sum(row.total_cycles for row in result.rows) or 1
    points = []
    for row, gemm in zip(result.rows, gemms, strict=True):
        if gemm and row.total_cycles:
            own = roofs[_own_roof(gemm, hardware).name]
            points.append(_point(row, own, levels[0], hardware, row.total_cycles / total))
    rest = [row.total_cycles for row, gemm in zip(result.rows, gemms, strict=True) if not gemm and row.total_cycles]
    ordered = sorted(roofs.values(), key=lambda roof: (-roof.macs_per_s, not roof.used))
    return Roofline(tuple(ordered), levels, tuple(points), len(rest), sum(rest) / total)


def clock_hz(hardware: Hardware) -> int:
    """As the simulation counts with it."""
    return round(hardware.clock_mhz * 1e6)


def dram_bytes_per_s(hardware: Hardware) -> int:
    """As the simulation counts with it."""
    return round(hardware.dram.bandwidth_gb_s * 1e9)


def _gemms(hardware: Hardware, workload: Workload) -> list[Gemm | None]:
    """Each layer's product as the engine executes it."""
    engine, gemms = hardware.engine, []
    for node, bits in zip(workload.nodes, find_operand_widths(workload, engine.operand_bits), strict=True):
        executed = node.layer.executed and not node.layer.is_view
        gemm = lower_to_gemm(node, workload.file.batch, bits) if executed else None
        gemms.append(gemm and apply_pattern(gemm, engine.sparse_pattern))
    return gemms


def _roof(roof: EngineRoof, hardware: Hardware, used: bool) -> Roof:
    return Roof(roof.name, roof.macs_per_cycle * clock_hz(hardware), used)


def _own_roof(gemm: Gemm, hardware: Hardware) -> Roof:
    roof = engine_of(hardware.engine).roof(gemm.activation_bits, gemm.weight_bits, gemm.pattern)
    return _roof(roof, hardware, used=True)


def _levels(hardware: Hardware) -> tuple[Level, ...]:
    """DRAM, then the buffers with all their banks at work."""
    sram = hardware.sram
    buffers = {"ifmap SRAM": sram.ifmap, "weight SRAM": sram.weight, "ofmap SRAM": sram.ofmap, "SRAM": sram.shared}
    on_chip = [Level(name, _bytes_per_s(buffer, hardware)) for name, buffer in buffers.items() if buffer]
    return Level("DRAM", dram_bytes_per_s(hardware)), *on_chip


def _bytes_per_s(buffer: Sram, hardware: Hardware) -> float:
    return buffer.banks * (buffer.ports or 1) * buffer.width_bits / 8 * clock_hz(hardware)


def _point(row: LayerResult, roof: Roof, dram: Level, hardware: Hardware, share: float) -> LayerPoint:
    moved = max(row.dram_read_bytes + row.dram_write_bytes - row.prefetched_bytes, 1)  # in its own time
    seconds = row.total_cycles / clock_hz(hardware)
    intensity, rate = row.macs / moved, row.macs / seconds
    point = LayerPoint(
        row.layer, row.kind, row.bound, intensity, rate, share, roof, min(roof.macs_per_s, intensity * dram.bytes_per_s)
    )
    check_point(point, dram)
    return point


def check_point(point: LayerPoint, dram: Level) -> None:
    """Raises: InvariantError where a point lies above its own roof or the DRAM's diagonal."""
    above = [
        f"{name} allows {most:.6g}"
        for name, most in (
            (f"its roof ({point.roof.name})", point.roof.macs_per_s),
            (f"{dram.name} at {point.macs_per_byte:.6g} MAC/byte", point.macs_per_byte * dram.bytes_per_s),
        )
        if point.macs_per_s > most * (1 + _EXACT)
    ]
    if above:
        raise InvariantError(f"layer {point.layer}: {point.macs_per_s:.6g} MAC/s, but {' and '.join(above)}")
