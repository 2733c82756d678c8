"""Totals of many machines that differ in little: what they have in common is done once.

Bit for bit what ``simulate`` puts into its summary. Cycles of a product depend on engine, vector unit, its mapping,
clock, DRAM and its buffers' ports; their sizes decide about the mapping and the energies alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import Activity, price, total_pj
from accelsim.engines.base import CountedProduct
from accelsim.engines.products import Products
from accelsim.hardware import Hardware, with_fidelity
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.search import Search
from accelsim.mapping.streams import vector_steps
from accelsim.memory.bank_conflicts import Buffers
from accelsim.memory.sram import describe_room
from accelsim.simulation.jobs import Job, ProductJob, VectorJob, build_job
from accelsim.simulation.layer import build_checked_row
from accelsim.simulation.machine import Machine, build_machine, refuse_too_wide
from accelsim.simulation.network import simulate
from accelsim.simulation.product import Cut, count_port_waits, cut_product, price_search, run_cut, search_mapping
from accelsim.simulation.rows import ProductRun, VectorRun
from accelsim.simulation.summary import sum_figures
from accelsim.simulation.vector import run_vector
from accelsim.workload.gemm import find_operand_widths
from accelsim.workload.network import Node, Workload

MOST_ENGINES = 4  # whose layers are kept
MOST_PLAYED = 512  # runs of one layer that are kept,
MOST_LANES = 256  # layers without a product that are kept,
MOST_CUTS = 8  # its streams,
_MOST_STEPS = 1 << 12  # and their steps

MemoryKey = tuple[float, float, float]  # clock, bandwidth, latency
Halves = tuple[int, int, int]  # of the buffers
LayerFigures = tuple[int, float, float]  # total cycles, utilization, pJ
_IDLE: LayerFigures = (0, 0.0, 0.0)


class PricedLayer(NamedTuple):
    """What is left of a layer that was played: enough to price it again."""

    total_cycles: int
    utilization: float
    activity: Activity


@dataclass
class Tally:
    """Layers asked for, and those of them that were played already."""

    layers: int = 0
    reused: int = 0


class MachineTotals:
    """Totals of machines one after the other; call it with those together that share an engine."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.benches: dict[Hashable, EngineTotals] = {}
        self.lanes: dict[Hashable, KeptLanes] = {}  # layers without a product: any engine's before the same lanes

    def of(self, hardware: Hardware, workload: Workload) -> dict[str, Any]:
        """Total cycles, latency, energy, power and utilization of a network, in closed form.

        Raises: UserError as ``simulate``.
        """
        hardware = with_fidelity(hardware, "ideal")
        key = (id(workload), hardware.engine, hardware.vector)
        bench = self.benches.get(key)
        if bench is None:
            if len(self.benches) >= MOST_ENGINES:
                del self.benches[next(iter(self.benches))]
            bench = self.benches[key] = EngineTotals(workload, hardware, self.tally, self.lanes)
        return bench.totals(hardware)


class EngineTotals:
    """A network on one engine and vector unit, for any clock, buffers, DRAM and technology."""

    def __init__(self, workload: Workload, hardware: Hardware, tally: Tally, lanes: dict[Hashable, KeptLanes]) -> None:
        self.workload = workload  # held, so that its identity stays its own
        self.tally = tally
        self.products = Products(hardware.engine, stepped=False)
        self.layers: list[KeptProduct | KeptLanes] = []  # different ones,
        self.names: list[str] = []  # and the first that is so
        self.order: list[int | None] = []  # of the network, by number in layers
        numbers: dict[Job, int] = {}
        for node, bits in zip(workload.nodes, find_operand_widths(workload, hardware.engine.operand_bits), strict=True):
            job = build_job(node, bits, workload.file, hardware.engine)
            if job is not None and job not in numbers:
                numbers[job] = len(self.layers)
                self.names.append(node.layer.name)
                if isinstance(job, ProductJob):
                    self.layers.append(KeptProduct(node, job, self.products))
                else:
                    _room_for_one(lanes, MOST_LANES)
                    self.layers.append(lanes.setdefault((job, hardware.vector), KeptLanes(node, job)))
            self.order.append(None if job is None else numbers[job])

    def totals(self, hardware: Hardware) -> dict[str, Any]:
        """Totals of one machine with this engine."""
        shares = hardware.schedule.plain and len(hardware.dataflows) == 1 and hardware.thermal is None
        if self.products.needs_operands or not shares:
            return simulate(hardware, self.workload).summary
        machine = build_machine(hardware)
        memory = (hardware.clock_mhz, hardware.dram.bandwidth_gb_s, hardware.dram.latency_ns)
        found: dict[int, LayerFigures] = {}
        for number in self.order:
            if number is not None:
                self._count(number, machine, memory, found)
        return sum_figures([_IDLE if number is None else found[number] for number in self.order], hardware.clock_mhz)

    def _count(self, number: int, machine: Machine, memory: MemoryKey, found: dict[int, LayerFigures]) -> None:
        self.tally.layers += 1
        if number in found:
            self.tally.reused += 1
            return
        layer = self.layers[number]
        try:
            played, reused = layer.play(machine, memory)
        except UserError as error:
            raise UserError(f"layer '{self.names[number]}': {error}") from None
        self.tally.reused += reused
        found[number] = played.total_cycles, played.utilization, total_pj(price(played.activity, machine.table))


class KeptProduct:
    """A product, what every machine with its engine has in common of it, and what was played of it."""

    def __init__(self, node: Node, job: ProductJob, products: Products) -> None:
        self.node, self.job, self.products = node, job, products
        self.counted: CountedProduct | None = None
        self.searches: dict[Halves, Search] = {}
        self.waits: dict[Buffers, int] = {}
        self.cuts: dict[tuple[Mapping, int, Halves], Cut] = {}
        self.played: dict[tuple[Mapping, int, Halves, MemoryKey], PricedLayer] = {}

    def play(self, machine: Machine, memory: MemoryKey) -> tuple[PricedLayer, bool]:
        """The product on a machine, and whether it was played before."""
        counted, halves = self.counted, machine.hardware.sram.halves
        if counted is None:
            refuse_too_wide(self.job.gemm, machine.hardware)
            counted = self.counted = self.products.count(self.job.gemm, seed=0)
        search = self.searches.get(halves)
        if search is None:
            search = self.searches[halves] = search_mapping(machine, self.job, counted)
        mapping = search.best(machine.hardware, price_search(machine, self.job, counted))
        waits = self.waits.get(machine.buffers)
        if waits is None:
            waits = self.waits[machine.buffers] = count_port_waits(machine, self.job, counted)
        key = (mapping, waits, halves, memory)
        played = self.played.get(key)
        if played is not None:
            return played, True
        cut = self.cuts.get(key[:3])
        if cut is None:
            cut = cut_product(machine, self.job, counted, mapping)
            if cut.stream.engine_cycles.size <= _MOST_STEPS:
                _room_for_one(self.cuts, MOST_CUTS)
                self.cuts[key[:3]] = cut
        _room_for_one(self.played, MOST_PLAYED)
        self.played[key] = _played(machine, self.node, run_cut(machine, self.job, counted, cut))
        return self.played[key], False


class KeptLanes:
    """A layer without a product, and what was played of it."""

    def __init__(self, node: Node, job: VectorJob) -> None:
        self.node, self.job = node, job
        self.played: dict[tuple[int, Halves, MemoryKey], PricedLayer] = {}

    def play(self, machine: Machine, memory: MemoryKey) -> tuple[PricedLayer, bool]:
        """The layer on a machine, and whether it was played before."""
        sram, (read, weights, written) = machine.hardware.sram, self.job.traffic
        key = (vector_steps((read, weights), written, describe_room(sram), sram.halves), sram.halves, memory)
        played = self.played.get(key)
        if played is not None:
            return played, True
        _room_for_one(self.played, MOST_PLAYED)
        self.played[key] = _played(machine, self.node, run_vector(machine, self.job))
        return self.played[key], False


def _played(machine: Machine, node: Node, run: ProductRun | VectorRun) -> PricedLayer:
    row = build_checked_row(machine, node, run)
    return PricedLayer(row.total_cycles, row.utilization, run.activity)


def _room_for_one(kept: dict[Any, Any], most: int) -> None:
    """Forget the oldest where there are too many."""
    if len(kept) >= most:
        del kept[next(iter(kept))]
