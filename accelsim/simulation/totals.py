"""Totals of many machines that differ little, as in a sweep: work that they share is done once.

The totals equal those in the summary of ``simulate`` bit for bit. The cycles of a product depend on the engine, the
vector unit, its mapping, the clock, the DRAM and the buffers' ports; the buffers' sizes only change the mapping and the
energies.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import Activity, price, sum_pj
from accelsim.engines.base import CountedProduct
from accelsim.engines.products import Products
from accelsim.hardware import Hardware, with_fidelity
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.search import Search
from accelsim.mapping.streams import count_vector_steps
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

MOST_ENGINES = 4  # engines whose layers are kept
MOST_RUNS = 512  # runs that are kept of a layer
MOST_LANES = 256  # layers without a product that are kept
MOST_CUTS = 8  # cuts that are kept of a product
_MOST_STEPS = 1 << 12  # steps of a cut that is kept

MemoryKey = tuple[float, float, float]  # clock in MHz, DRAM bandwidth in GB/s, DRAM latency in ns
Halves = tuple[int, int, int]  # tiles for which the buffers of ifmap, weights and ofmap have room
LayerFigures = tuple[int, float, float]  # total cycles, utilization, energy in pJ
_IDLE: LayerFigures = (0, 0.0, 0.0)


class PricedLayer(NamedTuple):
    """The part of a layer's run that is kept, from which it can be priced again."""

    total_cycles: int
    utilization: float
    activity: Activity


@dataclass
class Tally:
    """Numbers of layers, and of those whose earlier run was reused."""

    layers: int = 0
    reused: int = 0


class MachineTotals:
    """Totals of machines one after the other; it is fastest if machines with the same engine follow one another."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.engines: dict[Hashable, EngineTotals] = {}
        self.lanes: dict[Hashable, KeptLanes] = {}  # layers without a product, which engines with equal lanes share

    def sum_up(self, hardware: Hardware, workload: Workload) -> dict[str, Any]:
        """Sum up total cycles, latency, energy, power and utilization of a network, in closed form.

        Raises: UserError as ``simulate``.
        """
        hardware = with_fidelity(hardware, "ideal")
        key = (id(workload), hardware.engine, hardware.vector)
        engine = self.engines.get(key)
        if engine is None:
            if len(self.engines) >= MOST_ENGINES:
                del self.engines[next(iter(self.engines))]
            engine = self.engines[key] = EngineTotals(workload, hardware, self.tally, self.lanes)
        return engine.sum_up(hardware)


class EngineTotals:
    """A network on one engine and vector unit, for any clock, buffers, DRAM and technology."""

    def __init__(self, workload: Workload, hardware: Hardware, tally: Tally, lanes: dict[Hashable, KeptLanes]) -> None:
        self.workload = workload  # the reference keeps id(workload) unique
        self.tally = tally
        self.products = Products(hardware.engine, stepped=False)
        self.layers: list[KeptProduct | KeptLanes] = []  # the layers that differ
        self.names: list[str] = []  # the name of the first layer of each kind
        self.order: list[int | None] = []  # for each layer of the network, its index in layers
        numbers: dict[Job, int] = {}
        for node, bits in zip(workload.nodes, find_operand_widths(workload, hardware.engine.operand_bits), strict=True):
            job = build_job(node, bits, workload.file, hardware.engine)
            if job is not None and job not in numbers:
                numbers[job] = len(self.layers)
                self.names.append(node.layer.name)
                if isinstance(job, ProductJob):
                    self.layers.append(KeptProduct(node, job, self.products))
                else:
                    _make_room(lanes, MOST_LANES)
                    self.layers.append(lanes.setdefault((job, hardware.vector), KeptLanes(node, job)))
            self.order.append(None if job is None else numbers[job])

    def sum_up(self, hardware: Hardware) -> dict[str, Any]:
        """Sum up the totals of one machine with this engine."""
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
            run, reused = layer.run(machine, memory)
        except UserError as error:
            raise UserError(f"layer '{self.names[number]}': {error}") from None
        self.tally.reused += reused
        found[number] = run.total_cycles, run.utilization, sum_pj(price(run.activity, machine.table))


class KeptProduct:
    """A product with its counts, searches, cuts and runs, for all machines with the same engine."""

    def __init__(self, node: Node, job: ProductJob, products: Products) -> None:
        self.node, self.job, self.products = node, job, products
        self.counted: CountedProduct | None = None
        self.searches: dict[Halves, Search] = {}
        self.waits: dict[Buffers, int] = {}
        self.cuts: dict[tuple[Mapping, int, Halves], Cut] = {}
        self.runs: dict[tuple[Mapping, int, Halves, MemoryKey], PricedLayer] = {}

    def run(self, machine: Machine, memory: MemoryKey) -> tuple[PricedLayer, bool]:
        """Run the product on a machine; also return whether an earlier run was reused."""
        counted, halves = self.counted, machine.hardware.sram.halves
        if counted is None:
            refuse_too_wide(self.job.gemm, machine.hardware)
            counted = self.counted = self.products.count(self.job.gemm, seed=0)
        search = self.searches.get(halves)
        if search is None:
            search = self.searches[halves] = search_mapping(machine, self.job, counted)
        mapping = search.find_best(machine.hardware, price_search(machine, self.job, counted))
        waits = self.waits.get(machine.buffers)
        if waits is None:
            waits = self.waits[machine.buffers] = count_port_waits(machine, self.job, counted)
        key = (mapping, waits, halves, memory)
        known = self.runs.get(key)
        if known is not None:
            return known, True
        cut = self.cuts.get(key[:3])
        if cut is None:
            cut = cut_product(machine, self.job, counted, mapping)
            if cut.stream.engine_cycles.size <= _MOST_STEPS:
                _make_room(self.cuts, MOST_CUTS)
                self.cuts[key[:3]] = cut
        _make_room(self.runs, MOST_RUNS)
        self.runs[key] = _check_run(machine, self.node, run_cut(machine, self.job, counted, cut))
        return self.runs[key], False


class KeptLanes:
    """A layer without a product and its runs."""

    def __init__(self, node: Node, job: VectorJob) -> None:
        self.node, self.job = node, job
        self.runs: dict[tuple[int, Halves, MemoryKey], PricedLayer] = {}

    def run(self, machine: Machine, memory: MemoryKey) -> tuple[PricedLayer, bool]:
        """Run the layer on a machine; also return whether an earlier run was reused."""
        sram, (read, weights, written) = machine.hardware.sram, self.job.traffic
        key = (count_vector_steps((read, weights), written, describe_room(sram), sram.halves), sram.halves, memory)
        known = self.runs.get(key)
        if known is not None:
            return known, True
        _make_room(self.runs, MOST_RUNS)
        self.runs[key] = _check_run(machine, self.node, run_vector(machine, self.job))
        return self.runs[key], False


def _check_run(machine: Machine, node: Node, run: ProductRun | VectorRun) -> PricedLayer:
    """Check the invariants of a run and return the part that is kept. Raises: InvariantError where one is broken."""
    row = build_checked_row(machine, node, run)
    return PricedLayer(row.total_cycles, row.utilization, run.activity)


def _make_room(kept: dict[Any, Any], most: int) -> None:
    """Forget the oldest entry if there are ``most``."""
    if len(kept) >= most:
        del kept[next(iter(kept))]
