"""Operating points, governors and per-layer schedules in words, as files and as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.config.files import format_csv, format_json, write_file
from accelsim.energy.prices import STATIC
from accelsim.power.governors import EXACT, Governed, PointRun
from accelsim.report.text import Grid, Paragraph, percent, scaled
from accelsim.studies.dvfs import SLACK, DvfsResult

DVFS_FILES = ("points.csv", "schedule.csv", "summary.json", "dvfs.svg")
_SHOWN = 6  # layers that can be slowed
_WORDS = {
    "fixed": "the highest point, idle at it too",
    "race-to-idle": "the fastest point, then idle at the lowest voltage",
    "slowest": "the lowest point that meets the deadline",
    "least energy": "the point of least energy in a period",
    "per layer": "a point for each layer, least energy in a period",
}


def dvfs_report(found: DvfsResult, title: str, notes: Sequence[str]) -> RenderableType:
    """All that ``accelsim dvfs`` shows."""
    lines: list[RenderableType] = [Paragraph(title, hanging=2, style="bold")]
    lines += [Paragraph(f"note: {note}", hanging=6) for note in (*_notes(found), *notes)]
    lines += [Text(""), _points(found), Text("")]
    lines += [Text(_heading(found), style="bold"), _governors(found), Text(""), *_schedule(found)]
    return Group(*lines)


def _notes(found: DvfsResult) -> list[str]:
    notes = [found.derived] if found.derived else []
    notes += [f"left out: {why}" for why in found.too_hot]
    if found.period.repeats:
        notes.append(f"idle until the deadline: {scaled(found.period.idle_mw * 1e-3, 'W')}")
    else:
        notes.append(
            f"no --deadline-ms: the next inference follows at once, and schedules may take {SLACK:.0%} longer"
            " than the fastest point"
        )
    return notes


def _heading(found: DvfsResult) -> str:
    bound = "a period of" if found.period.repeats else "within"
    return f"governors, {bound} {scaled(found.period.deadline_ns * 1e-9, 's')}"


def _points(found: DvfsResult) -> Grid:
    headings = ["V", "MHz", "latency", "energy", "of it static", "DRAM", "power", "meets"]
    rows = [_point_line(run, found.period.deadline_ns) for run in found.runs]
    legend = {"of it static": "leakage and DRAM standby while it runs", "DRAM": "accesses"}
    return Grid(headings, rows, ("meets",), drop=("power",), legend=legend)


def _point_line(run: PointRun, deadline_ns: float) -> list[str]:
    """Voltage, clock, time and energy; nothing to share or divide by where nothing ran."""
    point, latency = run.point, scaled(run.total_ns * 1e-9, "s")
    static = sum(run.parts_pj[name] for name in STATIC)
    shares = [percent(part / run.total_pj) if run.total_pj else "" for part in (static, run.parts_pj["dram"])]
    power = scaled(run.total_pj / run.total_ns * 1e-3, "W") if run.total_ns else ""
    meets = "yes" if run.total_ns <= deadline_ns * (1 + EXACT) else "no"
    return [
        f"{point.voltage_v:.4g}",
        f"{point.clock_mhz:,.4g}",
        latency,
        scaled(run.total_pj * 1e-12, "J"),
        *shares,
        power,
        meets,
    ]


def _governors(found: DvfsResult) -> Grid:
    best = min(choice.total_pj for choice in found.governors.choices)
    rows = []
    for choice in found.governors.choices:
        used = sorted(set(choice.points))
        points = _span(found, used)
        rows.append(
            [
                choice.name,
                points,
                scaled(choice.active_ns * 1e-9, "s"),
                scaled(choice.active_pj * 1e-12, "J"),
                scaled(choice.idle_pj * 1e-12, "J"),
                scaled(choice.total_pj * 1e-12, "J"),
                f"+{percent(choice.total_pj / best - 1)}",
            ]
        )
    headings = ["governor", "points", "active", "energy", "idle", "in all", "above the least"]
    legend = {"governor": "; ".join(f"{choice.name}: {_WORDS[choice.name]}" for choice in found.governors.choices)}
    return Grid(headings, rows, ("governor", "points"), drop=("energy",), legend=legend)


def _span(found: DvfsResult, used: Sequence[int]) -> str:
    voltages = [f"{found.runs[p].point.voltage_v:.4g}" for p in used]
    return f"{voltages[0]} V" if len(used) == 1 else f"{voltages[0]} to {voltages[-1]} V"


def _schedule(found: DvfsResult) -> list[RenderableType]:
    """The per-layer schedule against its bound, and what is slowed for nothing."""
    chosen = found.governors.choices[-1]
    over = chosen.total_pj / found.governors.bound_pj - 1 if found.governors.bound_pj > 0 else 0.0
    sure = "least possible" if found.governors.front.exact else f"at most {max(over, 0):.3%} above the least possible"
    count = f"{chosen.transitions} change{'s' * (chosen.transitions != 1)} of point"
    lines: list[RenderableType] = [Paragraph(f"per layer: {count}; {sure}", hanging=2)]
    slowed = found.slowed
    if not slowed:
        lines.append(Paragraph("no layer can be slowed without losing time"))
        return lines
    saved = sum(each.saved_pj for each in slowed)
    lines.append(
        Paragraph(
            f"{len(slowed)} layers wait for memory or one another: slowed, they take at most {SLACK:.0%} longer each"
            f" and save {scaled(saved * 1e-12, 'J')},"
            f" {percent(saved / found.runs[-1].total_pj)} of the highest point's",
            hanging=2,
        )
    )
    rows = [
        [each.layer, str(each.point), f"{each.added:+.1%}", scaled(each.saved_pj * 1e-12, "J")]
        for each in slowed[:_SHOWN]
    ]
    lines.append(Grid(["layer", "down to", "time", "saves"], rows, ("layer", "down to"), shorten="layer"))
    return lines


def dvfs_record(found: DvfsResult, summary: dict[str, Any]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        **summary,
        "deadline_ms": found.period.deadline_ns * 1e-6 if found.period.repeats else None,
        "idle_mw": found.period.idle_mw if found.period.repeats else None,
        "points_derived": found.derived or None,
        "points_too_hot": found.too_hot,
        "points": [_point(run) for run in found.runs],
        "governors": [_choice(choice, found) for choice in found.governors.choices],
        "schedule": _layers(found),
        "bound_uj": found.governors.bound_pj * 1e-6,
        "exact": found.governors.front.exact,
        "slowed": [
            {
                "layer": each.layer,
                "voltage_v": each.point.voltage_v,
                "clock_mhz": each.point.clock_mhz,
                "added_share": each.added,
                "saved_uj": each.saved_pj * 1e-6,
            }
            for each in found.slowed
        ],
        "pareto": [
            {"latency_ms": ns * 1e-6, "energy_uj": (pj + found.period.idle_mw * ns) * 1e-6}
            for ns, pj in zip(
                found.governors.front.time_ns.tolist(), found.governors.front.energy_pj.tolist(), strict=True
            )
        ],
    }


def _point(run: PointRun) -> dict[str, Any]:
    return {
        "voltage_v": run.point.voltage_v,
        "clock_mhz": run.point.clock_mhz,
        "latency_ms": run.total_ns * 1e-6,
        "energy_uj": run.total_pj * 1e-6,
        "average_power_mw": run.total_pj / run.total_ns if run.total_ns else 0.0,
        "static_mw": run.static_mw,
        **{f"energy_uj_{name}": pj * 1e-6 for name, pj in run.parts_pj.items()},
    }


def _choice(choice: Governed, found: DvfsResult) -> dict[str, Any]:
    used = sorted(set(choice.points))
    return {
        "governor": choice.name,
        "voltages_v": [found.runs[p].point.voltage_v for p in used],
        "active_ms": choice.active_ns * 1e-6,
        "active_uj": choice.active_pj * 1e-6,
        "idle_uj": choice.idle_pj * 1e-6,
        "total_uj": choice.total_pj * 1e-6,
        "transitions": choice.transitions,
    }


def _layers(found: DvfsResult) -> list[dict[str, Any]]:
    records = []
    for number, (name, p) in enumerate(zip(found.layers, found.governors.choices[-1].points, strict=True)):
        run = found.runs[p]
        time, energy = run.time_ns[number], run.energy_pj[number]
        records.append(
            {
                "layer": name,
                "voltage_v": run.point.voltage_v,
                "clock_mhz": run.point.clock_mhz,
                "latency_us": time * 1e-3,
                "energy_uj": energy * 1e-6,
            }
        )
    return records


def write_dvfs(folder: Path, found: DvfsResult, record: dict[str, Any], picture: bytes) -> list[Path]:
    """points.csv, schedule.csv, summary.json and the figure."""
    summary = {key: value for key, value in record.items() if key not in ("points", "schedule")}
    texts = format_csv(record["points"]), format_csv(record["schedule"]), format_json(summary)
    contents: tuple[str | bytes, ...] = (*texts, picture)
    paths = [folder / name for name in DVFS_FILES]
    for path, content in zip(paths, contents, strict=True):
        write_file(path, content)
    return paths
