"""A layer without a product on a machine: its stream through the vector unit."""

from __future__ import annotations

from accelsim.engines.vector import count_lane_cycles
from accelsim.mapping.mapping import ALONE, Context
from accelsim.mapping.on_chip import reserve_room
from accelsim.mapping.streams import vector_stream
from accelsim.memory.schedule import schedule_stream
from accelsim.simulation.activity import bytes_across_edge, count_vector_activity
from accelsim.simulation.jobs import VectorJob
from accelsim.simulation.machine import Machine
from accelsim.simulation.rows import VectorRun


def run_vector(machine: Machine, job: VectorJob, context: Context = ALONE) -> VectorRun:
    """Element-wise work through the schedule. Raises: UserError where it takes too many passes."""
    moved = read, weights, written = bytes_across_edge(context, job.traffic)
    lanes = count_lane_cycles(dict(job.operations), machine.hardware.vector)
    room = reserve_room(machine.hardware.sram, context, is_product=False)
    stream = vector_stream((read, weights), written, lanes, machine.hardware, room)
    schedule = schedule_stream(stream, machine.hardware)
    activity = count_vector_activity(job.traffic, moved, schedule.total_cycles, dict(job.operations))
    return VectorRun(int(stream.vector_cycles.sum()), stream, schedule, activity, moved, context)
