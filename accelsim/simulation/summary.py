"""The summary of a network's run, which summary.json and ``run --json`` contain."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from accelsim.energy.prices import COMPONENTS, EnergyTable, list_sources
from accelsim.engines.base import SlotAccount
from accelsim.engines.table import build_engine
from accelsim.hardware import Hardware
from accelsim.mapping.memory_needed import count_memory_needed
from accelsim.simulation.result import CAUSES, LayerResult
from accelsim.version import __version__
from accelsim.workload.gemm import find_operand_widths, lower_to_gemm
from accelsim.workload.network import Workload

CONVOLUTIONS = ("conv2d", "depthwise", "grouped")  #: kinds of layers


def summarize(
    rows: Sequence[LayerResult], hardware: Hardware, workload: Workload, table: EnergyTable, verified: bool
) -> dict[str, Any]:
    """Sum up a network's rows; ``verified`` is in the summary if every product was checked."""
    totals = sum_figures([(row.total_cycles, row.utilization, row.energy_pj) for row in rows], hardware.clock_mhz)
    seconds = totals["total_cycles"] / (hardware.clock_mhz * 1e6)
    macs = sum(row.macs for row in rows)
    parts = {name: math.fsum(row.energy_pj_by_component[name] for row in rows) for name in COMPONENTS}
    picojoules = math.fsum(row.energy_pj for row in rows)
    tops, area = 2 * macs / seconds * 1e-12 if seconds else 0.0, math.fsum(table.area_mm2.values())
    summary: dict[str, Any] = {
        "hardware": hardware.name,
        "workload": workload.name,
        "version": __version__,
        "config_sha256": hash_configuration(hardware, workload),
        "precision": hardware.engine.precision,
        "operand_bits": list_operand_bits(hardware, workload),
        "batch": workload.file.batch,
        "dram_fidelity": hardware.dram.effective_fidelity,
        "total_cycles": totals["total_cycles"],
        "compute_cycles": sum(row.compute_cycles for row in rows),
        "stall_cycles": sum(row.stall_cycles for row in rows),
        "stall_cycles_by_cause": {cause: sum(row.stall_cycles_by_cause[cause] for row in rows) for cause in CAUSES},
        "latency_ms": totals["latency_ms"],
        "macs": macs,
        "params": workload.params,
        "utilization": totals["utilization"],
        "dram_read_bytes": sum(row.dram_read_bytes for row in rows),
        "dram_write_bytes": sum(row.dram_write_bytes for row in rows),
        "compulsory_bytes": sum(row.compulsory_read_bytes + row.compulsory_write_bytes for row in rows),
        "least_bytes": sum(row.least_bytes for row in rows),
        "energy_uj": totals["energy_uj"],
        "average_power_mw": totals["average_power_mw"],
        "tops": tops,
        "tops_per_w": 2 * macs / picojoules if picojoules else 0.0,
        "tops_per_mm2": tops / area if area else 0.0,
        "energy_pj_by_component": parts,
        "leakage_mw_by_component": table.leakage_mw,
        "area_mm2": area,
        "area_mm2_by_component": dict(table.area_mm2),
        "sources": [constant._asdict() for constant in list_sources(table)],
        "notes": [*_memory_note(hardware, workload), *table.notes, *_engine_notes(hardware, workload)],
    }
    return summary | ({"verified": True} if verified else {})


def sum_figures(layers: Sequence[tuple[int, float, float]], clock_mhz: float) -> dict[str, Any]:
    """Sum up layers, given as total cycles, utilization and energy in pJ, to the totals that sweeps keep."""
    cycles = sum(layer[0] for layer in layers)
    seconds = cycles / (clock_mhz * 1e6)
    picojoules = math.fsum(layer[2] for layer in layers)
    return {
        "total_cycles": cycles,
        "latency_ms": seconds * 1e3,
        "energy_uj": picojoules * 1e-6,
        "average_power_mw": picojoules * 1e-9 / seconds if seconds else 0.0,
        "utilization": math.fsum(layer[0] * layer[1] for layer in layers) / max(1, cycles),
    }


def list_operand_bits(hardware: Hardware, workload: Workload) -> dict[str, list[int]]:
    """List the least and the greatest width of products' activations and weights; computed operands are activations."""
    both = zip(workload.nodes, find_operand_widths(workload, hardware.engine.operand_bits), strict=True)
    gemms = [
        gemm for node, bits in both if node.layer.executed and (gemm := lower_to_gemm(node, workload.file.batch, bits))
    ]
    found = {
        "activations": {gemm.activation_bits for gemm in gemms},
        "weights": {gemm.weight_bits for gemm in gemms if gemm.weights_stored},
    }
    return {name: [min(bits), max(bits)] for name, bits in found.items() if bits}


def summarize_slots(accounts: Sequence[tuple[str, SlotAccount]]) -> dict[str, Any]:
    """Sum up the slot accounts of all products, given with the kinds of their layers: speedups and parts."""
    total = reduce(add, (account for _, account in accounts))
    summary: dict[str, Any] = {"ideal_speedup": float(total.ideal_speedup), "speedup": float(total.speedup)}
    if total.splits_convolutions:
        convolutions = [account for kind, account in accounts if kind in CONVOLUTIONS]
        alone = reduce(add, convolutions) if convolutions else None
        speedups = alone and {"ideal_speedup": float(alone.ideal_speedup), "speedup": float(alone.speedup)}
        summary["convolutions"] = speedups
    return {**summary, "total": total.total, **total.parts()}


def hash_configuration(hardware: Hardware, workload: Workload) -> str:
    """Hash hardware and network, without the version and without tensors from files; hexadecimal SHA-256."""
    both = {"hardware": hardware.model_dump(mode="json"), "workload": workload.file.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(both, sort_keys=True).encode()).hexdigest()


def _engine_notes(hardware: Hardware, workload: Workload) -> list[str]:
    """Notes on stated sparsity that changes nothing, and on the engine's options."""
    engine, notes = hardware.engine, []
    stated = workload.file.weight_sparsity or any(node.layer.weight_sparsity for node in workload.nodes)
    stated = stated and engine.sparse_pattern is None
    if stated and engine.zero_gating:
        notes.append("zero weights take their cycles like others; zero_gating spares their multiplications' energy")
    elif stated:
        notes.append(
            "zero weights change nothing here: they take cycles and energy like others. engine.zero_gating=true would"
            " spare their multiplications' energy; cycles gain by a pattern such as 2:4 on tensor cores alone"
        )
    return [*notes, *build_engine(engine).notes()]


def describe_pattern(hardware: Hardware) -> str:
    """Describe what a run with sparse weights assumes."""
    return (
        f"weights are taken as pruned to {hardware.engine.sparse_pattern}, those of first and depthwise layers too"
        " unless they state weight_sparsity: 0; what that costs in accuracy is not modelled"
    )


def _memory_note(hardware: Hardware, workload: Workload) -> list[str]:
    """A warning where weights and activations exceed the DRAM; the run itself assumes that they fit."""
    needed, there = count_memory_needed(workload, hardware), hardware.dram.capacity_mib
    if there is None or needed.total_bytes <= there * 2**20:
        return []
    return [f"OUT OF MEMORY: the network needs {needed.total_bytes / 2**20:.1f} MiB, the DRAM has {there:g} MiB"]
