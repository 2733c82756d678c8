"""The only composer: Hardware and Workload -> Result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from accelsim.config import UserError, nearest
from accelsim.engines.products import Products
from accelsim.hardware import DramFidelity, Hardware, with_fidelity
from accelsim.memory.schedule import ScheduledLayer
from accelsim.memory.timeline import Timeline, join_timelines
from accelsim.simulation.layer import Ends, Machine
from accelsim.simulation.result import LayerResult, Result
from accelsim.simulation.rows import find_peak
from accelsim.simulation.summary import pattern_note, summarize, summarize_slots
from accelsim.simulation.temperature import warm_rows
from accelsim.workload.gemm import Gemm, apply_pattern, operand_widths
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
    """Run a network, layer after layer.

    ``stepped`` moves every operand of every fold through the engine's registers and checks each product and count;
    ``closed`` gives the same numbers by formula. ``progress`` is called with each layer's name when it is done.
    Where values matter they come from ``tensors``, a folder of LAYER.activation.npy and LAYER.weight.npy, as far as
    it has them; the rest is synthetic, and the summary says which. ``prune`` sets all but the largest of given weights
    to zero, as a tensor core's pattern wants it; without it weights that break the pattern are refused. ``dram`` is
    how exactly the memory is simulated: the hardware's choice unless given.

    Raises: UserError where the network does not suit the hardware.
    """
    if fidelity not in ("closed", "stepped"):
        raise UserError(f"fidelity: should be closed or stepped, got {fidelity!r}")
    _require_values(hardware, workload)
    hardware = with_fidelity(hardware, dram)
    tensors = None if tensors is None else Path(tensors)
    machine = Machine(hardware, fidelity == "stepped", tensors, prune)
    rows: list[LayerResult] = []
    timelines: list[Timeline] = []
    clock = 0
    before: Ends | None = None
    bits = operand_widths(workload, hardware.engine.operand_bits)
    contexts = machine.contexts(workload, bits)
    for node, b, context in zip(workload.nodes, bits, contexts, strict=True):
        try:
            layer = machine.layer(node, b, workload.file, len(rows), context, before)
        except UserError as error:
            raise UserError(f"layer '{node.layer.name}': {error}") from None
        rows.append(layer.row)
        timelines.append(layer.timeline.shifted(clock))
        clock += layer.row.total_cycles
        before = layer.ends or before
        if progress:
            progress(layer.row.layer)
    heated = warm_rows(hardware, rows, machine.table)
    rows = heated.rows
    summary = summarize(rows, hardware, workload, machine.table, verified=fidelity == "stepped") | heated.record
    summary["notes"] += heated.notes
    if machine.accounts:
        slots = summarize_slots(machine.accounts)
        summary[machine.accounts[0][1].name] = slots
        if hardware.engine.sparse_pattern and slots["ideal_speedup"] > 1:
            summary["pattern"] = str(hardware.engine.sparse_pattern)
            summary["notes"].append(pattern_note(hardware))
    if tensors is not None:
        summary["notes"] += _tensor_notes(tensors, workload, machine)
    if machine.products.engine.needs_values:
        summary["operands"] = {"tensors": machine.given, "synthetic": SYNTHETIC}
    return Result(
        tuple(rows), summary, join_timelines(timelines), tuple(machine.counted.get(row.layer) for row in rows)
    )


def replay(
    hardware: Hardware, workload: Workload, result: Result, name: str, tensors: Path | None = None
) -> ScheduledLayer | None:
    """One layer of a result once more, step by step: when each unit works and what the engine waits for.

    None for a layer that does nothing. Raises: UserError where there is no such layer.
    """
    place = next((i for i, row in enumerate(result.rows) if row.layer == name), None)
    if place is None:
        raise UserError(f"no layer '{name}' in {workload.name}{nearest(name, [row.layer for row in result.rows])}")
    hardware = with_fidelity(hardware, result.summary["dram_fidelity"])
    machine = Machine(hardware, tensors=tensors, prunes=tensors is not None)
    bits = operand_widths(workload, hardware.engine.operand_bits)
    context = machine.contexts(workload, bits)[place]._replace(ahead=result.rows[place].prefetched_bytes > 0)
    dataflow = result.rows[place].dataflow
    return machine.replay(workload.nodes[place], bits[place], workload.file, place, context, dataflow)


def _require_values(hardware: object, workload: object) -> None:
    if not isinstance(hardware, Hardware) or not isinstance(workload, Workload):
        kinds = f"{type(hardware).__name__} and {type(workload).__name__}"
        raise UserError(f"simulate takes load_hardware(...) and load_workload(...), got {kinds}")


def count_gemm(hardware: Hardware, m: int, k: int, n: int, fidelity: Fidelity = "closed") -> dict[str, Any]:
    """One product on the engine alone, without memory: its counts, and ``verified`` where it was stepped."""
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


PRODUCT = "matmul"  # the kind of layer that a product alone is


def _tensor_notes(folder: Path, workload: Workload, machine: Machine) -> list[str]:
    """What was not read; files that belong to no layer are refused."""
    if not machine.products.reads_tensors:
        return [f"tensors of {folder} were not read: values change nothing here"]
    layers, unread = {node.layer.name for node in workload.nodes}, []
    for path in sorted(folder.glob("*.npy")):
        name, _, what = path.name.removesuffix(".npy").rpartition(".")
        if name not in layers or what not in ("activation", "weight"):
            raise UserError(f"{path}: is LAYER.activation.npy or LAYER.weight.npy of no layer{nearest(name, layers)}")
        if name not in machine.given:
            unread.append(path.name)
    notes = (
        [f"weights read of {', '.join(machine.given)}"]
        if machine.given and not machine.products.engine.needs_values
        else []
    )
    if machine.products.pruned:
        notes.append(f"{machine.products.pruned:,} of them set to zero, the smallest")
    notes += [f"not read, since their layers have no stored weights: {', '.join(unread)}"] if unread else []
    return notes if machine.given or unread else [f"{folder} holds no layer's tensors"]
