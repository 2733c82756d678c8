"""Measured points of silicon, read from a CSV: voltages and clocks, and the power of tasks there."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

from accelsim.config import UserError, show_value, suggest

MOST_V = 5.0  # a larger number is in other units
MOST_MHZ = 1e5
RATE = ("inferences_per_s", "microjoules")  # columns whose product is a power
POINT_COLUMNS = ("task", "volt", "mhz", "watts", *RATE)
POINT_RULE = (
    "columns: volt, mhz; watts, or inferences_per_s and microjoules, where power was measured; task where several"
)


class MeasuredPoint(NamedTuple):
    """One measured point."""

    line: int  #: of the file
    task: str  #: empty where the file names none
    volt: float
    mhz: float
    watts: float | None  #: None where no power was measured


def read_measured_points(path: Path) -> list[MeasuredPoint]:
    """Read the measured points of a CSV file, in its order; columns of other names are ignored.

    Raises: UserError for an unreadable file, missing columns, and values that are no such quantity.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            measured = _columns(names, path)
            points = [_point(row, reader.line_num, measured, path) for row in reader]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: no CSV text: {error}") from None
    if not points:
        raise UserError(f"{path}: holds no points")
    return points


def _columns(names: list[str], path: Path) -> tuple[str, ...]:
    """The columns that give the power. Raises: UserError where columns are missing or stand twice."""
    for name in ("volt", "mhz"):
        if name not in names:
            found = suggest(name, names) if names else ""
            raise UserError(f"{path}:1: missing column '{name}'{found.partition('; allowed')[0]}; {POINT_RULE}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path}:1: column '{twice}' stands twice")
    given = [name for name in RATE if name in names]
    if "watts" in names:
        return ("watts",)
    if len(given) == 1:
        other = next(name for name in RATE if name not in given)
        raise UserError(f"{path}:1: missing column '{other}' beside '{given[0]}'; {POINT_RULE}")
    return tuple(given)


def _point(row: dict[str | None, str | None], line: int, measured: tuple[str, ...], path: Path) -> MeasuredPoint:
    """The point of a row; ``measured`` are the columns that give its power. Raises: UserError."""
    if None in row:
        raise UserError(f"{path}:{line}: more values than columns")
    numbers = {name: _number(row.get(name), name, f"{path}:{line}") for name in ("volt", "mhz", *measured)}
    for name, most, hint in (("volt", MOST_V, "volts, not millivolts"), ("mhz", MOST_MHZ, "MHz, not kHz or Hz")):
        if numbers[name] > most:
            raise UserError(f"{path}:{line}: {name}: should be at most {most:g} ({hint}), got {show_value(row[name])}")
    watts = math.prod(numbers[name] for name in measured) * (1e-6 if measured == RATE else 1) if measured else None
    return MeasuredPoint(line, (row.get("task") or "").strip(), numbers["volt"], numbers["mhz"], watts)


def _number(text: str | None, name: str, place: str) -> float:
    """A value of a column as a number above 0. Raises: UserError."""
    try:
        value = float(text or "")
    except ValueError:
        raise UserError(f"{place}: {name}: should be a number, got {show_value(text or '')}") from None
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{place}: {name}: should be a number above 0, got {show_value(text)}")
    return value
