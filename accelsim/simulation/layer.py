"""Simulation of one layer of a network on a machine: it is counted, mapped, scheduled, priced and checked."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, assert_never

from accelsim.config import UserError
from accelsim.energy.prices import price
from accelsim.engines.base import CountedProduct, SlotAccount
from accelsim.hardware import Objective
from accelsim.mapping.mapping import ALONE, Context
from accelsim.mapping.on_chip import find_weight_room, plan_on_chip, reserve_room
from accelsim.memory.ideal_dram import count_transfer_time
from accelsim.memory.schedule import ScheduledLayer
from accelsim.memory.stream import WEIGHT
from accelsim.memory.timeline import Timeline, count_busy, join_timelines
from accelsim.simulation.counting import LayerCounts
from accelsim.simulation.jobs import Job, ProductJob, VectorJob, add_operations, build_job, cut_job
from accelsim.simulation.machine import Machine, refuse_too_wide
from accelsim.simulation.product import count_band, find_mapping, run_product
from accelsim.simulation.result import LayerResult, check_layer
from accelsim.simulation.rows import (
    ProductRun,
    VectorRun,
    build_idle_row,
    build_product_row,
    build_vector_row,
    find_peak,
    measure_objective,
)
from accelsim.simulation.vector import run_vector
from accelsim.workload.gemm import OperandBits, cut_bands
from accelsim.workload.network import Node, Workload, WorkloadFile


class Ends(NamedTuple):
    """The begin and the end of a layer, by which the prefetching of weights is decided."""

    first_weight_bytes: int  #: bytes of weights in its first step
    last_weight_bytes: int  #: bytes of weights in their buffer when the layer ends
    idle_cycles: int  #: idle cycles of the DMA engine before the layer ends


class LayerRun(NamedTuple):
    """A simulated layer."""

    row: LayerResult
    timeline: Timeline  #: busy intervals of the units, from cycle 0 of the layer
    ends: Ends | None  #: None for a layer that does nothing


class LayerTask(NamedTuple):
    """A layer at its position in a network."""

    node: Node
    bits: OperandBits
    number: int  #: position of the layer, from 0; it seeds operands that are not given
    context: Context = ALONE  #: the data that lie on chip before and after the layer
    before: Ends | None = None  #: the ends of the layer before, during which first weights may be loaded


@dataclass(frozen=True)
class LayerSimulator:
    """A machine of one dataflow with all results for the layers of one network; equal layers are simulated once."""

    machine: Machine
    counts: LayerCounts
    file: WorkloadFile
    accounts: list[tuple[str, SlotAccount]] = field(default_factory=list)  #: kind and slots of each layer's product
    done: dict[Hashable, LayerRun] = field(default_factory=dict)  #: layers that were simulated already

    def job(self, node: Node, bits: OperandBits) -> Job | None:
        """Build the work of a layer on this machine; None for a layer that does nothing."""
        return build_job(node, bits, self.file, self.machine.hardware.engine)


def simulate_layer(simulators: Sequence[LayerSimulator], task: LayerTask) -> tuple[LayerRun, LayerSimulator]:
    """Simulate a layer in the dataflow that is best for it; return that run and the simulator of that dataflow.

    Raises: UserError where no dataflow can run the layer.
    """
    if len(simulators) == 1:
        return _simulate(simulators[0], task), simulators[0]
    found: list[tuple[float, LayerRun, LayerSimulator]] = []
    errors: list[UserError] = []
    for simulator in simulators:
        objective: Objective = simulator.machine.hardware.mapper.objective
        try:
            layer = _simulate(simulator, task)
        except UserError as error:
            errors.append(error)
        else:
            found.append((measure_objective(layer.row, objective), layer, simulator))
    if not found:
        raise errors[0]
    _, layer, chosen = min(found, key=lambda each: each[0])
    return layer, chosen


def _simulate(simulator: LayerSimulator, task: LayerTask) -> LayerRun:
    """Simulate a layer in one dataflow."""
    node, hardware = task.node, simulator.machine.hardware
    job = simulator.job(node, task.bits)
    if job is None:
        return LayerRun(build_idle_row(node), join_timelines([]), None)
    if task.context.done:
        why = "done with the layer before, as its results appear"
        return LayerRun(build_idle_row(node, why), join_timelines([]), None)
    job = add_operations(job, task.context)
    counted = None
    if isinstance(job, ProductJob):
        refuse_too_wide(job.gemm, hardware)
        counted = simulator.counts.count(node.layer.name, job.gemm, task.number)
        if counted.slots:
            simulator.accounts.append((job.kind, counted.slots))
    layer = _run_once(simulator, node, job, counted, task.context)
    if hardware.schedule.prefetch_weights and counted and task.before and _comes_ahead(simulator, layer, task.before):
        layer = _run_once(simulator, node, job, counted, task.context._replace(ahead=True))
    return layer._replace(row=replace(layer.row, layer=node.layer.name))


def _run_once(
    simulator: LayerSimulator, node: Node, job: Job, counted: CountedProduct | None, context: Context
) -> LayerRun:
    key = (job, counted, context)
    if key not in simulator.done:
        run = run_job(simulator.machine, job, counted, context)
        stream, schedule = run.stream, run.schedule
        ends = Ends(int(stream.load_bytes[0, WEIGHT]), stream.last_weight_bytes, schedule.idle_at_end)
        simulator.done[key] = LayerRun(build_checked_row(simulator.machine, node, run), schedule.timeline, ends)
    return simulator.done[key]


def run_job(machine: Machine, job: Job, counted: CountedProduct | None, context: Context) -> ProductRun | VectorRun:
    """Run a job through the schedule; a product needs its counts. Raises: UserError where no mapping fits."""
    match job:
        case ProductJob():
            if counted is None:
                raise TypeError("a product comes with its counts")
            return run_product(machine, job, counted, context)
        case VectorJob():
            return run_vector(machine, job, context)
    assert_never(job)


def replay_layer(simulators: Sequence[LayerSimulator], task: LayerTask, dataflow: str) -> ScheduledLayer | None:
    """Schedule a layer once more in its dataflow, to show every step; None for a layer that does nothing."""
    chosen = (one for one in simulators if dataflow in ("", one.machine.engine.dataflow))
    simulator = next(chosen, simulators[0])
    job = simulator.job(task.node, task.bits)
    if job is None or task.context.done:
        return None
    job = add_operations(job, task.context)
    counted = None
    if isinstance(job, ProductJob):
        counted = simulator.counts.count(task.node.layer.name, job.gemm, task.number)
    return run_job(simulator.machine, job, counted, task.context).schedule


def build_checked_row(machine: Machine, node: Node, run: ProductRun | VectorRun) -> LayerResult:
    """Price a run, build its row, and check the invariants. Raises: InvariantError where one does not hold."""
    used = run.schedule.used
    ahead_pj = run.stream.ahead_bytes * 8 * machine.table.dram_pj_per_bit
    dram = (used.commands_pj + ahead_pj, used.standby_pj) if used else None
    parts = price(run.activity, machine.table, dram)
    if isinstance(run, VectorRun):
        row, peak = build_vector_row(node, run, machine.hardware, parts), 1.0
    else:
        row = build_product_row(node, run, machine.hardware, machine.engine, parts)
        peak = find_peak(run.gemm, machine.engine)
    check_layer(row, count_busy(run.schedule.engine), peak)
    return row


def _comes_ahead(simulator: LayerSimulator, layer: LayerRun, before: Ends) -> bool:
    """Whether the first weights find an idle DMA engine, and room beside the last ones, during the layer before."""
    hardware = simulator.machine.hardware
    first = layer.ends.first_weight_bytes if layer.ends else 0
    if first == 0 or first + before.last_weight_bytes > find_weight_room(hardware.sram):
        return False
    return count_transfer_time(first, hardware) <= before.idle_cycles


def plan_contexts(simulator: LayerSimulator, workload: Workload, bits: Sequence[OperandBits]) -> list[Context]:
    """Plan which data lie on chip before and after each layer."""
    hardware = simulator.machine.hardware
    if hardware.schedule.plain:
        return [ALONE] * len(workload.nodes)

    def fits(number: int, context: Context) -> bool:
        return _fits(simulator, LayerTask(workload.nodes[number], bits[number], number, context))

    return plan_on_chip(workload, bits, hardware, fits)


def _fits(simulator: LayerSimulator, task: LayerTask) -> bool:
    """Whether a mapping of the layer fits the room that its context leaves."""
    machine, context = simulator.machine, task.context
    job = simulator.job(task.node, task.bits)
    try:
        room = reserve_room(machine.hardware.sram, context, is_product=isinstance(job, ProductJob))
        if isinstance(job, ProductJob) and context.bands > 1:
            if machine.engine.needs_values:  # the values of a single band are not known
                return False
            for band in set(cut_bands(job.gemm, context.bands)):
                find_mapping(machine, cut_job(job, band), count_band(machine, band), room)
        elif isinstance(job, ProductJob):
            counted = simulator.counts.count(task.node.layer.name, job.gemm, task.number)
            find_mapping(machine, job, counted, room)
    except UserError:
        return False
    return True
