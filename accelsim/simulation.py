"""The only composer: Hardware and Workload -> Result."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from accelsim.config import UserError, nearest
from accelsim.energy import EnergyTable, energy_table, price
from accelsim.engines.losses import Losses
from accelsim.engines.slots import MacSlots
from accelsim.engines.vector import lane_cycles
from accelsim.footprint import compulsory_bytes
from accelsim.hardware import Hardware
from accelsim.lowering import Bits, Gemm, gemm_of, in_pattern, vector_work, widths
from accelsim.mapping import find
from accelsim.memory.schedule import play
from accelsim.operands import SYNTHETIC
from accelsim.products import Counted, Product, Products
from accelsim.result import LayerResult, Result, check
from accelsim.rows import Run, idle_row, kind_of, peak_of, row_of
from accelsim.streams import gemm_stream, mapped_counts, vector_stream
from accelsim.summary import bit_slots, mac_slots, pattern_note, summarize
from accelsim.technology import load_technology
from accelsim.tensors import Operands, read_operands
from accelsim.timeline import Timeline, busy_cycles, joined
from accelsim.traffic import gemm_activity, vector_activity, vector_traffic
from accelsim.workload import Node, Workload, WorkloadFile

Fidelity = Literal["closed", "stepped"]


def simulate(
    hardware: Hardware,
    workload: Workload,
    fidelity: Fidelity = "closed",
    dram: Literal["ideal"] | None = None,
    progress: Callable[[str], None] | None = None,
    tensors: Path | str | None = None,
    prune: bool = False,
) -> Result:
    """Run a network, layer after layer.

    ``stepped`` moves every operand of every fold through the engine's registers and checks each product and count;
    ``closed`` gives the same numbers by formula. ``progress`` is called with each layer's name when it is done.
    Where values matter they come from ``tensors``, a folder of LAYER.activation.npy and LAYER.weight.npy, as far as
    it has them; the rest is synthetic, and the summary says which. ``prune`` sets all but the largest of given weights
    to zero, as a tensor core's pattern wants it; without it weights that break the pattern are refused.

    Raises: UserError where the network does not suit the hardware.
    """
    if fidelity not in ("closed", "stepped"):
        raise UserError(f"fidelity: should be closed or stepped, got {fidelity!r}")
    _require_values(hardware, workload)
    if dram not in (None, "ideal"):
        raise UserError(f"dram: should be ideal, got {dram!r}")
    tensors = None if tensors is None else Path(tensors)
    machine = _Machine(hardware, workload.file, fidelity, tensors, prune)
    rows: list[LayerResult] = []
    timelines: list[Timeline] = []
    clock = 0
    for node, bits in zip(workload.nodes, widths(workload, hardware.engine.operand_bits), strict=True):
        try:
            row, timeline = machine.layer(node, bits, seed=len(rows))
        except UserError as error:
            raise UserError(f"layer '{node.layer.name}': {error}") from None
        rows.append(row)
        timelines.append(timeline.shifted(clock))
        clock += row.total_cycles
        if progress:
            progress(row.layer)
    summary = summarize(rows, hardware, workload, machine.table, verified=fidelity == "stepped")
    if machine.products.losses.total:
        convolutions = (losses for kind, losses in machine.losses if kind in CONVOLUTIONS)
        summary["bit_slots"] = bit_slots(machine.products.losses, sum(convolutions, Losses()))
    if machine.slots.total:
        summary["mac_slots"] = mac_slots(machine.slots)
    if machine.slots.total and machine.slots.ideal_speedup > 1:
        summary["pattern"] = str(hardware.engine.sparse_pattern)
        summary["notes"].append(pattern_note(hardware))
    if tensors is not None:
        summary["notes"] += _tensor_notes(tensors, workload, machine)
    if machine.products.by_value:
        summary["operands"] = {"tensors": machine.given, "synthetic": SYNTHETIC}
    return Result(tuple(rows), summary, joined(timelines), tuple(machine.counted.get(row.layer) for row in rows))


def _require_values(hardware: object, workload: object) -> None:
    if not isinstance(hardware, Hardware) or not isinstance(workload, Workload):
        kinds = f"{type(hardware).__name__} and {type(workload).__name__}"
        raise UserError(f"simulate takes load_hardware(...) and load_workload(...), got {kinds}")


def count_gemm(hardware: Hardware, m: int, k: int, n: int, fidelity: Fidelity = "closed") -> dict[str, Any]:
    """One product on the engine alone, without memory: its counts, and ``verified`` where it was stepped."""
    width = hardware.engine.operand_bits
    gemm = Gemm(m, k, n, activation_bits=width, weight_bits=width, output_bits=width)
    gemm = in_pattern(gemm, hardware.engine.sparse_pattern)
    products = Products(hardware.engine, stepped=fidelity == "stepped")
    counted = products.count(gemm, seed=0)
    counts, peak = counted.counts, peak_of(gemm, hardware)
    figures = {
        "hardware": hardware.name,
        "m": m,
        "k": k,
        "n": n,
        **asdict(counts),
        "utilization": counts.macs / (peak * counts.cycles),
    }
    if counted.slots.total:
        figures["mac_slots"] = mac_slots(counted.slots)
    if products.by_value:
        figures["operands"] = SYNTHETIC
    return figures | ({"verified": True} if fidelity == "stepped" else {})


CONVOLUTIONS = ("conv2d", "depthwise", "grouped")


class _Machine:
    """Hardware with what is derived from it once."""

    def __init__(
        self, hardware: Hardware, file: WorkloadFile, fidelity: Fidelity, tensors: Path | None, prunes: bool
    ) -> None:
        self.hardware = hardware
        self.batch, self.weight_sparsity = file.batch, file.weight_sparsity
        self.tensors = tensors
        self.losses: list[tuple[str, Losses]] = []  # kind of layer, and where its bit slots went
        self.slots = MacSlots()  # of all products
        self.counted: dict[str, Product] = {}  # by layer
        self.given: list[str] = []  # layers whose operands came from files
        self.products = Products(hardware.engine, fidelity == "stepped", prunes)
        self.table: EnergyTable = energy_table(hardware, load_technology(hardware.technology.name))
        self.integer = hardware.engine.precision.startswith("int")
        self.done: dict[Hashable, tuple[LayerResult, Timeline]] = {}

    def layer(self, node: Node, bits: Bits, seed: int) -> tuple[LayerResult, Timeline]:
        """One layer's result and when its units were busy, from cycle 0. Equal layers are played once."""
        if node.layer.is_view or not node.layer.executed:
            return idle_row(node), joined([])
        batch = self.batch
        operations = vector_work(node, batch, self.integer)
        gemm = gemm_of(node, batch, bits, self.weight_sparsity)
        gemm = gemm and in_pattern(gemm, self.hardware.engine.sparse_pattern)
        traffic = vector_traffic(node, bits, batch) if gemm is None else None
        counted = None
        if gemm is not None:
            self._refuse_too_wide(gemm)
            counted = self._counted(node.layer.name, gemm, seed)
            self.counted[node.layer.name] = Product(gemm, counted)
            self.losses.append((kind_of(node), counted.losses))
            self.slots += counted.slots
        key = (kind_of(node), gemm, counted, traffic, tuple(operations.items()))
        if key not in self.done:
            if gemm is not None and counted is not None:
                run = self._gemm_run(gemm, counted, operations)
            else:
                run = self._vector_run(traffic or (0, 0, 0), operations)
            row = row_of(node, run, self.hardware, price(run.activity, self.table))
            check(row, busy_cycles(run.played.timeline.engine), peak_of(gemm, self.hardware))
            self.done[key] = row, run.played.timeline
        row, timeline = self.done[key]
        return replace(row, layer=node.layer.name), timeline

    def _counted(self, name: str, gemm: Gemm, seed: int) -> Counted:
        operands = self._read(name, gemm)
        try:
            return self.products.count(gemm, seed, operands)
        except UserError as error:
            if self.tensors is None or operands is None:
                raise
            raise UserError(f"{self.tensors / f'{name}.weight.npy'}: {error}") from None

    def _read(self, name: str, gemm: Gemm) -> Operands | None:
        if self.tensors is None or not self.products.reads_tensors:
            return None
        operands = read_operands(self.tensors, name, gemm, self.products.needs_operands)
        if operands is not None:
            self.given.append(name)
        return operands

    def _refuse_too_wide(self, gemm: Gemm) -> None:
        engine, widest = self.hardware.engine, max(gemm.activation_bits, gemm.weight_bits)
        if widest <= engine.operand_bits:
            return
        told = f"{widest}-bit operands do not fit the engine's {engine.operand_bits} bits"
        if engine.kind != "bitserial":
            raise UserError(f"{told} ({engine.precision}); give --precision or engine.precision at least that wide")
        raise UserError(f"{told} (engine.pe_bits); allowed: 1 to {engine.operand_bits}")

    def _gemm_run(self, gemm: Gemm, counted: Counted, operations: dict[str, int]) -> Run:
        hardware, engine, counts = self.hardware, self.products.engine, counted.counts
        per_output = lane_cycles(operations, hardware.vector) / (gemm.m * gemm.n * gemm.groups)
        sizes = replace(gemm, weight_sparsity=None, activation_signed=None)  # values decide about no tile
        mapping = find(sizes, hardware, engine, counts.cycles, per_output)
        mapped = mapped_counts(gemm, mapping, hardware, engine, counts)
        stream = gemm_stream(gemm, mapping, hardware, mapped.cycles, per_output)
        played = play(stream, hardware)
        work = self.products.work(counted)
        activity = replace(
            gemm_activity(gemm, mapped, stream, operations, hardware.engine.precision),
            cycles=played.total_cycles,
            macs=work.macs,
            bit_steps=work.bit_steps,
            selections=work.macs if gemm.pattern else 0,
        )
        tiling = mapped.cycles - counts.cycles
        return Run(gemm, counts.cycles, tiling, stream, played, activity, compulsory_bytes(gemm), str(mapping),
                    counted)  # fmt: skip

    def _vector_run(self, traffic: tuple[int, int, int], operations: dict[str, int]) -> Run:
        read, weights, written = traffic
        stream = vector_stream((read, weights), written, lane_cycles(operations, self.hardware.vector), self.hardware)
        played = play(stream, self.hardware)
        activity = vector_activity(traffic, played.total_cycles, operations)
        return Run(None, int(stream.vector_cycles.sum()), 0, stream, played, activity, (read + weights, written), "",
                    None)  # fmt: skip


def _tensor_notes(folder: Path, workload: Workload, machine: _Machine) -> list[str]:
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
    notes = [f"weights read of {', '.join(machine.given)}"] if machine.given and not machine.products.by_value else []
    if machine.products.pruned:
        notes.append(f"{machine.products.pruned:,} of them set to zero, the smallest")
    notes += [f"not read, since their layers have no stored weights: {', '.join(unread)}"] if unread else []
    return notes if machine.given or unread else [f"{folder} holds no layer's tensors"]
