"""What a sweep found, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType

from accelsim.report.text import Facts, Grid, Paragraph, figure, percent

RESULTS = ("total_cycles", "latency_ms", "energy_uj", "average_power_mw", "utilization")
_MOST_ROWS = 60  # of a printed front


def sweep_report(summary: Mapping[str, Any]) -> RenderableType:
    """Totals of a sweep, and its best points."""
    rate, computed = summary["points_per_s"], summary["points"] - summary["reused"]
    facts = [
        ("points", f"{summary['points']:,}", ""),
        ("  done", f"{summary['done']:,}", ""),
        ("  failed", f"{summary['failed']:,}", "each with its reason in points.csv" if summary["failed"] else ""),
        ("  excluded", f"{summary['excluded']:,}", "by constraints on results" if summary["excluded"] else ""),
        ("  reused", f"{summary['reused']:,}", "found in the folder" if summary["reused"] else ""),
        ("points/s", figure(rate) if computed else "-", f"{computed:,} computed in {summary['seconds']:.1f} s"),
    ]
    if summary["layers"]:
        share = percent(summary["layers_reused"] / summary["layers"])
        facts.append(("layers reused", share, f"of {summary['layers']:,} had been played for another layer or point"))
    parts: list[RenderableType] = [Facts(facts)]
    rows = [(what, record) for what, records in summary["best"].items() for record in records]
    if rows:
        parts += [Paragraph(""), _table(["best"], [[what] for what, _ in rows], [record for _, record in rows])]
    return Group(*parts)


def pareto_report(fronts: Mapping[str, Sequence[Mapping[str, Any]]], x: str, y: str) -> RenderableType:
    """The front of each network."""
    parts: list[RenderableType] = []
    for workload, front in fronts.items():
        title = f"{workload}: points that no other beats in both {x} and {y}: {len(front):,}"
        parts += [Paragraph(title, style="bold"), _table([], [[] for _ in front], front[:_MOST_ROWS])]
        if len(front) > _MOST_ROWS:
            parts.append(Paragraph(f"and {len(front) - _MOST_ROWS:,} more: --json has all of them"))
        parts.append(Paragraph(""))
    return Group(*parts[:-1])


def _table(
    headings: list[str], leading: Sequence[Sequence[str]], records: Sequence[Mapping[str, Any]]
) -> RenderableType:
    names = [name for name in records[0] if name != "error"]
    rows = [
        [*before, *(_cell(name, record[name]) for name in names)]
        for before, record in zip(leading, records, strict=False)
    ]
    left = {name for name in names if any(isinstance(record[name], str) for record in records)}
    drop = ["utilization", "average_power_mw", "total_cycles"]
    short = _shortened(names)
    left = {short[name] for name in left}
    return Grid([*headings, *short.values()], rows, left | set(headings), drop=[name for name in drop if name in names])


def _shortened(names: Sequence[str]) -> dict[str, str]:
    """Dotted paths without the first parts, as far as they stay different."""
    short = {}
    for name in names:
        parts = name.split(".")
        ends = (".".join(parts[-count:]) for count in range(1, len(parts) + 1))
        short[name] = next(end for end in ends if sum(f".{other}".endswith(f".{end}") for other in names) == 1)
    return short


def _cell(name: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).lower()
    if name == "utilization":
        return percent(value)
    if isinstance(value, int):
        return f"{value:,}" if name in RESULTS else str(value)
    return figure(value, 4) if name in RESULTS else f"{value:g}"
