"""Rooflines: the limits that engine and memories set to throughput, and each layer's position below them.

A layer of intensity I MACs per DRAM byte reaches at most min(roof, I x DRAM bandwidth) (Williams et al., CACM 2009).
edge_npu does 1024 MACs x 500 MHz = 512 GMAC/s and moves 12.8 GB/s: its ridge point lies at 40 MACs per byte.
"""

from __future__ import annotations

from typing import NamedTuple

from accelsim.engines.base import EngineRoof
from accelsim.engines.table import build_engine
from accelsim.hardware import Hardware, Sram
from accelsim.simulation.result import InvariantError, LayerResult, Result
from accelsim.workload.gemm import Gemm, apply_pattern, find_operand_widths, lower_to_gemm
from accelsim.workload.network import Workload

_EXACT = 1e-12  # relative rounding error of quotients of integers


class Roof(NamedTuple):
    """The engine's highest rate at a precision and a pattern; MACs with a zero that a pattern leaves out count."""

    name: str  #: precision, widths or pattern, as the figure labels the roof
    macs_per_s: float
    used: bool  #: whether a layer of this network uses it


class Level(NamedTuple):
    """A memory and its highest rate."""

    name: str
    bytes_per_s: float

    def ridge(self, roof: Roof) -> float:
        """The ridge point in MACs per byte: above it the roof is the limit, below it this memory."""
        return roof.macs_per_s / self.bytes_per_s


class LayerPoint(NamedTuple):
    """A layer with a product as a point of the roofline."""

    layer: str
    kind: str
    bound: str  #: compute, memory, vector or latency
    macs_per_byte: float  #: arithmetic intensity, MACs per byte of DRAM traffic
    macs_per_s: float  #: rate that the layer reaches
    share: float  #: share of the network's cycles
    roof: Roof  #: the roof at the layer's widths and pattern
    attainable_macs_per_s: float  #: the lower of the roof and the DRAM's diagonal

    @property
    def reached(self) -> float:
        """Share of the attainable rate that the layer reaches."""
        return self.macs_per_s / self.attainable_macs_per_s


class Roofline(NamedTuple):
    """The roofline of a network on a machine."""

    roofs: tuple[Roof, ...]  #: the highest first
    levels: tuple[Level, ...]  #: the DRAM, then the buffers
    points: tuple[LayerPoint, ...]  #: layers with a product, in order
    left_out: int  #: number of layers without a product that take time
    left_out_share: float  #: their share of the network's cycles

    @property
    def dram(self) -> Level:
        """The DRAM, to whose bytes the points' intensities refer."""
        return self.levels[0]


def roofline(result: Result, hardware: Hardware, workload: Workload) -> Roofline:
    """Place the layers of a simulated network below the roofs of its hardware.

    Raises: InvariantError where a layer lies above its own roof or the DRAM's diagonal.
    """
    gemms = _gemms(hardware, workload)
    used = [_own_roof(gemm, hardware) for gemm in gemms if gemm]
    offered = [_roof(roof, hardware, used=False) for roof in build_engine(hardware.engine).offered_roofs()]
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


def round_clock_hz(hardware: Hardware) -> int:
    """Round the clock to whole Hz, as the simulation does."""
    return round(hardware.clock_mhz * 1e6)


def round_dram_bytes_per_s(hardware: Hardware) -> int:
    """Round the DRAM's bandwidth to whole bytes per second, as the simulation does."""
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
    return Roof(roof.name, roof.macs_per_cycle * round_clock_hz(hardware), used)


def _own_roof(gemm: Gemm, hardware: Hardware) -> Roof:
    roof = build_engine(hardware.engine).roof(gemm.activation_bits, gemm.weight_bits, gemm.pattern)
    return _roof(roof, hardware, used=True)


def _levels(hardware: Hardware) -> tuple[Level, ...]:
    """The DRAM, then the buffers with all their banks at work."""
    sram = hardware.sram
    buffers = {"ifmap SRAM": sram.ifmap, "weight SRAM": sram.weight, "ofmap SRAM": sram.ofmap, "SRAM": sram.shared}
    on_chip = [Level(name, _bytes_per_s(buffer, hardware)) for name, buffer in buffers.items() if buffer]
    return Level("DRAM", round_dram_bytes_per_s(hardware)), *on_chip


def _bytes_per_s(buffer: Sram, hardware: Hardware) -> float:
    return buffer.banks * (buffer.ports or 1) * buffer.width_bits / 8 * round_clock_hz(hardware)


def _point(row: LayerResult, roof: Roof, dram: Level, hardware: Hardware, share: float) -> LayerPoint:
    moved = max(row.dram_read_bytes + row.dram_write_bytes - row.prefetched_bytes, 1)  # only while the layer runs
    seconds = row.total_cycles / round_clock_hz(hardware)
    intensity, rate = row.macs / moved, row.macs / seconds
    point = LayerPoint(
        row.layer, row.kind, row.bound, intensity, rate, share, roof, min(roof.macs_per_s, intensity * dram.bytes_per_s)
    )
    check_point(point, dram)
    return point


def check_point(point: LayerPoint, dram: Level) -> None:
    """Check a point. Raises: InvariantError where it lies above its own roof or the DRAM's diagonal."""
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
