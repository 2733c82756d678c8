"""One layer on a machine: its product counted, mapped, played and priced."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.counts import ActionCounts
from accelsim.energy import EnergyTable, energy_table, price
from accelsim.engines.losses import Losses
from accelsim.engines.slots import MacSlots
from accelsim.engines.vector import lane_cycles
from accelsim.footprint import compulsory_bytes
from accelsim.hardware import AnyEngine, Hardware
from accelsim.lowering import Bits, Gemm, gemm_of, in_pattern, vector_work
from accelsim.mapping import Search, search
from accelsim.memory.schedule import play
from accelsim.products import Counted, Product, Products
from accelsim.result import LayerResult, check
from accelsim.rows import Run, idle_row, kind_of, peak_of, row_of
from accelsim.streams import gemm_stream, mapped_counts, vector_stream
from accelsim.technology import load_technology
from accelsim.tensors import Operands, read_operands
from accelsim.tiles import Mapping, TileStream
from accelsim.timeline import Timeline, busy_cycles, joined
from accelsim.traffic import gemm_activity, vector_activity, vector_traffic
from accelsim.workload import Node, WorkloadFile


class Job(NamedTuple):
    """What a layer asks of a machine: a product with what follows it, or element-wise work alone."""

    kind: str
    gemm: Gemm | None
    traffic: tuple[int, int, int] | None  #: without a product: bytes of activations and stored values in, results out
    operations: tuple[tuple[str, int], ...]  #: of the vector unit


class Cut(NamedTuple):
    """A product under a mapping: what the engine does, and its stream of steps. No memory decides about it."""

    mapping: Mapping
    counts: ActionCounts
    stream: TileStream


def job_of(node: Node, bits: Bits, file: WorkloadFile, engine: AnyEngine) -> Job | None:
    """The work of a layer on an engine, in the network of a file; None where nothing is done."""
    if node.layer.is_view or not node.layer.executed:
        return None
    batch = file.batch
    operations = vector_work(node, batch, integer=engine.precision.startswith("int"))
    gemm = gemm_of(node, batch, bits, file.weight_sparsity)
    gemm = gemm and in_pattern(gemm, engine.sparse_pattern)
    traffic = vector_traffic(node, bits, batch) if gemm is None else None
    return Job(kind_of(node), gemm, traffic, tuple(operations.items()))


class Machine:
    """Hardware with what is derived from it once."""

    def __init__(self, hardware: Hardware, stepped: bool = False, tensors: Path | None = None, prunes: bool = False,
                 products: Products | None = None) -> None:  # fmt: skip
        self.hardware = hardware
        self.tensors = tensors
        self.losses: list[tuple[str, Losses]] = []  # kind of layer, and where its bit slots went
        self.slots = MacSlots()  # of all products
        self.counted: dict[str, Product] = {}  # by layer
        self.given: list[str] = []  # layers whose operands came from files
        self.products = products or Products(hardware.engine, stepped, prunes)
        self.table: EnergyTable = energy_table(hardware, load_technology(hardware.technology.name))
        self.done: dict[Hashable, tuple[LayerResult, Timeline]] = {}

    def layer(self, node: Node, bits: Bits, file: WorkloadFile, seed: int) -> tuple[LayerResult, Timeline]:
        """One layer's result and when its units were busy, from cycle 0. Equal layers are played once."""
        job = job_of(node, bits, file, self.hardware.engine)
        if job is None:
            return idle_row(node), joined([])
        counted = None
        if job.gemm is not None:
            self.refuse_too_wide(job.gemm)
            counted = self._counted(node.layer.name, job.gemm, seed)
            self.counted[node.layer.name] = Product(job.gemm, counted)
            self.losses.append((job.kind, counted.losses))
            self.slots += counted.slots
        key = (job, counted)
        if key not in self.done:
            run = self.run(job, counted)
            self.done[key] = self.checked_row(node, run), run.played.timeline
        row, timeline = self.done[key]
        return replace(row, layer=node.layer.name), timeline

    def checked_row(self, node: Node, run: Run) -> LayerResult:
        """A run as a row, held against the invariants."""
        used = run.played.used
        dram = (used.commands_pj, used.standby_pj) if used else None
        row = row_of(node, run, self.hardware, price(run.activity, self.table, dram))
        check(row, busy_cycles(run.played.engine), peak_of(run.gemm, self.hardware))
        return row

    def search(self, job: Job, gemm: Gemm, counted: Counted) -> Search:
        """The search for the mapping of a product; it holds for any memories behind this engine."""
        array, vector, engine = self.hardware.engine, self.hardware.vector, self.products.engine
        sizes = replace(gemm, weight_sparsity=None, sparsity_stated=False, activation_signed=None)  # no tile's matter
        return search(sizes, array, vector, engine, counted.counts.cycles, self._per_output(job, gemm))

    def cut(self, job: Job, gemm: Gemm, counted: Counted, mapping: Mapping) -> Cut:
        """A product as its mapping cuts it."""
        hardware, engine = self.hardware, self.products.engine
        mapped = mapped_counts(gemm, mapping, hardware, engine, counted.counts)
        stream = gemm_stream(gemm, mapping, hardware, mapped.cycles, self._per_output(job, gemm))
        return Cut(mapping, mapped, stream)

    def run(self, job: Job, counted: Counted | None, cut: Cut | None = None) -> Run:
        """A job through the schedule; the best mapping is searched for unless the product is cut already."""
        if job.gemm is None or counted is None:
            return self._vector_run(job.traffic or (0, 0, 0), dict(job.operations))
        if cut is None:
            mapping = self.search(job, job.gemm, counted).best(self.hardware)
            cut = self.cut(job, job.gemm, counted, mapping)
        return self._gemm_run(job, job.gemm, counted, cut)

    def _per_output(self, job: Job, gemm: Gemm) -> Fraction:
        """Lane cycles that one output of a product takes in the vector unit."""
        return lane_cycles(dict(job.operations), self.hardware.vector) / (gemm.m * gemm.n * gemm.groups)

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

    def refuse_too_wide(self, gemm: Gemm) -> None:
        """Raises: UserError for operands that the engine has no room for."""
        engine, widest = self.hardware.engine, max(gemm.activation_bits, gemm.weight_bits)
        if widest <= engine.operand_bits:
            return
        told = f"{widest}-bit operands do not fit the engine's {engine.operand_bits} bits"
        if engine.kind != "bitserial":
            raise UserError(f"{told} ({engine.precision}); give --precision or engine.precision at least that wide")
        raise UserError(f"{told} (engine.pe_bits); allowed: 1 to {engine.operand_bits}")

    def _gemm_run(self, job: Job, gemm: Gemm, counted: Counted, cut: Cut) -> Run:
        mapping, mapped, stream = cut
        played = play(stream, self.hardware)
        work = self.products.work(counted)
        activity = replace(
            gemm_activity(gemm, mapped, stream, dict(job.operations), self.hardware.engine.precision),
            cycles=played.total_cycles,
            macs=work.macs,
            bit_steps=work.bit_steps,
            selections=work.macs if gemm.pattern else 0,
        )
        tiling = mapped.cycles - counted.counts.cycles
        return Run(gemm, counted.counts.cycles, tiling, stream, played, activity, compulsory_bytes(gemm), str(mapping),
                   counted)  # fmt: skip

    def _vector_run(self, traffic: tuple[int, int, int], operations: dict[str, int]) -> Run:
        read, weights, written = traffic
        stream = vector_stream((read, weights), written, lane_cycles(operations, self.hardware.vector), self.hardware)
        played = play(stream, self.hardware)
        activity = vector_activity(traffic, played.total_cycles, operations)
        return Run(None, int(stream.vector_cycles.sum()), 0, stream, played, activity, (read + weights, written), "",
                    None)  # fmt: skip
