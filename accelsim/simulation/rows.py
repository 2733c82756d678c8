"""One layer's run as a row of the result."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelsim.energy.prices import COMPONENTS, Activity, total_pj
from accelsim.engines.base import CountedProduct, Engine
from accelsim.hardware import ACCUMULATOR_BITS, Hardware, Objective
from accelsim.mapping.footprint import compulsory_operands, least_bytes
from accelsim.mapping.mapping import ALONE, Context
from accelsim.memory.schedule import ScheduledLayer, join_schedules
from accelsim.memory.stream import TileStream, join_streams
from accelsim.memory.timeline import count_busy
from accelsim.simulation.activity import bytes_across_edge
from accelsim.simulation.bounds import explain_bound, find_bound
from accelsim.simulation.result import CAUSES, LayerResult
from accelsim.workload.gemm import Gemm
from accelsim.workload.layers import width_of
from accelsim.workload.network import Node


class Run(NamedTuple):
    """One layer through the schedule."""

    gemm: Gemm | None
    compute_cycles: int
    tiling_cycles: int
    bank_conflict_cycles: int
    stream: TileStream
    played: ScheduledLayer
    activity: Activity
    compulsory: tuple[int, int, int]  #: bytes that ifmap, weights and results move at least
    mapping: str
    counted: CountedProduct | None
    context: Context = ALONE


def find_peak(gemm: Gemm | None, engine: Engine) -> float:
    """MACs a cycle that the engine could do at most, those with a zero that a pattern leaves out included."""
    if gemm is None:
        return 1.0
    return engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits, gemm.pattern)


def build_row(node: Node, run: Run, hardware: Hardware, engine: Engine, parts: dict[str, float]) -> LayerResult:
    """Build one layer's row; ``parts`` are the pJ of each component."""
    gemm, compute_cycles, stream, played = run.gemm, run.compute_cycles, run.stream, run.played
    stalls = played.stalls
    dataflow = engine.dataflow if gemm else ""
    total, peak = played.total_cycles, find_peak(gemm, engine)
    busy = {
        "compute": compute_cycles + run.tiling_cycles + run.bank_conflict_cycles if gemm else 0,
        "vector": count_busy(played.vector),
        "memory": count_busy(played.dram),
    }
    moved = stream.read_bytes + stream.write_bytes
    bound = find_bound(busy, total)
    ifmap, weights, results = run.compulsory
    least, refetch, held = sum(run.compulsory), _refetched(run), _held(run, hardware, engine)
    if gemm and run.context == ALONE:
        least = least_bytes(gemm, hardware.sram.capacity_bytes)
    ideal_speedup, speedup = run.counted.speedups if run.counted else (None, None)
    return LayerResult(
        layer=node.layer.name,
        kind=layer_kind(node),
        m=gemm.m if gemm else 0,
        n=gemm.n if gemm else 0,
        k=gemm.k if gemm else 0,
        groups=gemm.groups if gemm else 0,
        macs=gemm.macs if gemm else 0,
        compute_cycles=compute_cycles,
        stall_cycles=total - compute_cycles,
        tiling_cycles=run.tiling_cycles,
        bank_conflict_cycles=run.bank_conflict_cycles,
        first_fill_cycles=stalls.first_fill,
        load_wait_cycles=stalls.load,
        refresh_wait_cycles=stalls.refresh,
        store_wait_cycles=stalls.store,
        drain_cycles=stalls.drain,
        total_cycles=total,
        utilization=gemm.macs / (peak * total) if gemm else 0.0,
        compute_utilization=gemm.macs / (peak * compute_cycles) if gemm else 0.0,
        dram_read_bytes=stream.read_bytes,
        dram_write_bytes=stream.write_bytes,
        compulsory_read_bytes=ifmap + weights,
        compulsory_write_bytes=results,
        least_bytes=least,
        ifmap_refetch=refetch[0],
        weight_refetch=refetch[1],
        ofmap_refetch=refetch[2],
        ideal_speedup=ideal_speedup,
        speedup=speedup,
        ifmap_held_bytes=held[0],
        weight_held_bytes=held[1],
        ofmap_held_bytes=held[2],
        vector_cycles=busy["vector"],
        dram_busy_cycles=busy["memory"],
        energy_pj=total_pj(parts),
        arithmetic_intensity=gemm.macs / moved if gemm and moved else None,
        bound=bound,
        reason=explain_bound(bound, gemm, hardware, engine, compute_cycles, moved, sum(run.compulsory)),
        dataflow=dataflow,
        mapping=run.mapping,
        on_chip=str(run.context),
        prefetched_bytes=stream.ahead_bytes,
        energy_pj_by_component=parts,
    )


def _refetched(run: Run) -> list[float | None]:
    """How often ifmap, weights and results move, of those that a product moves at all; sums that come back count."""
    if run.gemm is None:
        return [None] * 3
    did = run.activity
    ifmap, weights = did.ifmap_write_bits // 8, did.weight_write_bits // 8
    moved = ifmap, weights, did.dram_read_bytes + did.dram_write_bytes - ifmap - weights
    return [bytes_moved / once if once else None for bytes_moved, once in zip(moved, run.compulsory, strict=True)]


def _held(run: Run, hardware: Hardware, engine: Engine) -> tuple[int, int, int]:
    """Bytes in the buffers of ifmap, weights and results; more than a buffer has only by rounding, so at most that."""
    ifmap, weight, ofmap = run.stream.held_bytes
    gemm, context = run.gemm, run.context
    if gemm and not engine.holds_sums and gemm.k > engine.grain[2]:
        ofmap = ofmap * ACCUMULATOR_BITS[engine.description.precision] // gemm.output_bits
    weight = max(weight, context.resident_bytes, context.waiting_bytes)
    sizes = ifmap + context.there_bytes, weight, ofmap + context.kept_bytes
    if hardware.sram.shared:
        return sizes
    ifmap, weight, ofmap = (min(size, room) for size, room in zip(sizes, hardware.sram.operand_bytes, strict=True))
    return ifmap, weight, ofmap


def layer_kind(node: Node) -> str:
    """The layer's type; a convolution with a filter per channel is called depthwise."""
    layer = node.layer
    if layer.type == "conv2d" and layer.groups > 1:
        return "depthwise" if layer.groups == width_of(node.inputs[0]) else "grouped"
    return str(layer.type)


def objective_cost(row: LayerResult, objective: Objective) -> float:
    """What the mapper's objective makes of a layer."""
    moved = row.dram_read_bytes + row.dram_write_bytes
    return {
        "delay_traffic": row.total_cycles * max(moved, 1),
        "edp": row.energy_pj * row.total_cycles,
        "energy": row.energy_pj,
        "cycles": row.total_cycles,
        "bytes": moved,
    }[objective]


def join_runs(gemm: Gemm, counted: CountedProduct, context: Context, runs: list[Run], activity: Activity) -> Run:
    """Bands of a product, one after the other, as one run."""
    alone = counted.counts.cycles
    worked = sum(run.compute_cycles + run.tiling_cycles for run in runs)
    return Run(
        gemm=gemm,
        compute_cycles=min(alone, worked),
        tiling_cycles=worked - min(alone, worked),
        bank_conflict_cycles=sum(run.bank_conflict_cycles for run in runs),
        stream=join_streams([run.stream for run in runs]),
        played=join_schedules([run.played for run in runs]),
        activity=activity,
        compulsory=bytes_across_edge(context, compulsory_operands(gemm)),
        mapping=runs[0].mapping,
        counted=counted,
        context=context,
    )


def build_idle_row(node: Node, reason: str = "") -> LayerResult:
    """A layer that only names data differently, is not run, or is done already: nothing moves."""
    zeros: dict[str, Any] = dict.fromkeys(
        (
            "m",
            "n",
            "k",
            "groups",
            "macs",
            "compute_cycles",
            "stall_cycles",
            "total_cycles",
            *(f"{cause}_cycles" for cause in CAUSES),
            "dram_read_bytes",
            "dram_write_bytes",
            "compulsory_read_bytes",
            "compulsory_write_bytes",
            "least_bytes",
            "ifmap_held_bytes",
            "weight_held_bytes",
            "ofmap_held_bytes",
            "vector_cycles",
            "dram_busy_cycles",
        ),
        0,
    )
    return LayerResult(
        layer=node.layer.name,
        kind=str(node.layer.type),
        utilization=0.0,
        compute_utilization=0.0,
        energy_pj=0.0,
        arithmetic_intensity=None,
        ifmap_refetch=None,
        weight_refetch=None,
        ofmap_refetch=None,
        ideal_speedup=None,
        speedup=None,
        bound="none",
        reason=reason or ("names data that lie in memory already" if node.layer.executed else "stored, but not run"),
        dataflow="",
        mapping="",
        on_chip="",
        prefetched_bytes=0,
        energy_pj_by_component=dict.fromkeys(COMPONENTS, 0.0),
        **zeros,
    )
