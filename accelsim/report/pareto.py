"""Points of a sweep that no other beats in two columns, and their picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.config.files import replace_file
from accelsim.studies.pareto import PointRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARETO_FILES = ("pareto.png", "pareto.svg")
_UNITS = {"ms": "ms", "uj": "µJ", "mw": "mW", "cycles": "cycles", "kib": "KiB", "mhz": "MHz", "ns": "ns", "s": "s"}
MARKERS = ("o", "s", "^", "D", "v", "P")
GREYS = ("#1b4f8a", "#b5541c", "#3a7d44", "#7b3f8c", "#8a6d1b", "#555555")
_INCHES = (6.4, 4.4)


def draw(
    folder: Path, points: Sequence[PointRecord], found: Mapping[str, Sequence[PointRecord]], x: str, y: str
) -> list[Path]:
    """pareto.png and pareto.svg: all points in light grey, fronts as steps, a shape for each network."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=200, layout="constrained")
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
    paths = [folder / name for name in PARETO_FILES]
    with matplotlib.rc_context({"svg.hashsalt": "accelsim", "svg.fonttype": "none"}):
        for path in paths:
            kind = path.suffix[1:]
            with replace_file(path) as temporary:
                figure.savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return paths


def _dress(axes: Axes, points: Sequence[PointRecord], x: str, y: str) -> None:
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
    if words[-1] in _UNITS and len(words) > 1:
        kept = words if words[-1] == "cycles" else words[:-1]
        return f"{' '.join(kept)} [{_UNITS[words[-1]]}]" if words[-1] != "cycles" else " ".join(kept)
    return f"{column} [share]" if column == "utilization" else column
