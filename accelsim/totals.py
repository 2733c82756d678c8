"""Totals of many machines that differ in little: what they have in common is done once.

Bit for bit what ``simulate`` puts into its summary. Cycles of a product depend on engine, vector unit, its mapping,
clock and DRAM; buffers decide about the mapping and the energies alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

from accelsim.config import UserError
from accelsim.energy import Activity, price, total_pj
from accelsim.hardware import Hardware
from accelsim.lowering import widths
from accelsim.machine import Job, Machine, job_of
from accelsim.products import Counted, Products
from accelsim.simulation import simulate
from accelsim.streams import vector_steps
from accelsim.summary import figures
from accelsim.tiles import Mapping
from accelsim.workload import Node, Workload

MOST_ENGINES = 8  # whose layers are kept
MOST_PLAYED = 1 << 17  # layers of one engine that are kept


class Played(NamedTuple):
    """What is left of a layer that was played: enough to price it again."""

    total_cycles: int
    utilization: float
    activity: Activity


@dataclass
class Tally:
    """Layers asked for, and those of them that were played already."""

    layers: int = 0
    reused: int = 0


class Totals:
    """Totals of machines one after the other; call it with those together that share an engine."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.benches: dict[Hashable, Bench] = {}

    def of(self, hardware: Hardware, workload: Workload) -> dict[str, Any]:
        """Total cycles, latency, energy, power and utilization of a network, in closed form.

        Raises: UserError as ``simulate``.
        """
        key = (id(workload), hardware.engine, hardware.vector)
        bench = self.benches.get(key)
        if bench is None:
            if len(self.benches) >= MOST_ENGINES:
                del self.benches[next(iter(self.benches))]
            bench = self.benches[key] = Bench(workload, hardware, self.tally)
        return bench.totals(hardware)


class Bench:
    """A network on one engine and vector unit, for any clock, buffers, DRAM and technology."""

    def __init__(self, workload: Workload, hardware: Hardware, tally: Tally) -> None:
        self.workload = workload  # held, so that its identity stays its own
        self.tally = tally
        self.products = Products(hardware.engine, stepped=False)
        self.jobs: list[tuple[Node, Job]] = []  # the first layer of each job
        self.order: list[int | None] = []  # each layer's job
        self.counted: list[Counted | None] = []
        self.played: dict[Hashable, Played] = {}
        numbers: dict[Job, int] = {}
        for node, bits in zip(workload.nodes, widths(workload, hardware.engine.operand_bits), strict=True):
            job = job_of(node, bits, workload.file.batch, hardware.engine)
            if job is not None and job not in numbers:
                numbers[job] = len(self.jobs)
                self.jobs.append((node, job))
            self.order.append(None if job is None else numbers[job])

    def totals(self, hardware: Hardware) -> dict[str, Any]:
        """Totals of one machine with this engine."""
        if self.products.needs_operands:  # seeded by the layer's place: no two layers are equal
            return simulate(hardware, self.workload).summary
        machine = Machine(hardware, products=self.products)
        memory = (hardware.clock_mhz, hardware.dram.bandwidth_gb_s, hardware.dram.latency_ns)
        layers: list[tuple[int, float, float]] = []
        found: dict[int, tuple[int, float, float]] = {}
        for number in self.order:
            if number is None:
                layers.append((0, 0.0, 0.0))
                continue
            self.tally.layers += 1
            if number in found:
                self.tally.reused += 1
            else:
                played = self._layer(number, machine, memory)
                found[number] = played.total_cycles, played.utilization, _picojoules(played.activity, machine)
            layers.append(found[number])
        return figures(layers, hardware.clock_mhz)

    def _layer(self, number: int, machine: Machine, memory: tuple[float, float, float]) -> Played:
        """A job on a machine, played unless it was before."""
        node, job = self.jobs[number]
        try:
            counted, mapping = None, None
            cut: Mapping | int | None = None
            if job.gemm is not None:
                counted = self._counted(number, job, machine)
                cut = mapping = machine.mapping(job, job.gemm, counted)
            elif job.traffic is not None:
                read, weights, written = job.traffic
                cut = vector_steps((read, weights), written, machine.hardware.sram)
            key = (number, cut, memory)
            played = self.played.get(key)
            if played is not None:
                self.tally.reused += 1
                return played
            if len(self.played) >= MOST_PLAYED:
                self.played.clear()
            run = machine.run(job, counted, mapping)
            row = machine.checked_row(node, run)
        except UserError as error:
            raise UserError(f"layer '{node.layer.name}': {error}") from None
        played = self.played[key] = Played(row.total_cycles, row.utilization, run.activity)
        return played

    def _counted(self, number: int, job: Job, machine: Machine) -> Counted:
        while len(self.counted) <= number:
            self.counted.append(None)
        counted = self.counted[number]
        if counted is None and job.gemm is not None:
            machine.refuse_too_wide(job.gemm)
            counted = self.counted[number] = self.products.count(job.gemm, seed=0)
        assert counted is not None
        return counted


def _picojoules(activity: Activity, machine: Machine) -> float:
    return total_pj(price(activity, machine.table))
