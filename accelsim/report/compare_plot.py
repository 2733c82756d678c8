"""A comparison as a figure: bars of speedup with the ideal marked, and of energy by component."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from accelsim.report.compare import ENERGY_PARTS, _Record, energy_parts
from accelsim.report.text import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 7.2  # two columns of a journal
_ROW_INCHES, _FRAME_INCHES = 0.19, 1.05
DOTS_PER_INCH = 200
HEADING_ROWS = 1.15  # above each machine's bars
BAR = 0.74  # of a row
MARK = 150  # square points: a line as high as a row
ROOM = 0.13  # of an axis, that a number takes
HEADROOM = 1.16  # beyond the longest bar, for its number
_STYLE: Any = {
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "accelsim",
    "svg.fonttype": "path",
}
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # behind text, over the grid
SPEED = "#7f9fb8"
LOOKS: dict[str, dict[str, Any]] = {  # told apart by lightness alone
    "MACs": {"facecolor": "#12263a"},
    "vector": {"facecolor": "#a34a3e", "hatch": "....."},
    "SRAM": {"facecolor": "#5d8aa8"},
    "DRAM": {"facecolor": "#bcd4e6"},
    "standby": {"facecolor": "#ffffff", "hatch": "//////"},
}
ENERGY_UNITS = ((1e6, "J"), (1e3, "mJ"), (1.0, "µJ"), (1e-3, "nJ"))


def comparison_figure(records: Sequence[_Record], kinds: Sequence[str]) -> list[bytes]:
    """The figure as files of these kinds: svg, png. The same records give the same bytes."""
    from matplotlib import rc_context

    files = []
    with rc_context(_STYLE):
        drawn = _drawn(records)
        for kind in kinds:
            buffer = io.BytesIO()
            metadata = {"Date": None} if kind == "svg" else {}
            drawn.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
            files.append(buffer.getvalue())
    return files


def _drawn(records: Sequence[_Record]) -> Figure:
    from matplotlib.figure import Figure

    headings, places = _places(records)
    height = _FRAME_INCHES + _ROW_INCHES * (places[-1] + 1)
    drawn = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    speed, energy = drawn.subplots(1, 2, sharey=True)
    _speeds(speed, records, places)
    _energies(energy, records, places)
    speed.set_ylim(places[-1] + 0.6, -0.7)
    speed.set_yticks(places, [f"{r['precision']} {r['sparsity']}" for r in records])
    for axes in (speed, energy):
        axes.tick_params(axis="y", length=0)
        axes.xaxis.grid(True, color="#d0d0d0", linewidth=0.5)
        axes.set_axisbelow(True)
    for place, text in headings:
        speed.annotate(
            text,
            (0, place),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            va="center",
            textcoords="offset points",
            weight="bold",
            bbox=PAPER,
        )
    return drawn


def _places(records: Sequence[_Record]) -> tuple[list[tuple[float, str]], list[float]]:
    """Headings of machines with where they stand, from the top, and where each record's bar does."""
    headings: list[tuple[float, str]] = []
    places: list[float] = []
    several, last, at = len({r["workload"] for r in records}) > 1, None, 0.0
    for record in records:
        machine = (record["workload"], record["hardware"], record["zero_gating"])
        if machine != last:
            at += 0.25 if places else 0.0
            network = f"{record['workload']} on " if several else ""
            gated = ", zero gating" if record["zero_gating"] else ""
            headings.append((at, f"{network}{record['hardware']}{gated}"))
            at, last = at + HEADING_ROWS, machine
        places.append(at)
        at += 1
    return headings, places


def _speeds(axes: Axes, records: Sequence[_Record], places: Sequence[float]) -> None:
    """Bars, each with a mark where widths or pattern alone would put it."""
    rows = [(r, place) for r, place in zip(records, places, strict=True) if not r["not_run"]]
    at = [place for _, place in rows]
    axes.barh(at, [r["speedup"] for r, _ in rows], BAR, color=SPEED, edgecolor="black", linewidth=0.4, label="speedup")
    axes.scatter(
        [r["ideal_speedup"] for r, _ in rows],
        at,
        MARK,
        color="black",
        marker="|",
        linewidth=1.8,
        label="promised by widths or pattern",
        zorder=3,
    )
    most = HEADROOM * max(max(r["speedup"], r["ideal_speedup"]) for r, _ in rows)
    for record, place in rows:
        end, ideal = record["speedup"], record["ideal_speedup"]
        between = end < ideal - ROOM * most  # else the mark would stand on the number
        _number(axes, end if between else max(end, ideal), place, f"{end:.2f}")
    for record, place in zip(records, places, strict=True):
        if record["not_run"]:
            axes.annotate("not run", (0, place), xytext=(3, 0), textcoords="offset points", va="center", style="italic")
    axes.set_xlim(0, most)
    axes.set_xlabel(f"speedup over {_baseline(records)}, times")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],
        labels[::-1],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        frameon=False,
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=1.2,
        markerscale=0.8,
    )


def _baseline(records: Sequence[_Record]) -> str:
    """What all rows are measured against, in words where it differs."""
    names = {record["baseline"] for record in records if not record["not_run"]}
    return names.pop() if len(names) == 1 else "each machine's first that runs"


def _energies(axes: Axes, records: Sequence[_Record], places: Sequence[float]) -> None:
    """Bars of components, one after the other."""
    rows = [(r, place) for r, place in zip(records, places, strict=True) if not r["not_run"]]
    at, most = [place for _, place in rows], max(r["energy_uj"] for r, _ in rows)
    factor, unit = next((u for u in ENERGY_UNITS if most >= u[0]), ENERGY_UNITS[-1])
    parts = [energy_parts(r) for r, _ in rows]
    ends = [0.0] * len(rows)
    for part in ENERGY_PARTS:
        widths = [found[part] / factor for found in parts]
        axes.barh(at, widths, BAR, left=ends, label=part, edgecolor="black", linewidth=0.4, **LOOKS[part])
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    for end, place in zip(ends, at, strict=True):
        _number(axes, end, place, figure(end))
    axes.set_xlim(0, HEADROOM * max(ends) or 1)
    axes.set_xlabel(f"energy, {unit}")
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=5,
        frameon=False,
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=0.9,
    )


def _number(axes: Axes, end: float, place: float, text: str) -> None:
    """A bar's figure, behind its end."""
    axes.annotate(text, (end, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7, bbox=PAPER)
