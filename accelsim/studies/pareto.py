"""Pareto fronts: the points of a sweep that no other point beats in two columns at once."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelsim.config import UserError, show_value, suggest

LARGER_IS_BETTER = {"utilization"}  # of all other columns smaller values are better

PointRecord = Mapping[str, Any]  #: a row of points.csv, by column


def read_sweep_points(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Read the rows of points.csv without an error that have a number in each of these columns.

    Texts that are numbers become numbers. Raises: UserError where the file or a column is missing, a value of such a
    column is no number, or no row is left.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows: list[dict[str, Any]] = [
                {name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = (getattr(error, "strerror", None) or str(error)).lower()
        hint = f"accelsim sweep SPEC.yaml --out {path.parent} makes it"
        raise UserError(f"{path}: cannot be read: {problem}; {hint}") from None
    for column in columns:
        if rows and column not in rows[0]:
            raise UserError(f"{path}: has no column '{column}'{suggest(column, map(str, rows[0]))}")
        for number, row in enumerate(rows):
            if isinstance(row[column], str) and row[column]:
                raise UserError(f"{path}:{number + 2}: {column}: should be a number, got {show_value(row[column])}")
    sound = [row for row in rows if not row.get("error") and all(row[column] != "" for column in columns)]
    if not sound:
        raise UserError(f"{path}: none of its {len(rows)} points has both {' and '.join(columns)}")
    return sound


def _number(text: str | None) -> Any:
    """A text as an integer or a float where it is one."""
    for kind in (int, float):
        try:
            return kind(text or "")
        except ValueError:
            continue
    return text or ""


def find_fronts(points: Sequence[PointRecord], x: str, y: str) -> dict[str, list[dict[str, Any]]]:
    """Find the Pareto front of each network: the points that no other point of it beats.

    One point beats another if it is at least as good in both columns and better in one. ``points`` are rows of
    points.csv, x and y names of columns with numbers. Returns the front of each network, with x ascending (descending
    where larger values are better).
    """
    networks: dict[str, list[PointRecord]] = {}
    for point in points:
        networks.setdefault(str(point["workload"]), []).append(point)
    return {network: [dict(point) for point in _front(of_one, x, y)] for network, of_one in networks.items()}


def _front(points: list[PointRecord], x: str, y: str) -> list[PointRecord]:
    """The front of one network."""

    def cost(point: PointRecord) -> tuple[float, float]:
        signs = [-1 if column in LARGER_IS_BETTER else 1 for column in (x, y)]
        return signs[0] * point[x], signs[1] * point[y]

    front: list[PointRecord] = []
    best: tuple[float, float] | None = None
    for point in sorted(points, key=cost):
        if best is None or cost(point)[1] < best[1] or cost(point) == best:
            front.append(point)
            best = cost(point)
    return front


def pareto(folder: Path | str, x: str = "latency_ms", y: str = "energy_uj") -> dict[str, list[dict[str, Any]]]:
    """Find the points of a finished sweep that no other point beats in two columns at once.

    ``folder`` is the folder that the sweep wrote; x and y are columns of its points.csv. Smaller values are better, but
    for utilization. Returns the front of each network by the network's name: a list of rows of points.csv, each a
    mapping by column, with x ascending.

    Raises: UserError where the file or a column is missing, or no point has both figures.
    """
    return find_fronts(read_sweep_points(Path(folder) / "points.csv", (x, y)), x, y)
