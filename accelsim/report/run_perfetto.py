"""A run in time as a trace for Perfetto (ui.perfetto.dev) or chrome://tracing: a track for layers and each unit.

Trace Event Format, complete events ("ph": "X"), times in microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from accelsim.memory.timeline import Timeline
from accelsim.simulation.result import Result

PROCESS = 1
TRACKS = ("layers", *Timeline._fields)


def trace_text(result: Result, clock_mhz: float) -> str:
    """The trace as JSON, an event a line."""
    events = [*_names(result), *_layers(result, clock_mhz), *_units(result.timeline, clock_mhz)]
    lines = ",\n".join(json.dumps(event) for event in events)
    return f'{{"displayTimeUnit": "ns", "traceEvents": [\n{lines}\n]}}\n'


def _names(result: Result) -> Iterator[dict[str, Any]]:
    summary = result.summary
    yield _meta("process_name", 0, {"name": f"{summary['workload']} on {summary['hardware']}"})
    for track, name in enumerate(TRACKS):
        yield _meta("thread_name", track, {"name": name.replace("_", " ")})
        yield _meta("thread_sort_index", track, {"sort_index": track})


def _meta(name: str, track: int, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "ph": "M", "pid": PROCESS, "tid": track, "args": arguments}


def _layers(result: Result, clock_mhz: float) -> Iterator[dict[str, Any]]:
    """Each layer that takes time, with what a reader asks of it."""
    begin = 0
    for row in result.rows:
        if row.total_cycles:
            told = {
                "kind": row.kind,
                "bound": row.bound,
                "cycles": row.total_cycles,
                "stalls": row.stall_cycles,
                "utilization": row.utilization,
                "energy_pj": row.energy_pj,
                "mapping": row.mapping,
            }
            yield _event(row.layer, 0, begin, row.total_cycles, clock_mhz) | {"args": told}
        begin += row.total_cycles


def _units(timeline: Timeline, clock_mhz: float) -> Iterator[dict[str, Any]]:
    for track, (name, busy) in enumerate(timeline._asdict().items(), start=1):
        for begin, end in busy.tolist():
            yield _event(name, track, begin, end - begin, clock_mhz)


def _event(name: str, track: int, begin: int, cycles: int, clock_mhz: float) -> dict[str, Any]:
    return {"name": name, "ph": "X", "pid": PROCESS, "tid": track, "ts": begin / clock_mhz, "dur": cycles / clock_mhz}
