"""A layer without a product on a machine: the schedule of its steps through the vector unit."""

from __future__ import annotations

from accelsim.engines.vector import count_lane_cycles
from accelsim.mapping.mapping import ALONE, Context
from accelsim.mapping.on_chip import reserve_room
from accelsim.mapping.streams import build_vector_stream
from accelsim.memory.schedule import schedule_stream
from accelsim.simulation.activity import count_edge_bytes, count_vector_activity
from accelsim.simulation.jobs import VectorJob
from accelsim.simulation.machine import Machine
from accelsim.simulation.rows import VectorRun


def run_vector(machine: Machine, job: VectorJob, context: Context = ALONE) -> VectorRun:
    """Run element-wise work through the schedule. Raises: UserError where it needs too many steps."""
    moved = read, weights, written = count_edge_bytes(context, job.traffic)
    lanes = count_lane_cycles(dict(job.operations), machine.hardware.vector)
    room = reserve_room(machine.hardware.sram, context, is_product=False)
    stream = build_vector_stream((read, weights), written, lanes, machine.hardware, room)
    schedule = schedule_stream(stream, machine.hardware)
    activity = count_vector_activity(job.traffic, moved, schedule.total_cycles, dict(job.operations))
    return VectorRun(int(stream.vector_cycles.sum()), stream, schedule, activity, moved, context)
