"""The roofline in words and as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.report.roofline_scene import Stack, stacks, tied_roofs
from accelsim.report.run import precision
from accelsim.report.text import Grid, Paragraph, figure, percent, plain_number, scaled
from accelsim.studies.roofline import Roofline

_SHOWN = 5  # layers nearest to their roof, and as many farthest below
_LEGEND = {
    "attained": "share of what roof and DRAM allow at this intensity",
    "layers": "of one shape and speed",
    "time": "share of the network's cycles",
}


def roofline_title(summary: dict[str, Any]) -> str:
    """Network, hardware, precision, pattern and settings."""
    weights = f", {summary['pattern']} weights" if summary.get("pattern") else ""
    title = f"{summary['workload']} on {summary['hardware']} ({precision(summary)}{weights}, batch {summary['batch']})"
    return f"{title} with {', '.join(summary['settings'])}" if summary.get("settings") else title


def roofline_report(line: Roofline, title: str, notes: Sequence[str]) -> RenderableType:
    """All that ``accelsim roofline`` shows."""
    lines: list[RenderableType] = [Paragraph(title, hanging=2, style="bold")]
    lines += [Paragraph(f"note: {note}", hanging=6) for note in notes]
    lines += [Text(""), _roofs(line), Text("")]
    ordered = sorted(stacks(line.points), key=lambda stack: -stack.points[0].reached)
    if len(ordered) <= 2 * _SHOWN:
        lines += [Text("layers, nearest to their roof first", style="bold"), _layers(ordered)]
    else:
        lines += [Text("layers nearest to their roof", style="bold"), _layers(ordered[:_SHOWN], legend=False), Text("")]
        lines += [Text("layers farthest below it", style="bold"), _layers(ordered[: -_SHOWN - 1 : -1])]
    if line.left_out:
        which = f"{line.left_out} layer{'s' * (line.left_out > 1)} without a product"
        lines.append(Paragraph(f"left out: {which}, {percent(line.left_out_share)} of the time"))
    return Group(*lines)


def _roofs(line: Roofline) -> Grid:
    """A line per roof, with the intensity at which each memory meets it."""
    headings = ["roof", "MAC/s", "OP/s", "used", *(level.name for level in line.levels)]
    rows = []
    for tied in tied_roofs(line):
        ridges = [plain_number(figure(tied.macs_per_s / level.bytes_per_s)) for level in line.levels]
        rows.append(
            [
                ", ".join(tied.names),
                scaled(tied.macs_per_s, ""),
                scaled(2 * tied.macs_per_s, ""),
                "yes" if tied.used else "no",
                *ridges,
            ]
        )
    rows.append(["ridge points at", "", "", "", *(scaled(level.bytes_per_s, "B/s") for level in line.levels)])
    legend = {line.levels[0].name: "ridge points in MAC per byte of each memory"}
    return Grid(headings, rows, ("roof", "used"), shorten="roof", legend=legend)


def _layers(group: Sequence[Stack], legend: bool = True) -> Grid:
    headings = ("layer", "layers", "kind", "bound", "MAC/byte", "MAC/s", "roof", "attained", "time")
    rows = []
    for stack in group:
        point = stack.points[0]
        rows.append(
            (
                point.layer,
                str(len(stack.points)),
                point.kind,
                point.bound,
                plain_number(figure(point.macs_per_byte)),
                scaled(point.macs_per_s, ""),
                point.roof.name,
                percent(point.reached),
                percent(stack.share),
            )
        )
    left = ("layer", "kind", "bound", "roof")
    return Grid(headings, rows, left, drop=("kind", "roof"), shorten="layer", legend=_LEGEND if legend else {})


def roofline_record(line: Roofline, summary: dict[str, Any], file: Path) -> dict[str, Any]:
    """All of it as plain data: roofs, memories, ridge points and a record per layer."""
    kept = ("hardware", "workload", "version", "config_sha256", "precision", "batch", "settings", "notes")
    return {
        **{name: summary[name] for name in kept},
        "file": str(file),
        "roofs": [roof._asdict() for roof in line.roofs],
        "levels": [level._asdict() for level in line.levels],
        "ridge_points": [
            {"roof": roof.name, "level": level.name, "macs_per_byte": level.ridge(roof)}
            for roof in line.roofs
            for level in line.levels
        ],
        "layers": [{**point._asdict(), "roof": point.roof.name, "attained": point.reached} for point in line.points],
        "left_out": {"layers": line.left_out, "share": line.left_out_share},
    }
