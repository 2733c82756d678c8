"""A sweep from its file to its tables."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from accelsim.config.files import prepare_folder
from accelsim.studies.sweep.design_points import Design, DesignPoint, design
from accelsim.studies.sweep.executors import Workforce, map_chunks, open_workforce
from accelsim.studies.sweep.outcomes import Outcome
from accelsim.studies.sweep.spec import Study, read_study
from accelsim.studies.sweep.store import STORE_FILES, open_store
from accelsim.studies.sweep.tables import TABLES, make_records, write_tables
from accelsim.studies.sweep.worker import evaluate, make_keys, pack_study

if TYPE_CHECKING:
    import pandas as pd

LEAST_CHUNK, MOST_CHUNK = 32, 256  # points of one task where there are many
ProgressCall = Callable[[int, int], None]
Computed = Generator[tuple[dict[int, Outcome], tuple[int, int]], None, None]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: a record per point in their order, and what it took."""

    records: list[dict[str, Any]]
    summary: dict[str, Any]
    files: list[Path]

    @cached_property
    def points(self) -> pd.DataFrame:
        """A row per point, columns as in points.csv."""
        import pandas as pd

        return pd.DataFrame(self.records)


class _Work(NamedTuple):
    """What is to be done, and what was done before."""

    design: Design
    keys: list[str]
    known: dict[int, Outcome]


def sweep(
    spec: str | Path | Mapping[str, Any],
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: ProgressCall | None = None,
) -> Sweep:
    """Simulate the points of a sweep and write points.csv (and points.parquet, with pyarrow) into a folder.

    spec is a file, or a mapping that holds what such a file would. Points run in ``workers`` spawned processes (1: in
    this one; None: one a core), or on the Dask cluster of a ``scheduler``. What the folder holds already is not
    computed again. ``progress`` is told how many of all points are done, and kept, so far.

    Raises: UserError for a mistake in the file, an address where no scheduler is, or a folder that another sweep
    writes into; OSError where the folder cannot be written.
    """
    started = perf_counter()
    study = read_study(spec)
    plan = design(study)
    with open_workforce(workers, scheduler) as force:
        folder = prepare_folder(out, (*STORE_FILES, *TABLES))
        folder.mkdir(parents=True, exist_ok=True)
        with open_store(folder) as store:
            keys = make_keys(study, plan.points)
            stored = {key: found for key, found in store.outcomes(keys).items() if found.final}
            known = {point.number: stored[keys[point.number]] for point in plan.points if keys[point.number] in stored}
            reused, layers = len(known), [0, 0]
            with closing(_computed(study, _Work(plan, keys, dict(known)), force)) as results:
                for done, counts in results:
                    store.add((keys[number], outcome) for number, outcome in done.items())
                    known |= done
                    layers = [a + b for a, b in zip(layers, counts, strict=True)]
                    if progress:
                        progress(len(known), len(plan.points))
            names = list(study.axes)
            records = make_records(names, plan, known)
            files = write_tables(folder, names, records)
    return Sweep(records, _summary(plan, records, reused, layers, perf_counter() - started), files)


def _computed(study: Study, work: _Work, force: Workforce) -> Computed:
    """Outcomes by point's number as they come, with the layers that they had and those that were done already."""
    missing = [point for point in work.design.points if point.number not in work.known]
    task = functools.partial(evaluate, pack_study(study))
    for chunk, result in map_chunks(force, task, group_points(study, missing, force.workers)):
        numbers = [point.number for point in chunk]
        if isinstance(result, str):
            yield dict.fromkeys(numbers, Outcome(error=result, final=False)), (0, 0)
        else:
            yield dict(zip(numbers, result.outcomes, strict=True)), (result.layers, result.layers_reused)


def group_points(study: Study, points: list[DesignPoint], workers: int) -> list[list[DesignPoint]]:
    """Points in tasks: those of one network and engine together, since they have most in common."""
    if not points:
        return []
    most = 1 if not study.spec.shares else max(1, min(MOST_CHUNK, len(points) // (4 * workers)))
    least = min(LEAST_CHUNK, most)
    engine = [index for index, name in enumerate(study.axes) if not name.startswith(("sram.", "dram.", "technology."))]

    def kinship(point: DesignPoint) -> tuple[str, ...]:
        return (point.workload, *(repr(point.values[index]) for index in engine))

    tasks: list[list[DesignPoint]] = []
    before: tuple[str, ...] = ()
    for point in sorted(points, key=kinship):
        kin = kinship(point)
        full = tasks and (len(tasks[-1]) >= most or (len(tasks[-1]) >= least and kin != before))
        if not tasks or full:
            tasks.append([])
        tasks[-1].append(point)
        before = kin
    return tasks


def _summary(
    plan: Design, records: list[dict[str, Any]], reused: int, layers: list[int], seconds: float
) -> dict[str, Any]:
    points, failed = len(plan.points), sum(bool(record["error"]) for record in records)
    return {
        "points": points,
        "done": len(records) - failed,
        "failed": failed,
        "excluded": points - len(records),
        "reused": reused,
        "seconds": seconds,
        "points_per_s": (points - reused) / seconds,
        "layers": layers[0],
        "layers_reused": layers[1],
        "best": {what: _best(records, measure) for what, measure in _MEASURES.items()},
    }


_MEASURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "latency": lambda record: float(record["latency_ms"]),
    "energy": lambda record: float(record["energy_uj"]),
    "EDP": lambda record: float(record["latency_ms"] * record["energy_uj"]),
}


def _best(records: list[dict[str, Any]], measure: Callable[[dict[str, Any]], float]) -> list[dict[str, Any]]:
    """The best record of each network."""
    networks: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if not record["error"]:
            networks.setdefault(record["workload"], []).append(record)
    return [min(of_one, key=measure) for of_one in networks.values()]
