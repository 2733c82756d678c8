"""Simulation of a whole network: from Hardware and Workload to Result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from accelsim.config import UserError, suggest
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.engines.products import Products
from accelsim.hardware import DramFidelity, Hardware, with_fidelity
from accelsim.memory.schedule import ScheduledLayer
from accelsim.memory.timeline import Timeline, join_timelines
from accelsim.simulation.counting import LayerCounts
from accelsim.simulation.layer import (
    Ends,
    LayerRun,
    LayerSimulator,
    LayerTask,
    plan_contexts,
    replay_layer,
    simulate_layer,
)
from accelsim.simulation.machine import build_machine
from accelsim.simulation.result import Result
from accelsim.simulation.rows import find_peak
from accelsim.simulation.summary import describe_pattern, summarize, summarize_slots
from accelsim.simulation.temperature import warm_rows
from accelsim.workload.gemm import Gemm, apply_pattern, find_operand_widths
from accelsim.workload.network import Workload
from accelsim.workload.random_operands import SYNTHETIC

Fidelity = Literal["closed", "stepped"]


def simulate(
    hardware: Hardware,
    workload: Workload,
    fidelity: Fidelity = "closed",
    dram: DramFidelity | None = None,
    progress: Callable[[str], None] | None = None,
    tensors: Path | str | None = None,
    prune: bool = False,
) -> Result:
    """Simulate a network on a machine, layer by layer.

    ``fidelity`` ``closed`` counts by formula; ``stepped`` moves every operand through the engine's registers, checks
    each product and count, and gives the same numbers. ``dram`` is the fidelity of the DRAM, by default the hardware's.
    ``progress`` is called with the name of each layer that is done.

    ``tensors`` is a folder of LAYER.activation.npy and LAYER.weight.npy, for engines whose cycles or checks depend on
    values; layers without a file get synthetic operands, and the summary names both. ``prune`` sets all but the
    largest given weights to zero, as the engine's pattern or the stated sparsity requires; without it, weights that
    break the pattern are refused.

    Raises: UserError where the hardware cannot run the network, and for tensors that do not fit it.
    """
    if fidelity not in ("closed", "stepped"):
        raise UserError(f"fidelity: should be closed or stepped, got {fidelity!r}")
    _require_values(hardware, workload)
    hardware = with_fidelity(hardware, dram)
    tensors = None if tensors is None else Path(tensors)
    simulators = build_simulators(hardware, workload, fidelity == "stepped", tensors, prune)
    runs, used = _simulate_layers(simulators, workload, progress)
    table = price_hardware(hardware, load_technology(hardware.technology.name))
    warm = warm_rows(hardware, [run.row for run in runs], table)
    summary = summarize(warm.rows, hardware, workload, table, verified=fidelity == "stepped") | warm.record
    summary["notes"] += warm.notes
    _add_slots(summary, simulators, hardware)
    if tensors is not None:
        summary["notes"] += _tensor_notes(tensors, workload, simulators)
    if simulators[0].machine.engine.needs_values:
        summary["operands"] = {"tensors": simulators[0].counts.given, "synthetic": SYNTHETIC}
    products = tuple(one.counts.counted.get(run.row.layer) for run, one in zip(runs, used, strict=True))
    return Result(tuple(warm.rows), summary, _join_timelines(runs), products)


def build_simulators(
    hardware: Hardware, workload: Workload, stepped: bool, tensors: Path | None, prunes: bool
) -> list[LayerSimulator]:
    """Build one simulator for each dataflow that a layer may choose."""
    return [
        LayerSimulator(build_machine(each), LayerCounts(each.engine, stepped, tensors, prunes), workload.file)
        for each in hardware.dataflows.values()
    ]


def _simulate_layers(
    simulators: Sequence[LayerSimulator], workload: Workload, progress: Callable[[str], None] | None
) -> tuple[list[LayerRun], list[LayerSimulator]]:
    """Simulate all layers in order; return their runs and the simulator of the dataflow that each of them uses."""
    runs: list[LayerRun] = []
    used: list[LayerSimulator] = []
    before: Ends | None = None
    for task in _plan_tasks(simulators[0], workload):
        try:
            run, simulator = simulate_layer(simulators, task._replace(before=before))
        except UserError as error:
            raise UserError(f"layer '{task.node.layer.name}': {error}") from None
        runs.append(run)
        used.append(simulator)
        before = run.ends or before
        if progress:
            progress(run.row.layer)
    return runs, used


def _plan_tasks(simulator: LayerSimulator, workload: Workload) -> list[LayerTask]:
    """Every layer with the data that lie on chip around it, as planned for the first of several dataflows."""
    bits = find_operand_widths(workload, simulator.machine.hardware.engine.operand_bits)
    contexts = plan_contexts(simulator, workload, bits)
    numbered = enumerate(zip(workload.nodes, bits, contexts, strict=True))
    return [LayerTask(node, widths, number, context) for number, (node, widths, context) in numbered]


def _join_timelines(runs: Sequence[LayerRun]) -> Timeline:
    """Join the timelines of layers, one after the other."""
    begins = accumulate((run.row.total_cycles for run in runs), initial=0)
    return join_timelines([run.timeline.shift(begin) for run, begin in zip(runs, begins, strict=False)])


def _add_slots(summary: dict[str, Any], simulators: Sequence[LayerSimulator], hardware: Hardware) -> None:
    """Add the account of all products' slots to the summary, for engines that keep one."""
    accounts = [account for simulator in simulators for account in simulator.accounts]
    if not accounts:
        return
    slots = summarize_slots(accounts)
    summary[accounts[0][1].name] = slots
    if hardware.engine.sparse_pattern and slots["ideal_speedup"] > 1:
        summary["pattern"] = str(hardware.engine.sparse_pattern)
        summary["notes"].append(describe_pattern(hardware))


def replay(
    hardware: Hardware, workload: Workload, result: Result, name: str, tensors: Path | None = None
) -> ScheduledLayer | None:
    """Schedule one layer of a result once more, to show when each unit works and what the engine waits for.

    Returns None for a layer that does nothing. Raises: UserError where the result has no such layer.
    """
    place = next((i for i, row in enumerate(result.rows) if row.layer == name), None)
    if place is None:
        raise UserError(f"no layer '{name}' in {workload.name}{suggest(name, [row.layer for row in result.rows])}")
    hardware = with_fidelity(hardware, result.summary["dram_fidelity"])
    simulators = build_simulators(hardware, workload, stepped=False, tensors=tensors, prunes=tensors is not None)
    task, row = _plan_tasks(simulators[0], workload)[place], result.rows[place]
    task = task._replace(context=task.context._replace(ahead=row.prefetched_bytes > 0))
    return replay_layer(simulators, task, row.dataflow)


def _require_values(hardware: object, workload: object) -> None:
    if not isinstance(hardware, Hardware) or not isinstance(workload, Workload):
        kinds = f"{type(hardware).__name__} and {type(workload).__name__}"
        raise UserError(f"simulate takes load_hardware(...) and load_workload(...), got {kinds}")


def count_gemm(hardware: Hardware, m: int, k: int, n: int, fidelity: Fidelity = "closed") -> dict[str, Any]:
    """Count one product on the engine alone, without memory; return the record of ``gemm --json``.

    Raises: UserError for a product that the engine cannot run.
    """
    width = hardware.engine.operand_bits
    gemm = Gemm(m, k, n, activation_bits=width, weight_bits=width, output_bits=width)
    gemm = apply_pattern(gemm, hardware.engine.sparse_pattern)
    engine = hardware.engine
    if len(hardware.dataflows) > 1:
        engines = (each.engine for each in hardware.dataflows.values())
        engine = min(engines, key=lambda each: Products(each, stepped=False).count(gemm, 0).counts.cycles)
    products = Products(engine, stepped=fidelity == "stepped")
    counted = products.count(gemm, seed=0)
    counts, peak = counted.counts, find_peak(gemm, products.engine)
    figures = {
        "hardware": hardware.name,
        "m": m,
        "k": k,
        "n": n,
        **asdict(counts),
        "utilization": counts.macs / (peak * counts.cycles),
    }
    if products.engine.dataflow:
        figures["dataflow"] = products.engine.dataflow
    if counted.slots:
        figures[counted.slots.name] = summarize_slots([(PRODUCT, counted.slots)])
    if products.engine.needs_values:
        figures["operands"] = SYNTHETIC
    return figures | ({"verified": True} if fidelity == "stepped" else {})


PRODUCT = "matmul"  # kind of layer of a product alone


def _tensor_notes(folder: Path, workload: Workload, simulators: Sequence[LayerSimulator]) -> list[str]:
    """Notes on which tensors were read. Raises: UserError for a file that belongs to no layer."""
    counts = simulators[0].counts
    if not counts.products.reads_tensors:
        return [f"tensors of {folder} were not read: values change nothing here"]
    layers, unread = {node.layer.name for node in workload.nodes}, []
    for path in sorted(folder.glob("*.npy")):
        name, _, what = path.name.removesuffix(".npy").rpartition(".")
        if name not in layers or what not in ("activation", "weight"):
            raise UserError(f"{path}: is LAYER.activation.npy or LAYER.weight.npy of no layer{suggest(name, layers)}")
        if name not in counts.given:
            unread.append(path.name)
    notes = (
        [f"weights read of {', '.join(counts.given)}"]
        if counts.given and not counts.products.engine.needs_values
        else []
    )
    if counts.products.pruned:
        notes.append(f"{counts.products.pruned:,} of them set to zero, the smallest")
    notes += [f"not read, since their layers have no stored weights: {', '.join(unread)}"] if unread else []
    return notes if counts.given or unread else [f"{folder} holds no layer's tensors"]
