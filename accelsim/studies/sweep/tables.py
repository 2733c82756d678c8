"""The points of a sweep as records, and as points.csv and points.parquet."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from accelsim.config import UserError
from accelsim.config.files import format_csv, replace_file, write_file
from accelsim.studies.sweep.design_points import Design, DesignPoint
from accelsim.studies.sweep.outcomes import POINT_FIGURES, Outcome

TABLES = ("points.csv", "points.parquet")


def make_records(names: list[str], design: Design, outcomes: Mapping[int, Outcome]) -> list[dict[str, Any]]:
    """Make a record for each point, in their order, but for points that a constraint on results excludes.

    ``names`` are the parameters, in the order of each point's values; ``outcomes`` go by the points' numbers.
    """
    records = []
    for point in design.points:
        record = _record(names, point, outcomes[point.number])
        if record["error"] or _is_kept(design, record):
            records.append(record)
    return records


def _record(names: list[str], point: DesignPoint, outcome: Outcome) -> dict[str, Any]:
    """One row of points.csv."""
    figures = {name: getattr(outcome, name) for name in POINT_FIGURES}
    return {
        **dict(zip(names, point.values, strict=True)),
        "workload": point.workload,
        **figures,
        "error": outcome.error,
    }


def _is_kept(design: Design, record: dict[str, Any]) -> bool:
    """Whether the constraints on results hold; where one cannot be decided, the record gets that as its error."""
    known = design.constants | record
    try:
        return all(constraint.holds(known) for constraint in design.on_results)
    except UserError as error:
        record["error"] = f"constraint {error}"
        return True


def write_tables(folder: Path, names: list[str], records: list[dict[str, Any]]) -> list[Path]:
    """Write points.csv and, where pyarrow is installed, points.parquet; give the paths of both.

    Half-written files that a killed sweep left are deleted. Raises: OSError where a file cannot be written.
    """
    for leftover in [path for name in TABLES for path in folder.glob(f".{name}.*")]:
        leftover.unlink()
    columns = [*names, "workload", *POINT_FIGURES, "error"]
    path = folder / TABLES[0]
    rows = [{key: _spell_truth(value) for key, value in record.items()} for record in records]
    write_file(path, format_csv(rows, columns))
    if find_spec("pyarrow") is None:
        return [path]
    with replace_file(folder / TABLES[1]) as temporary:
        _write_parquet(temporary, {name: [record[name] for record in records] for name in columns})
    return [path, folder / TABLES[1]]


def _spell_truth(value: Any) -> Any:
    """Spell true and false as YAML does; other values stay."""
    return str(value).lower() if isinstance(value, bool) else value


def _write_parquet(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write columns of equal length; one that mixes kinds of values becomes floats, or else text."""
    import pyarrow
    from pyarrow import parquet

    arrays = {}
    for name, values in columns.items():
        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            values = [value if value is None else float(value) for value in values]
        elif len(kinds) > 1:
            values = [value if value is None else str(_spell_truth(value)) for value in values]
        arrays[name] = pyarrow.array(values)
    parquet.write_table(pyarrow.table(arrays), path)
