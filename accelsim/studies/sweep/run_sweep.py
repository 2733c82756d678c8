"""One sweep, from its file to its tables: choose the points, simulate what is missing, store and write."""

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
from accelsim.studies.sweep.design_points import Design, DesignPoint, choose_points
from accelsim.studies.sweep.executors import map_chunks, open_workforce
from accelsim.studies.sweep.outcomes import Outcome
from accelsim.studies.sweep.spec import Study, read_study
from accelsim.studies.sweep.store import STORE_FILES, Store, open_store
from accelsim.studies.sweep.tables import TABLES, make_records, write_tables
from accelsim.studies.sweep.worker import evaluate_points, make_keys, pack_study
from accelsim.studies.sweep.workforce import Workforce

if TYPE_CHECKING:
    import pandas as pd

LEAST_CHUNK, MOST_CHUNK = 32, 256  # points of one task, where there are many points
ProgressCall = Callable[[int, int], None]
Computed = Generator[tuple[dict[int, Outcome], tuple[int, int]], None, None]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep."""

    records: list[dict[str, Any]]  #: a row of points.csv for each point, in their order
    summary: dict[str, Any]  #: counts of points and layers, the seconds that it took, and the best points
    files: list[Path]  #: points.csv, and points.parquet where pyarrow is installed

    @cached_property
    def points(self) -> pd.DataFrame:
        """The records as a table, with a row for each point and the columns of points.csv."""
        import pandas as pd

        return pd.DataFrame(self.records)


class _Work(NamedTuple):
    """What a sweep must simulate."""

    design: Design
    keys: list[str]  #: of all points, in their order
    known: dict[int, Outcome]  #: outcomes that an earlier run of the same sweep stored, by the points' numbers


def sweep(
    spec: str | Path | Mapping[str, Any],
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: ProgressCall | None = None,
) -> Sweep:
    """Simulate the points of a sweep and write points.csv (and points.parquet, with pyarrow) into a folder.

    ``spec`` is a sweep's file, or a mapping of the same keys. ``out`` is the folder; points that an earlier run stored
    there are not simulated again. ``workers`` is the number of processes: 1 is this one, None one for each core; in a
    script, several need ``if __name__ == "__main__":``, since they are spawned. ``scheduler`` is the address of a Dask
    cluster instead, such as tcp://host:8786. ``progress(done, total)`` is called whenever more points are stored.

    Returns the records, a DataFrame of them (``points``), a summary and the files.

    Raises: UserError for a mistake in the file, an address where no scheduler answers, a folder that another sweep
    writes into or another version of accelsim wrote; OSError where the folder cannot be written.
    """
    started = perf_counter()
    study = read_study(spec)
    plan = choose_points(study)
    with open_workforce(workers, scheduler) as force:
        folder = prepare_folder(out, (*STORE_FILES, *TABLES))
        folder.mkdir(parents=True, exist_ok=True)
        with open_store(folder) as store:
            keys = make_keys(study, plan.points)
            stored = {key: found for key, found in store.read_outcomes(keys).items() if found.final}
            known = {point.number: stored[keys[point.number]] for point in plan.points if keys[point.number] in stored}
            reused = len(known)
            with closing(_simulate_missing(study, _Work(plan, keys, dict(known)), force)) as results:
                layers = _store_results(store, keys, results, known, progress)
            names = list(study.axes)
            records = make_records(names, plan, known)
            files = write_tables(folder, names, records)
    return Sweep(records, _summary(plan, records, reused, layers, perf_counter() - started), files)


def _store_results(
    store: Store, keys: list[str], results: Computed, known: dict[int, Outcome], progress: ProgressCall | None
) -> list[int]:
    """Store results as they come and add them to ``known``; the number of layers, and of those that were reused."""
    layers = [0, 0]
    for done, counts in results:
        store.add((keys[number], outcome) for number, outcome in done.items())
        known |= done
        layers = [a + b for a, b in zip(layers, counts, strict=True)]
        if progress:
            progress(len(known), len(keys))
    return layers


def _simulate_missing(study: Study, work: _Work, force: Workforce) -> Computed:
    """Outcomes by point's number as they come, each lot with its number of layers and of those that were reused."""
    missing = [point for point in work.design.points if point.number not in work.known]
    task = functools.partial(evaluate_points, pack_study(study))
    for chunk, result in map_chunks(force, task, group_points(study, missing, force.workers)):
        numbers = [point.number for point in chunk]
        if isinstance(result, str):
            yield dict.fromkeys(numbers, Outcome(error=result, final=False)), (0, 0)
        else:
            yield dict(zip(numbers, result.outcomes, strict=True)), (result.layers, result.layers_reused)


def group_points(study: Study, points: list[DesignPoint], workers: int) -> list[list[DesignPoint]]:
    """Group points into tasks: those of one network and engine together, since they have most in common."""
    if not points:
        return []
    most = 1 if not study.spec.shares else max(1, min(MOST_CHUNK, len(points) // (4 * workers)))
    least = min(LEAST_CHUNK, most)
    engine = [index for index, name in enumerate(study.axes) if not name.startswith(("sram.", "dram.", "technology."))]

    def kinship(point: DesignPoint) -> tuple[str, ...]:
        """What points of one task share."""
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
    """What a sweep has done; ``layers`` is the number of layers and of those that were reused."""
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
    """The record of each network with the least measure."""
    networks: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if not record["error"]:
            networks.setdefault(record["workload"], []).append(record)
    return [min(of_one, key=measure) for of_one in networks.values()]
