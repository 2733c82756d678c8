"""A product on a machine: the search for its mapping, the schedule of its steps, and the count of its activity."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from accelsim.energy.prices import Activity
from accelsim.engines.base import CountedProduct
from accelsim.engines.counts import ActionCounts
from accelsim.engines.vector import count_lane_cycles
from accelsim.mapping.footprint import count_compulsory_by_operand
from accelsim.mapping.mapping import ALONE, Context, Mapping
from accelsim.mapping.on_chip import reserve_room
from accelsim.mapping.search import FREE, Prices, Search, start_search
from accelsim.mapping.streams import build_gemm_stream, count_mapped
from accelsim.memory.bank_conflicts import count_conflict_cycles
from accelsim.memory.schedule import join_schedules, schedule_stream
from accelsim.memory.sram import Room
from accelsim.memory.stream import TileStream, join_streams
from accelsim.simulation.activity import count_edge_bytes, count_gemm_activity
from accelsim.simulation.jobs import ProductJob, cut_job
from accelsim.simulation.machine import Machine
from accelsim.simulation.rows import ProductRun
from accelsim.workload.gemm import Gemm, cut_bands


class Cut(NamedTuple):
    """A product under a mapping, before the schedule; of the memories, it depends only on the buffers' ports."""

    mapping: Mapping
    counts: ActionCounts  #: counts of the engine under the mapping
    port_waits: int  #: cycles in which the engine waits for its buffers' ports
    stream: TileStream  #: steps of the product


def search_mapping(machine: Machine, job: ProductJob, counted: CountedProduct) -> Search:
    """Start the search for a product's mapping; the search serves any memories behind this engine."""
    # tiles do not depend on the fields that are cleared here
    gemm = replace(job.gemm, weight_sparsity=None, sparsity_stated=False, activation_signed=None)
    return start_search(
        gemm,
        machine.hardware.vector,
        machine.engine,
        counted.counts.cycles,
        count_lane_cycles_per_output(machine, job),
        machine.hardware.sram.halves,
        job.mapping,
    )


def find_mapping(machine: Machine, job: ProductJob, counted: CountedProduct, room: Room) -> Mapping:
    """Find the best mapping of a product in the room that its buffers have.

    Raises: UserError where not even the smallest tiles fit.
    """
    return search_mapping(machine, job, counted).find_best(machine.hardware, price_search(machine, job, counted), room)


def price_search(machine: Machine, job: ProductJob, counted: CountedProduct) -> Prices:
    """Find the prices for the search; they are zero where its objective does not contain energy."""
    if machine.hardware.mapper.objective not in ("energy", "edp"):
        return FREE
    gemm, table, counts, work = job.gemm, machine.table, counted.counts, machine.engine.work(counted)
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


def cut_product(
    machine: Machine, job: ProductJob, counted: CountedProduct, mapping: Mapping, context: Context = ALONE
) -> Cut:
    """Cut a product by its mapping into steps."""
    mapped = count_mapped(job.gemm, mapping, machine.engine, counted.counts)
    waits = count_port_waits(machine, job, counted)
    stream = build_gemm_stream(
        job.gemm,
        mapping,
        machine.hardware,
        machine.engine,
        mapped.cycles + waits,
        count_lane_cycles_per_output(machine, job),
        context,
    )
    return Cut(mapping, mapped, waits, stream)


def count_port_waits(machine: Machine, job: ProductJob, counted: CountedProduct) -> int:
    """Count the cycles in which the engine waits for its buffers' ports; they are the same for all mappings."""
    return count_conflict_cycles(machine.engine.lay(job.gemm), machine.engine, machine.buffers, counted.counts.cycles)


def count_lane_cycles_per_output(machine: Machine, job: ProductJob) -> Fraction:
    """Count the cycles of one vector lane for the element-wise work on one output of a product."""
    lanes = count_lane_cycles(dict(job.operations), machine.hardware.vector)
    return lanes / (job.gemm.m * job.gemm.n * job.gemm.groups)


def run_product(machine: Machine, job: ProductJob, counted: CountedProduct, context: Context = ALONE) -> ProductRun:
    """Run a product through the schedule with its best mapping, in bands of rows if the context has several.

    Raises: UserError where no mapping fits the buffers.
    """
    if context.bands > 1:
        return _run_bands(machine, job, counted, context)
    room = reserve_room(machine.hardware.sram, context, is_product=True)
    mapping = find_mapping(machine, job, counted, room)
    return run_cut(machine, job, counted, cut_product(machine, job, counted, mapping, context), context)


def run_cut(
    machine: Machine, job: ProductJob, counted: CountedProduct, cut: Cut, context: Context = ALONE
) -> ProductRun:
    """Run a product that is already cut into steps through the schedule."""
    mapping, mapped, waits, stream = cut
    schedule = schedule_stream(stream, machine.hardware)
    precision = machine.hardware.engine.precision
    activity = count_gemm_activity(job.gemm, mapped, stream, dict(job.operations), precision)
    activity = replace(activity, cycles=schedule.total_cycles)
    return ProductRun(
        gemm=job.gemm,
        counted=counted,
        compute_cycles=counted.counts.cycles,
        tiling_cycles=mapped.cycles - counted.counts.cycles,
        bank_conflict_cycles=waits,
        stream=stream,
        schedule=schedule,
        activity=_with_arithmetic(activity, machine, job, counted),
        compulsory=count_edge_bytes(context, count_compulsory_by_operand(job.gemm)),
        mapping=str(mapping),
        context=context,
    )


def _with_arithmetic(activity: Activity, machine: Machine, job: ProductJob, counted: CountedProduct) -> Activity:
    """Add the engine's arithmetic to an activity of memories."""
    work = machine.engine.work(counted)
    return replace(
        activity,
        macs=work.macs,
        bit_steps=work.bit_steps,
        selections=work.macs if job.gemm.pattern else 0,
        register_steps=work.register_steps,
    )


def _run_bands(machine: Machine, job: ProductJob, counted: CountedProduct, context: Context) -> ProductRun:
    """Run a convolution band by band; weights that stay on chip between bands are loaded with the first one."""
    room = reserve_room(machine.hardware.sram, context, is_product=True)
    runs: list[ProductRun] = []
    known: dict[Hashable, ProductRun] = {}
    for number, part in enumerate(cut_bands(job.gemm, context.bands)):
        resident = context.resident_bytes or (context.waiting_bytes if number else 0)
        here = context._replace(bands=1, resident_bytes=resident, waiting_bytes=0, ahead=context.ahead and not number)
        if (part, here) not in known:
            share, band = cut_job(job, part), count_band(machine, part)
            cut = cut_product(machine, share, band, find_mapping(machine, share, band, room), here)
            known[part, here] = run_cut(machine, share, band, cut, here)
        runs.append(known[part, here])
    return _join_bands(machine, job, counted, context, runs)


def count_band(machine: Machine, band: Gemm) -> CountedProduct:
    """Count a band of a product in closed form."""
    return CountedProduct(machine.engine.count(band))


def _join_bands(
    machine: Machine, job: ProductJob, counted: CountedProduct, context: Context, runs: list[ProductRun]
) -> ProductRun:
    """Join the bands of a product, one after the other, to one run."""
    alone = counted.counts.cycles
    worked = sum(run.compute_cycles + run.tiling_cycles for run in runs)
    return ProductRun(
        gemm=job.gemm,
        counted=counted,
        compute_cycles=min(alone, worked),
        tiling_cycles=worked - min(alone, worked),
        bank_conflict_cycles=sum(run.bank_conflict_cycles for run in runs),
        stream=join_streams([run.stream for run in runs]),
        schedule=join_schedules([run.schedule for run in runs]),
        activity=_with_arithmetic(sum((run.activity for run in runs), Activity()), machine, job, counted),
        compulsory=count_edge_bytes(context, count_compulsory_by_operand(job.gemm)),
        mapping=runs[0].mapping,
        context=context,
    )
