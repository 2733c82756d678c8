"""The only composer: Hardware and Workload -> Result."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import asdict, replace
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.energy import COMPONENTS, Activity, EnergyTable, energy_table, price, total_pj
from accelsim.engines.base import Engine
from accelsim.engines.bitserial import BitSerial
from accelsim.engines.systolic import Systolic
from accelsim.engines.vector import lane_cycles
from accelsim.footprint import compulsory_bytes
from accelsim.hardware import BITS, AnyEngine, BitSerialUnit, Hardware
from accelsim.load import load_hardware
from accelsim.lowering import Bits, Gemm, gemm_of, vector_work, widths
from accelsim.mapping import find
from accelsim.memory.schedule import Played, play
from accelsim.reasons import bound_of, reason
from accelsim.result import LayerResult, Result, check
from accelsim.streams import gemm_stream, mapped_cycles, vector_stream
from accelsim.summary import summarize
from accelsim.technology import load_technology
from accelsim.tiles import TileStream
from accelsim.timeline import Timeline, busy_cycles, joined
from accelsim.traffic import gemm_activity, vector_activity, vector_traffic
from accelsim.workload import Node, Workload

Fidelity = Literal["closed", "stepped"]


class ProductError(AssertionError):
    """A stepped engine's product or counts differ from what they must be: a defect of the simulator."""


def simulate(
    hardware: Hardware,
    workload: Workload,
    fidelity: Fidelity = "closed",
    dram: Literal["ideal"] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Result:
    """Run a network, layer after layer.

    ``stepped`` moves every operand of every fold through the engine's registers and checks each product and count;
    ``closed`` gives the same numbers by formula. ``progress`` is called with each layer's name when it is done.

    Raises: UserError where the network does not suit the hardware.
    """
    if fidelity not in ("closed", "stepped"):
        raise UserError(f"fidelity: should be closed or stepped, got {fidelity!r}")
    if dram not in (None, "ideal"):
        raise UserError(f"dram: should be ideal, got {dram!r}")
    machine = _Machine(hardware, fidelity)
    rows: list[LayerResult] = []
    timelines: list[Timeline] = []
    clock = 0
    for node, bits in zip(workload.nodes, widths(workload, BITS[hardware.engine.precision]), strict=True):
        row, timeline = machine.layer(node, bits, workload.file.batch, seed=len(rows))
        check(row, hardware.engine.peak_macs_per_cycle(bits.activation, bits.weight))
        rows.append(row)
        timelines.append(timeline.shifted(clock))
        clock += row.total_cycles
        if progress:
            progress(row.layer)
    summary = summarize(rows, hardware, workload, machine.table, verified=fidelity == "stepped")
    return Result(tuple(rows), summary, joined(timelines))


def count_gemm(hardware: Hardware, m: int, k: int, n: int, fidelity: Fidelity = "closed") -> dict[str, Any]:
    """One product on the engine alone, without memory: its counts, and ``verified`` where it was stepped."""
    width = BITS[hardware.engine.precision]
    machine = _Machine(hardware, fidelity)
    gemm = Gemm(m, k, n, activation_bits=width, weight_bits=width, output_bits=width)
    counts = machine.engine.count(gemm)
    if machine.stepped:
        machine.verify(gemm, f"{m}x{k}x{n}", seed=0)
    peak = hardware.engine.peak_macs_per_cycle(width, width)
    figures = {
        "hardware": hardware.name,
        "m": m,
        "k": k,
        "n": n,
        **asdict(counts),
        "utilization": counts.macs / (peak * counts.cycles),
    }
    return figures | ({"verified": True} if machine.stepped else {})


def _engine(configuration: AnyEngine) -> Engine:
    if isinstance(configuration, BitSerialUnit):
        return BitSerial(configuration)
    return Systolic(configuration)


def compile_kernels() -> float:
    """Run every kernel once on something small; returns the seconds that it took."""
    started = perf_counter()
    hardware = load_hardware("textbook_os_32", ["engine.rows=2", "engine.cols=2"])
    for dataflow in ("os", "ws", "is"):
        for overlap in (False, True):
            for precision in ("int8", "int16"):
                engine = {"dataflow": dataflow, "overlap_folds": overlap, "precision": precision}
                variant = hardware.model_copy(update={"engine": hardware.engine.model_copy(update=engine)})
                count_gemm(variant, 3, 3, 3, "stepped")
    empty = np.zeros(1, np.int64)
    stream = TileStream(np.zeros((1, 3), np.int64), empty, np.ones((1, 3), bool), empty, empty)
    play(stream, hardware)
    return perf_counter() - started


class _Run(NamedTuple):
    """One layer, played."""

    gemm: Gemm | None
    compute_cycles: int
    stream: TileStream
    played: Played
    activity: Activity
    compulsory_bytes: int
    mapping: str


class _Machine:
    """Hardware with what is derived from it once."""

    def __init__(self, hardware: Hardware, fidelity: Fidelity) -> None:
        self.hardware = hardware
        self.stepped = fidelity == "stepped"
        self.engine = _engine(hardware.engine)
        self.table: EnergyTable = energy_table(hardware, load_technology(hardware.technology.name))
        self.integer = hardware.engine.precision.startswith("int")
        self.played: dict[Hashable, tuple[LayerResult, Timeline]] = {}

    def layer(self, node: Node, bits: Bits, batch: int, seed: int) -> tuple[LayerResult, Timeline]:
        """One layer's result and when its units were busy, from cycle 0. Equal layers are played once."""
        if node.layer.is_view or not node.layer.executed:
            return _idle(node), joined([])
        operations = vector_work(node, batch, self.integer)
        gemm = gemm_of(node, batch, bits)
        traffic = vector_traffic(node, bits, batch) if gemm is None else None
        if gemm is not None:
            self._refuse_too_wide(node, bits)
            if self.stepped:
                self.verify(gemm, node.layer.name, seed)
        key = (kind_of(node), gemm, traffic, tuple(operations.items()))
        if key not in self.played:
            run = self._gemm_run(gemm, operations) if gemm else self._vector_run(traffic or (0, 0, 0), operations)
            self.played[key] = self._row(node, run), run.played.timeline
        row, timeline = self.played[key]
        return replace(row, layer=node.layer.name), timeline

    def _refuse_too_wide(self, node: Node, bits: Bits) -> None:
        precision = self.hardware.engine.precision
        widest = max(bits.activation, bits.weight)
        if widest > BITS[precision]:
            raise UserError(
                f"layer '{node.layer.name}': {widest}-bit operands do not fit the engine's {precision} PEs;"
                f" give --precision or engine.precision at least that wide"
            )

    def verify(self, gemm: Gemm, name: str, seed: int) -> None:
        """Step a product and hold it and its counts against what they must be."""
        from accelsim.operands import exact_product, random_operands

        a, w = random_operands(gemm, self.integer, seed)
        out, stepped = self.engine.step(gemm, a, w)
        if stepped != self.engine.count(gemm):
            closed = self.engine.count(gemm)
            raise ProductError(f"layer {name}: stepped {stepped} differs from the closed form {closed}")
        if not (out == exact_product(a, w)).all():
            raise ProductError(f"layer {name}: the stepped product is wrong")

    def _gemm_run(self, gemm: Gemm, operations: dict[str, int]) -> _Run:
        hardware, counts = self.hardware, self.engine.count(gemm)
        mapping = find(gemm, hardware, self.engine, counts.cycles)
        per_output = lane_cycles(operations, hardware.vector) / (gemm.m * gemm.n * gemm.groups)
        cycles = mapped_cycles(gemm, mapping, hardware, self.engine, counts.cycles)
        stream = gemm_stream(gemm, mapping, hardware, cycles, per_output)
        played = play(stream, hardware)
        activity = gemm_activity(gemm, counts, stream, played.total_cycles, operations, self.hardware.engine.precision)
        return _Run(gemm, counts.cycles, stream, played, activity, sum(compulsory_bytes(gemm)), str(mapping))

    def _vector_run(self, traffic: tuple[int, int, int], operations: dict[str, int]) -> _Run:
        read, weights, written = traffic
        stream = vector_stream((read, weights), written, lane_cycles(operations, self.hardware.vector), self.hardware)
        played = play(stream, self.hardware)
        activity = vector_activity(traffic, played.total_cycles, operations)
        return _Run(None, int(stream.vector_cycles.sum()), stream, played, activity, sum(traffic), "")

    def _row(self, node: Node, run: _Run) -> LayerResult:
        gemm, compute_cycles, stream, played, activity, compulsory, mapping = run
        total = played.total_cycles
        peak = self.hardware.engine.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits) if gemm else 1.0
        busy = {
            "compute": compute_cycles if gemm else 0,
            "vector": busy_cycles(played.timeline.vector),
            "memory": busy_cycles(played.timeline.dram),
        }
        parts = price(activity, self.table)
        moved = stream.read_bytes + stream.write_bytes
        bound = bound_of(busy, total)
        return LayerResult(
            layer=node.layer.name,
            kind=kind_of(node),
            m=gemm.m if gemm else 0,
            n=gemm.n if gemm else 0,
            k=gemm.k if gemm else 0,
            groups=gemm.groups if gemm else 0,
            macs=activity.macs,
            compute_cycles=compute_cycles,
            stall_cycles=total - compute_cycles,
            total_cycles=total,
            utilization=activity.macs / (peak * total) if gemm else None,
            compute_utilization=activity.macs / (peak * compute_cycles) if gemm else None,
            dram_read_bytes=stream.read_bytes,
            dram_write_bytes=stream.write_bytes,
            compulsory_bytes=compulsory,
            vector_cycles=busy["vector"],
            dram_busy_cycles=busy["memory"],
            energy_pj=total_pj(parts),
            arithmetic_intensity=activity.macs / moved if gemm and moved else None,
            bound=bound,
            reason=reason(bound, gemm, self.hardware, compute_cycles, moved, compulsory),
            mapping=mapping,
            energy_pj_by_component=parts,
        )


def kind_of(node: Node) -> str:
    """The layer's type; a convolution with a filter per channel is called depthwise."""
    layer = node.layer
    if layer.type == "conv2d" and layer.groups > 1:
        return "depthwise" if layer.groups == layer.out_channels else "grouped"
    return str(layer.type)


def _idle(node: Node) -> LayerResult:
    """A layer that only names data differently, or is not run: nothing moves."""
    zeros: dict[str, Any] = dict.fromkeys(
        ("m", "n", "k", "groups", "macs", "compute_cycles", "stall_cycles", "total_cycles", "dram_read_bytes",
         "dram_write_bytes", "compulsory_bytes", "vector_cycles", "dram_busy_cycles"), 0
    )  # fmt: skip
    return LayerResult(
        layer=node.layer.name,
        kind=str(node.layer.type),
        utilization=None,
        compute_utilization=None,
        energy_pj=0.0,
        arithmetic_intensity=None,
        bound="none",
        reason="names data that lie in memory already" if node.layer.executed else "stored, but not run",
        mapping="",
        energy_pj_by_component=dict.fromkeys(COMPONENTS, 0.0),
        **zeros,
    )
