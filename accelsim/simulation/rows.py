"""Rows of the result from the runs of layers, with and without a product."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, NamedTuple, assert_never

from accelsim.energy.prices import COMPONENTS, Activity, sum_pj
from accelsim.engines.base import CountedProduct, Engine
from accelsim.hardware import ACCUMULATOR_BITS, Hardware, Objective
from accelsim.mapping.footprint import bound_moved_bytes
from accelsim.mapping.mapping import ALONE, Context
from accelsim.memory.schedule import ScheduledLayer
from accelsim.memory.stalls import SCHEDULED
from accelsim.memory.stream import TileStream
from accelsim.memory.timeline import count_busy
from accelsim.simulation.bounds import Unit, explain_bound, explain_fill, find_bound
from accelsim.simulation.result import LAYER_COLUMNS, LayerResult
from accelsim.workload.gemm import Gemm
from accelsim.workload.layers import count_channels
from accelsim.workload.network import Node


class ProductRun(NamedTuple):
    """A product that went through the schedule."""

    gemm: Gemm
    counted: CountedProduct
    compute_cycles: int  #: cycles of the engine alone
    tiling_cycles: int  #: additional engine cycles since tiles cut its streams
    bank_conflict_cycles: int  #: cycles in which the engine waits for its buffers' banks
    stream: TileStream
    schedule: ScheduledLayer
    activity: Activity
    compulsory: tuple[int, int, int]  #: bytes that ifmap, weights and results must move across the chip's edge
    mapping: str  #: tiles and loop order in words
    context: Context = ALONE


class VectorRun(NamedTuple):
    """A layer without a product that went through the schedule."""

    lane_cycles: int  #: cycles of the vector unit alone
    stream: TileStream
    schedule: ScheduledLayer
    activity: Activity
    compulsory: tuple[int, int, int]  #: bytes that activations, stored values and results must move
    context: Context = ALONE


def find_peak(gemm: Gemm, engine: Engine) -> float:
    """Find the engine's peak in MACs per cycle; MACs with a zero that a pattern leaves out count as well."""
    return engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits, gemm.pattern)


def build_product_row(
    node: Node, run: ProductRun, hardware: Hardware, engine: Engine, parts: dict[str, float]
) -> LayerResult:
    """Build the row of a layer with a product; ``parts`` is the energy of each component in pJ."""
    gemm, total, compute_cycles = run.gemm, run.schedule.total_cycles, run.compute_cycles
    peak, moved = find_peak(gemm, engine), run.stream.read_bytes + run.stream.write_bytes
    busy: dict[Unit, int] = {
        "compute": compute_cycles + run.tiling_cycles + run.bank_conflict_cycles,
        "vector": count_busy(run.schedule.vector),
        "memory": count_busy(run.schedule.dram),
    }
    bound = find_bound(busy, total)
    words = explain_fill(gemm, engine, compute_cycles) if bound == "compute" else None
    alone = run.context == ALONE
    refetch, held = _count_refetches(run), _count_held_bytes(run, hardware, engine)
    ideal_speedup, speedup = run.counted.speedups
    return replace(
        _build_row(node, run, busy, parts, compute_cycles),
        m=gemm.m,
        n=gemm.n,
        k=gemm.k,
        groups=gemm.groups,
        macs=gemm.macs,
        tiling_cycles=run.tiling_cycles,
        bank_conflict_cycles=run.bank_conflict_cycles,
        utilization=gemm.macs / (peak * total),
        compute_utilization=gemm.macs / (peak * compute_cycles),
        least_bytes=bound_moved_bytes(gemm, hardware.sram.capacity_bytes) if alone else sum(run.compulsory),
        ifmap_refetch=refetch[0],
        weight_refetch=refetch[1],
        ofmap_refetch=refetch[2],
        ideal_speedup=ideal_speedup,
        speedup=speedup,
        ifmap_held_bytes=held[0],
        weight_held_bytes=held[1],
        ofmap_held_bytes=held[2],
        arithmetic_intensity=gemm.macs / moved if moved else None,
        bound=bound,
        reason=words or explain_bound(bound, hardware, moved, sum(run.compulsory)),
        dataflow=engine.dataflow,
        mapping=run.mapping,
    )


def build_vector_row(node: Node, run: VectorRun, hardware: Hardware, parts: dict[str, float]) -> LayerResult:
    """Build the row of a layer without a product; ``parts`` is the energy of each component in pJ."""
    busy: dict[Unit, int] = {"vector": count_busy(run.schedule.vector), "memory": count_busy(run.schedule.dram)}
    bound = find_bound(busy, run.schedule.total_cycles)
    held = _limit_held_bytes(*run.stream.held_bytes, run.context, hardware)
    return replace(
        _build_row(node, run, busy, parts, run.lane_cycles),
        least_bytes=sum(run.compulsory),
        ifmap_held_bytes=held[0],
        weight_held_bytes=held[1],
        ofmap_held_bytes=held[2],
        bound=bound,
        reason=explain_bound(bound, hardware, run.stream.read_bytes + run.stream.write_bytes, sum(run.compulsory)),
    )


def _build_row(
    node: Node, run: ProductRun | VectorRun, busy: dict[Unit, int], parts: dict[str, float], alone_cycles: int
) -> LayerResult:
    """The columns of both kinds of rows; ``alone_cycles`` are those of the engine or the vector unit alone."""
    total, waits = run.schedule.total_cycles, run.schedule.stalls._asdict()
    ifmap, weights, results = run.compulsory
    return replace(
        _EMPTY,
        layer=node.layer.name,
        kind=name_layer_kind(node),
        compute_cycles=alone_cycles,
        stall_cycles=total - alone_cycles,
        total_cycles=total,
        **{f"{cause}_cycles": waits[cause] for cause in SCHEDULED},
        dram_read_bytes=run.stream.read_bytes,
        dram_write_bytes=run.stream.write_bytes,
        compulsory_read_bytes=ifmap + weights,
        compulsory_write_bytes=results,
        vector_cycles=busy["vector"],
        dram_busy_cycles=busy["memory"],
        energy_pj=sum_pj(parts),
        on_chip=str(run.context),
        prefetched_bytes=run.stream.ahead_bytes,
        energy_pj_by_component=parts,
    )


def build_idle_row(node: Node, reason: str = "") -> LayerResult:
    """Build the row of a layer that does nothing: it renames data, is not executed, or was done with another layer."""
    named = "names data that lie in memory already" if node.layer.executed else "stored, but not run"
    return replace(_EMPTY, layer=node.layer.name, kind=str(node.layer.type), bound="none", reason=reason or named)


def _count_refetches(run: ProductRun) -> list[float | None]:
    """Bytes moved over compulsory bytes of ifmap, weights and results (with partial sums); None if none must move."""
    did = run.activity
    ifmap, weights = did.ifmap_write_bits // 8, did.weight_write_bits // 8
    moved = ifmap, weights, did.dram_read_bytes + did.dram_write_bytes - ifmap - weights
    return [bytes_moved / once if once else None for bytes_moved, once in zip(moved, run.compulsory, strict=True)]


def _count_held_bytes(run: ProductRun, hardware: Hardware, engine: Engine) -> tuple[int, int, int]:
    """Bytes that a product holds in the buffers of ifmap, weights and results; sums have the accumulators' width."""
    ifmap, weight, ofmap = run.stream.held_bytes
    if not engine.holds_sums and run.gemm.k > engine.grain[2]:
        ofmap = ofmap * ACCUMULATOR_BITS[engine.description.precision] // run.gemm.output_bits
    return _limit_held_bytes(ifmap, weight, ofmap, run.context, hardware)


def _limit_held_bytes(
    ifmap: int, weight: int, ofmap: int, context: Context, hardware: Hardware
) -> tuple[int, int, int]:
    """Add the data that stay on chip, and limit each sum to its buffer, which only rounding exceeds."""
    weight = max(weight, context.resident_bytes, context.waiting_bytes)
    sizes = ifmap + context.there_bytes, weight, ofmap + context.kept_bytes
    if hardware.sram.shared:
        return sizes
    ifmap, weight, ofmap = (min(size, room) for size, room in zip(sizes, hardware.sram.operand_bytes, strict=True))
    return ifmap, weight, ofmap


def name_layer_kind(node: Node) -> str:
    """Name the kind of a layer: its type, or depthwise or grouped for a convolution with groups."""
    layer = node.layer
    if layer.type == "conv2d" and layer.groups > 1:
        return "depthwise" if layer.groups == count_channels(node.inputs[0]) else "grouped"
    return str(layer.type)


def measure_objective(row: LayerResult, objective: Objective) -> float:
    """Measure a layer by the mapper's objective; the smallest is best."""
    moved = row.dram_read_bytes + row.dram_write_bytes
    match objective:
        case "delay_traffic":
            return row.total_cycles * max(moved, 1)
        case "edp":
            return row.energy_pj * row.total_cycles
        case "energy":
            return row.energy_pj
        case "cycles":
            return row.total_cycles
        case "bytes":
            return moved
    assert_never(objective)


_NOTHING: dict[str, Any] = {"int": 0, "float": 0.0, "float | None": None, "str": ""}
_EMPTY = LayerResult(
    **{column.name: _NOTHING[str(column.type)] for column in fields(LayerResult) if column.name in LAYER_COLUMNS},
    energy_pj_by_component=dict.fromkeys(COMPONENTS, 0.0),
)
