"""Points of a sweep that no other beats in two columns, and their picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.config import UserError, nearest, shown
from accelsim.config.files import replaced

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = ("pareto.png", "pareto.svg")
LARGER_IS_BETTER = {"utilization"}
UNITS = {"ms": "ms", "uj": "µJ", "mw": "mW", "cycles": "cycles", "kib": "KiB", "mhz": "MHz", "ns": "ns", "s": "s"}
MARKERS = ("o", "s", "^", "D", "v", "P")
GREYS = ("#1b4f8a", "#b5541c", "#3a7d44", "#7b3f8c", "#8a6d1b", "#555555")
INCHES = (6.4, 4.4)

Record = Mapping[str, Any]


def read_points(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of points.csv that have these columns as numbers; numbers as such.

    Raises: UserError where the file or a column is missing, or no point has the figures.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows: list[dict[str, Any]] = [
                {name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        told = (getattr(error, "strerror", None) or str(error)).lower()
        hint = f"accelsim sweep SPEC.yaml --out {path.parent} makes it"
        raise UserError(f"{path}: cannot be read: {told}; {hint}") from None
    for column in columns:
        if rows and column not in rows[0]:
            raise UserError(f"{path}: has no column '{column}'{nearest(column, map(str, rows[0]))}")
        for number, row in enumerate(rows):
            if isinstance(row[column], str) and row[column]:
                raise UserError(f"{path}:{number + 2}: {column}: should be a number, got {shown(row[column])}")
    sound = [row for row in rows if not row.get("error") and all(row[column] != "" for column in columns)]
    if not sound:
        raise UserError(f"{path}: none of its {len(rows)} points has both {' and '.join(columns)}")
    return sound


def _number(text: str | None) -> Any:
    for kind in (int, float):
        try:
            return kind(text or "")
        except ValueError:
            continue
    return text or ""


def fronts(points: Sequence[Record], x: str, y: str) -> dict[str, list[dict[str, Any]]]:
    """Of each network the points that no other is as good as in both columns and better in one, x ascending."""
    networks: dict[str, list[Record]] = {}
    for point in points:
        networks.setdefault(str(point["workload"]), []).append(point)
    return {network: [dict(point) for point in _front(of_one, x, y)] for network, of_one in networks.items()}


def _front(points: list[Record], x: str, y: str) -> list[Record]:
    def cost(point: Record) -> tuple[float, float]:
        signs = [-1 if column in LARGER_IS_BETTER else 1 for column in (x, y)]
        return signs[0] * point[x], signs[1] * point[y]

    front: list[Record] = []
    best: tuple[float, float] | None = None
    for point in sorted(points, key=cost):
        if best is None or cost(point)[1] < best[1] or cost(point) == best:
            front.append(point)
            best = cost(point)
    return front


def draw(folder: Path, points: Sequence[Record], found: Mapping[str, Sequence[Record]], x: str, y: str) -> list[Path]:
    """pareto.png and pareto.svg: all points in light grey, fronts as steps, a shape for each network."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=200, layout="constrained")
    axes = figure.add_subplot()
    for index, (network, front) in enumerate(found.items()):
        marker, colour = MARKERS[index % len(MARKERS)], GREYS[index % len(GREYS)]
        others = [point for point in points if point["workload"] == network]
        axes.plot(
            [p[x] for p in others],
            [p[y] for p in others],
            marker,
            ms=3,
            mec="none",
            mfc="#b8b8b8",
            label=f"{network}: {len(others):,} points" if len(found) == 1 else None,
            rasterized=True,
        )
        axes.plot(
            [p[x] for p in front],
            [p[y] for p in front],
            marker=marker,
            ms=5.5,
            color=colour,
            mec="white",
            mew=0.6,
            lw=1.2,
            drawstyle="steps-post",
            label=f"{network}: front of {len(front):,}",
        )
    _dress(axes, points, x, y)
    paths = [folder / name for name in FIGURES]
    with matplotlib.rc_context({"svg.hashsalt": "accelsim", "svg.fonttype": "none"}):
        for path in paths:
            kind = path.suffix[1:]
            with replaced(path) as temporary:
                figure.savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return paths


def _dress(axes: Axes, points: Sequence[Record], x: str, y: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    for column, axis, set_scale in ((x, axes.xaxis, axes.set_xscale), (y, axes.yaxis, axes.set_yscale)):
        values = [point[column] for point in points]
        if min(values) > 0 and max(values) / min(values) > 5:
            set_scale("log")
            decades = max(values) / min(values) > 100
            axis.set_major_locator(LogLocator(subs=(1,) if decades else (1, 2, 5)))
            axis.set_minor_formatter(NullFormatter())
            axis.set_minor_locator(LogLocator(subs=range(2, 10)) if decades else NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_label_text(_label(column))
    axes.grid(alpha=0.35, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.13), ncols=2, frameon=False, fontsize=9)


def _label(column: str) -> str:
    """A column as an axis is labelled: words, and the unit in brackets."""
    words = column.split("_")
    if words[-1] in UNITS and len(words) > 1:
        kept = words if words[-1] == "cycles" else words[:-1]
        return f"{' '.join(kept)} [{UNITS[words[-1]]}]" if words[-1] != "cycles" else " ".join(kept)
    return f"{column} [share]" if column == "utilization" else column
