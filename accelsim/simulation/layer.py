"""One layer on a machine: its product counted, mapped, played and priced."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import Activity, EnergyTable, add_counts, price
from accelsim.energy.technology import load_technology
from accelsim.engines.base import CountedProduct, SlotAccount
from accelsim.engines.counts import ActionCounts
from accelsim.engines.pricing import energy_table
from accelsim.engines.products import Product, Products
from accelsim.engines.vector import count_lane_cycles
from accelsim.hardware import AnyEngine, Hardware
from accelsim.mapping.footprint import compulsory_operands
from accelsim.mapping.mapping import ALONE, Context, Mapping
from accelsim.mapping.on_chip import plan_on_chip, reserve_room, weight_room
from accelsim.mapping.search import FREE, Prices, Search, start_search
from accelsim.mapping.streams import gemm_stream, mapped_counts, vector_stream
from accelsim.memory.dram import transfer_time
from accelsim.memory.ports import buffers_of, port_waits
from accelsim.memory.schedule import ScheduledLayer, schedule_stream
from accelsim.memory.stream import WEIGHT, TileStream
from accelsim.memory.timeline import Timeline, count_busy, join_timelines
from accelsim.simulation.activity import (
    bytes_across_edge,
    count_gemm_activity,
    count_vector_activity,
    count_vector_bytes,
)
from accelsim.simulation.result import LayerResult, check_layer
from accelsim.simulation.rows import Run, build_idle_row, build_row, find_peak, join_runs, layer_kind, objective_cost
from accelsim.workload.gemm import Gemm, OperandBits, apply_pattern, count_vector_work, cut_bands, lower_to_gemm
from accelsim.workload.layers import GivenMapping
from accelsim.workload.network import Node, Workload, WorkloadFile
from accelsim.workload.tensors import GivenOperands, read_operands


class Job(NamedTuple):
    """What a layer asks of a machine: a product with what follows it, or element-wise work alone."""

    kind: str
    gemm: Gemm | None
    traffic: tuple[int, int, int] | None  #: without a product: bytes of activations and stored values in, results out
    operations: tuple[tuple[str, int], ...]  #: of the vector unit
    mapping: GivenMapping | None = None  #: instead of a search


class Cut(NamedTuple):
    """A product under a mapping: what the engine does, and its stream of steps. Of the memories ports alone matter."""

    mapping: Mapping
    counts: ActionCounts
    port_waits: int
    stream: TileStream


def job_of(node: Node, bits: OperandBits, file: WorkloadFile, engine: AnyEngine) -> Job | None:
    """The work of a layer on an engine, in the network of a file; None where nothing is done."""
    if node.layer.is_view or not node.layer.executed:
        return None
    batch = file.batch
    operations = count_vector_work(node, batch, integer=engine.precision.startswith("int"))
    gemm = lower_to_gemm(node, batch, bits, file.weight_sparsity)
    gemm = gemm and apply_pattern(gemm, engine.sparse_pattern)
    traffic = count_vector_bytes(node, bits, batch) if gemm is None else None
    return Job(layer_kind(node), gemm, traffic, tuple(operations.items()), node.layer.mapping)


def _with_operations(job: Job, context: Context) -> Job:
    """The job with what is done behind it on its results."""
    operations = add_counts(dict(job.operations), dict(context.operations))
    return job._replace(operations=tuple(operations.items()))


def _band_job(job: Job, gemm: Gemm, whole: Gemm) -> Job:
    """The share of a band in a job."""
    operations = tuple((kind, count * gemm.m // whole.m) for kind, count in job.operations)
    return job._replace(gemm=gemm, operations=operations)


class Ends(NamedTuple):
    """What of a layer touches its neighbours."""

    first_weight_bytes: int
    last_weight_bytes: int  #: in their buffer when it ends
    idle_cycles: int  #: of the DMA engine before it ends


class LayerRun(NamedTuple):
    """A layer that was played."""

    row: LayerResult
    timeline: Timeline
    ends: Ends | None  #: None where nothing is done


class Machine:
    """Hardware with what is derived from it once."""

    def __init__(
        self,
        hardware: Hardware,
        stepped: bool = False,
        tensors: Path | None = None,
        prunes: bool = False,
        products: Products | None = None,
    ) -> None:
        self.hardware = hardware
        self.tensors = tensors
        self.accounts: list[tuple[str, SlotAccount]] = []  # kind of layer, and where the slots of its product went
        self.counted: dict[str, Product] = {}  # by layer
        self.given: list[str] = []  # layers whose operands came from files
        self.products = products or Products(hardware.engine, stepped, prunes)
        self.table: EnergyTable = energy_table(hardware, load_technology(hardware.technology.name))
        self.buffers, self.halves = buffers_of(hardware), hardware.sram.halves
        self.done: dict[Hashable, LayerRun] = {}
        self.variants: dict[str, Machine] = {}  # by dataflow, where a layer may choose
        if len(hardware.dataflows) > 1:
            choices = hardware.dataflows.items()
            self.variants = {name: Machine(each, stepped, tensors, prunes) for name, each in choices}

    def contexts(self, workload: Workload, bits: Sequence[OperandBits]) -> list[Context]:
        """What each layer finds on chip and leaves there; of several dataflows the first decides."""
        for first in self.variants.values():
            return first.contexts(workload, bits)
        if self.hardware.schedule.plain:
            return [ALONE] * len(workload.nodes)

        def fits(index: int, context: Context) -> bool:
            node = workload.nodes[index]
            job = job_of(node, bits[index], workload.file, self.hardware.engine)
            try:
                room = self._room(context, job)
                if job and job.gemm and context.bands > 1:
                    if self.products.engine.needs_values:  # where values decide, a band's are not known
                        return False
                    for gemm in set(cut_bands(job.gemm, context.bands)):
                        self.best(_band_job(job, gemm, job.gemm), gemm, self._band(gemm), room)
                elif job and job.gemm:
                    self.best(job, job.gemm, self._counted(node.layer.name, job.gemm, index), room)
            except UserError:
                return False
            return True

        return plan_on_chip(workload, bits, self.hardware, fits)

    def _room(self, context: Context, job: Job | None) -> Hardware:
        """The hardware with what room the context leaves in its buffers."""
        room = reserve_room(self.hardware, context, bool(job and job.gemm))
        if room is None:
            raise UserError("what stays on chip leaves no room")
        return room

    def layer(
        self,
        node: Node,
        bits: OperandBits,
        file: WorkloadFile,
        seed: int,
        context: Context = ALONE,
        before: Ends | None = None,
    ) -> LayerRun:
        """One layer's result, and when its units were busy, from cycle 0. Equal layers are played once.

        ``before`` are the ends of the layer before, in which first weights may come. Raises: UserError where no
        dataflow suits it.
        """
        if self.variants:
            return self._best_of_variants(node, bits, file, seed, context, before)
        job = job_of(node, bits, file, self.hardware.engine)
        if job is None:
            return LayerRun(build_idle_row(node), join_timelines([]), None)
        if context.done:
            return LayerRun(
                build_idle_row(node, "done with the layer before, as its results appear"), join_timelines([]), None
            )
        job = _with_operations(job, context)
        counted = None
        if job.gemm is not None:
            self.refuse_too_wide(job.gemm)
            counted = self._counted(node.layer.name, job.gemm, seed)
            if counted.slots:
                self.accounts.append((job.kind, counted.slots))
        layer = self._played(node, job, counted, context)
        if self.hardware.schedule.prefetch_weights and job.gemm and before and self._comes_ahead(layer, before):
            layer = self._played(node, job, counted, context._replace(ahead=True))
        return layer._replace(row=replace(layer.row, layer=node.layer.name))

    def _best_of_variants(
        self, node: Node, bits: OperandBits, file: WorkloadFile, seed: int, context: Context, before: Ends | None
    ) -> LayerRun:
        found: list[tuple[float, LayerRun, Machine]] = []
        errors: list[UserError] = []
        for variant in self.variants.values():
            try:
                layer = variant.layer(node, bits, file, seed, context, before)
            except UserError as error:
                errors.append(error)
            else:
                found.append((objective_cost(layer.row, self.hardware.mapper.objective), layer, variant))
        if not found:
            raise errors[0]
        _, layer, chosen = min(found, key=lambda each: each[0])
        if node.layer.name in chosen.counted:
            self.counted[node.layer.name] = chosen.counted[node.layer.name]
        return layer

    def replay(
        self, node: Node, bits: OperandBits, file: WorkloadFile, seed: int, context: Context, dataflow: str
    ) -> ScheduledLayer | None:
        """One layer once more, for who wants to see every step; None where nothing is done."""
        if self.variants:  # a layer without a product has no dataflow: any does
            variant = self.variants[dataflow or next(iter(self.variants))]
            return variant.replay(node, bits, file, seed, context, dataflow)
        job = job_of(node, bits, file, self.hardware.engine)
        if job is None or context.done:
            return None
        job = _with_operations(job, context)
        counted = self._counted(node.layer.name, job.gemm, seed) if job.gemm else None
        return self.run(job, counted, context=context).played

    def _played(self, node: Node, job: Job, counted: CountedProduct | None, context: Context) -> LayerRun:
        key = (job, counted, context)
        if key not in self.done:
            run = self.run(job, counted, context=context)
            stream, played = run.stream, run.played
            ends = Ends(int(stream.load_bytes[0, WEIGHT]), stream.last_weight_bytes, played.idle_at_end)
            self.done[key] = LayerRun(self.checked_row(node, run), played.timeline, ends)
        return self.done[key]

    def _comes_ahead(self, layer: LayerRun, before: Ends) -> bool:
        """Whether first weights find a free DMA engine, and room beside the last ones, before the layer before ends."""
        first = layer.ends.first_weight_bytes if layer.ends else 0
        if first == 0 or first + before.last_weight_bytes > weight_room(self.hardware.sram):
            return False
        return transfer_time(first, self.hardware) <= before.idle_cycles

    def checked_row(self, node: Node, run: Run) -> LayerResult:
        """A run as a row, held against the invariants."""
        used = run.played.used
        ahead_pj = run.stream.ahead_bytes * 8 * self.table.dram_pj_per_bit
        dram = (used.commands_pj + ahead_pj, used.standby_pj) if used else None
        row = build_row(node, run, self.hardware, self.products.engine, price(run.activity, self.table, dram))
        check_layer(row, count_busy(run.played.engine), find_peak(run.gemm, self.products.engine))
        return row

    def search(self, job: Job, gemm: Gemm, counted: CountedProduct) -> Search:
        """The search for the mapping of a product; it holds for any memories behind this engine."""
        vector, engine = self.hardware.vector, self.products.engine
        sizes = replace(gemm, weight_sparsity=None, sparsity_stated=False, activation_signed=None)  # no tile's matter
        return start_search(
            sizes, vector, engine, counted.counts.cycles, self._per_output(job, gemm), self.halves, job.mapping
        )

    def best(self, job: Job, gemm: Gemm, counted: CountedProduct, room: Hardware) -> Mapping:
        """The best mapping of a product with what room its context leaves."""
        return self.search(job, gemm, counted).best(room, self.prices(gemm, counted))

    def prices(self, gemm: Gemm, counted: CountedProduct) -> Prices:
        """What the search takes energy for; nothing where its objective does not ask."""
        if self.hardware.mapper.objective not in ("energy", "edp"):
            return FREE
        table, counts, work = self.table, counted.counts, self.products.engine.work(counted)
        buffers = table.ifmap, table.weight, table.ofmap
        read = counts.activation_reads * gemm.activation_bits * table.ifmap.read_pj_per_bit
        read += counts.weight_reads * gemm.stored_weight_bits * table.weight.read_pj_per_bit
        fill = sum(buffer.write_pj_per_bit for buffer in buffers) / len(buffers)
        standing = table.leakage_logic_mw + table.leakage_sram_mw + table.dram_standby_mw
        return Prices(
            fixed=work.macs * table.mac_pj
            + work.bit_steps * table.bit_step_pj
            + work.register_steps * table.register_pj
            + read,
            per_byte=8 * (table.dram_pj_per_bit + fill),
            per_cycle=standing * table.cycle_ns,
        )

    def cut(self, job: Job, gemm: Gemm, counted: CountedProduct, mapping: Mapping, context: Context = ALONE) -> Cut:
        """A product as its mapping cuts it."""
        hardware, engine = self.hardware, self.products.engine
        mapped = mapped_counts(gemm, mapping, engine, counted.counts)
        waits = self.port_waits(gemm, counted)
        stream = gemm_stream(
            gemm, mapping, hardware, engine, mapped.cycles + waits, self._per_output(job, gemm), context
        )
        return Cut(mapping, mapped, waits, stream)

    def port_waits(self, gemm: Gemm, counted: CountedProduct) -> int:
        """Cycles that the engine waits for its buffers' ports, whatever the mapping."""
        return port_waits(self.products.engine.lay(gemm), self.products.engine, self.buffers, counted.counts.cycles)

    def run(self, job: Job, counted: CountedProduct | None, cut: Cut | None = None, context: Context = ALONE) -> Run:
        """A job through the schedule; the best mapping is searched for unless the product is cut already."""
        if job.gemm is None or counted is None:
            return self._vector_run(job.traffic or (0, 0, 0), dict(job.operations), context)
        if context.bands > 1:
            return self._banded_run(job, job.gemm, counted, context)
        if cut is None:
            mapping = self.best(job, job.gemm, counted, self._room(context, job))
            cut = self.cut(job, job.gemm, counted, mapping, context)
        return self._gemm_run(job, job.gemm, counted, cut, context)

    def _per_output(self, job: Job, gemm: Gemm) -> Fraction:
        """Lane cycles that one output of a product takes in the vector unit."""
        return count_lane_cycles(dict(job.operations), self.hardware.vector) / (gemm.m * gemm.n * gemm.groups)

    def _counted(self, name: str, gemm: Gemm, seed: int) -> CountedProduct:
        """What the engine does for a layer's product; found out once, whoever asks."""
        if name not in self.counted:
            self.counted[name] = Product(gemm, self._count(name, gemm, seed))
        return self.counted[name].counted

    def _count(self, name: str, gemm: Gemm, seed: int) -> CountedProduct:
        operands = self._read(name, gemm)
        try:
            return self.products.count(gemm, seed, operands)
        except UserError as error:
            if self.tensors is None or operands is None:
                raise
            raise UserError(f"{self.tensors / f'{name}.weight.npy'}: {error}") from None

    def _read(self, name: str, gemm: Gemm) -> GivenOperands | None:
        if self.tensors is None or not self.products.reads_tensors:
            return None
        operands = read_operands(self.tensors, name, gemm, self.products.needs_operands)
        if operands is not None:
            self.given.append(name)
        return operands

    def refuse_too_wide(self, gemm: Gemm) -> None:
        """Raises: UserError for operands that the engine has no room for."""
        engine, widest = self.hardware.engine, max(gemm.activation_bits, gemm.weight_bits)
        if widest <= engine.operand_bits:
            return
        told = f"{widest}-bit operands do not fit the engine's {engine.operand_bits} bits"
        raise UserError(told + engine.width_limit)

    def _gemm_run(self, job: Job, gemm: Gemm, counted: CountedProduct, cut: Cut, context: Context) -> Run:
        mapping, mapped, waits, stream = cut
        played = schedule_stream(stream, self.hardware)
        work = self.products.engine.work(counted)
        activity = replace(
            count_gemm_activity(gemm, mapped, stream, dict(job.operations), self.hardware.engine.precision),
            cycles=played.total_cycles,
            macs=work.macs,
            bit_steps=work.bit_steps,
            selections=work.macs if gemm.pattern else 0,
            register_steps=work.register_steps,
        )
        tiling = mapped.cycles - counted.counts.cycles
        compulsory = bytes_across_edge(context, compulsory_operands(gemm))
        return Run(
            gemm,
            counted.counts.cycles,
            tiling,
            waits,
            stream,
            played,
            activity,
            compulsory,
            str(mapping),
            counted,
            context,
        )

    def _band(self, gemm: Gemm) -> CountedProduct:
        return CountedProduct(self.products.engine.count(gemm))

    def _banded_run(self, job: Job, gemm: Gemm, counted: CountedProduct, context: Context) -> Run:
        """A convolution band by band; weights that wait on chip come with the first one."""
        room, runs = self._room(context, job), []
        known: dict[Hashable, Run] = {}
        for number, part in enumerate(cut_bands(gemm, context.bands)):
            resident = context.resident_bytes or (context.waiting_bytes if number else 0)
            here = context._replace(
                bands=1, resident_bytes=resident, waiting_bytes=0, ahead=context.ahead and not number
            )
            if (part, here) not in known:
                share, band = _band_job(job, part, gemm), self._band(part)
                cut = self.cut(share, part, band, self.best(share, part, band, room), here)
                known[part, here] = self._gemm_run(share, part, band, cut, here)
            runs.append(known[part, here])
        work = self.products.engine.work(counted)
        activity = sum((run.activity for run in runs), Activity())
        activity = replace(
            activity,
            macs=work.macs,
            bit_steps=work.bit_steps,
            register_steps=work.register_steps,
            selections=work.macs if gemm.pattern else 0,
        )
        return join_runs(gemm, counted, context, runs, activity)

    def _vector_run(self, traffic: tuple[int, int, int], operations: dict[str, int], context: Context) -> Run:
        moved = read, weights, written = bytes_across_edge(context, traffic)
        lanes = count_lane_cycles(operations, self.hardware.vector)
        stream = vector_stream((read, weights), written, lanes, self._room(context, None))
        played = schedule_stream(stream, self.hardware)
        activity = count_vector_activity(traffic, moved, played.total_cycles, operations)
        return Run(None, int(stream.vector_cycles.sum()), 0, 0, stream, played, activity, moved, "", None, context)
