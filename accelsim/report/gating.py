"""Gating policies and break-even times in words, as a picture and as data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.config.files import format_json, write_file
from accelsim.power.gating import POLICIES
from accelsim.report.figures import GREY, INK, SMALL, image, style
from accelsim.report.text import Grid, Paragraph, percent, scaled
from accelsim.studies.gating import GatedBlock, GatingResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GATING_FILES = ("gating.json", "gating.svg")
_WORDS = {
    "none": "everything on, clocks run on",
    "clock": "clocks of idle blocks stop: what run counts",
    "idle-detect": "off after being idle for the break-even time, woken when asked for",
    "oracle": "knows the future: off if it pays, awake in time",
}
INCHES_WIDE, _ROW_INCHES, _FRAME_INCHES = 7.6, 0.92, 1.0
BINS_A_DECADE = 6
IDLE, GAINED, LINE = "#c9d6e2", "#3f6f95", "#b5362c"


def gating_report(found: GatingResult, title: str, notes: list[str]) -> RenderableType:
    """All that ``accelsim gating`` shows."""
    lines: list[RenderableType] = [Paragraph(title, hanging=2, style="bold")]
    lines += [Paragraph(f"note: {note}", hanging=6) for note in (*found.notes, *notes)]
    period = scaled(found.period_ns * 1e-9, "s")
    lines += [Text(""), Text(f"policies, a period of {period}", style="bold"), _policies(found), Text("")]
    lines += [Text("blocks", style="bold"), _units(found)]
    return Group(*lines)


def _policies(found: GatingResult) -> Grid:
    rows = []
    for policy in POLICIES:
        energy = found.energy_pj(policy)
        added = found.added_ns(policy)
        rows.append(
            [
                policy,
                scaled(energy * 1e-12, "J"),
                f"{energy / found.base_pj - 1:+.1%}",
                scaled(energy / found.period_ns * 1e-3, "W"),
                f"+{scaled(added * 1e-9, 's')}" if added else "",
                _WORDS[policy],
            ]
        )
    headings = ["policy", "energy", "over clock", "power", "latency", "what it does"]
    return Grid(headings, rows, ("policy", "what it does"), drop=("power",), shorten="what it does", cut_end=True)


def _units(found: GatingResult) -> Grid:
    rows: list[list[str]] = []
    for unit in found.units:
        of_block = [
            unit.name,
            scaled(unit.leakage_mw * 1e-3, "W"),
            *(scaled(unit.savings[policy].energy_pj * 1e-12, "J") for policy in POLICIES[2:]),
        ]
        for mode, even, wake in modes_of(unit):
            shares = map(percent, idle_shares(unit, found.period_ns, mode))
            name, leaks, detected, foreseen = of_block
            rows.append(
                [
                    name,
                    mode,
                    leaks,
                    *shares,
                    "never" if not np.isfinite(even) else scaled(even * 1e-9, "s"),
                    scaled(wake * 1e-9, "s"),
                    detected,
                    foreseen,
                ]
            )
            of_block = [""] * 4
    headings = [
        "block",
        "mode",
        "leakage",
        "idle",
        "idle beyond break-even",
        "break-even",
        "wake-up",
        "saved by idle detection",
        "oracle",
    ]
    legend = {
        "leakage": "leakage power of the whole block; of the DRAM, its standby power",
        "idle": "share of the period in which this mode can be entered",
        "idle beyond break-even": "share of that time in intervals longer than the break-even time",
        "break-even": "shortest time off that saves energy",
        "wake-up": "time to wake up",
        "oracle": "energy that the oracle saves",
    }
    return Grid(headings, rows, ("block", "mode"), drop=("wake-up", "leakage"), legend=legend)


def modes_of(unit: GatedBlock) -> list[tuple[str, float, float]]:
    """Each way of being off, with its break-even and wake-up times; those of a unit's parts are alike."""
    found: dict[str, tuple[str, float, float]] = {}
    for block in unit.blocks:
        for mode in block.modes:
            found.setdefault(mode.name, (mode.name, mode.break_even_ns(block), mode.wake_ns))
    return list(found.values())


def idle_shares(unit: GatedBlock, period_ns: float, mode: str) -> tuple[float, float]:
    """Share of the period that blocks with a mode idle, by their leakage, and of that what exceeds its break-even."""
    idle = long = 0.0
    for block in unit.blocks:
        for each in block.modes:
            if each.name == mode:
                lengths = block.idle_ns
                idle += block.leakage_mw * float(lengths.sum())
                long += block.leakage_mw * float(lengths[lengths >= each.break_even_ns(block)].sum())
    total = unit.leakage_mw * period_ns
    return idle / total if total else 0.0, long / idle if idle else 0.0


def gating_record(found: GatingResult, about: dict[str, Any]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        **about,
        "period_ms": found.period_ns * 1e-6,
        "latency_ms": found.active_ns * 1e-6,
        "policies": [
            {
                "policy": policy,
                "energy_uj": found.energy_pj(policy) * 1e-6,
                "average_power_mw": found.energy_pj(policy) / found.period_ns,
                "saved_uj": (found.base_pj - found.energy_pj(policy)) * 1e-6,
                "added_latency_us": found.added_ns(policy) * 1e-3,
            }
            for policy in POLICIES
        ],
        "blocks": [_unit(unit, found.period_ns) for unit in found.units],
        "notes": found.notes,
    }


def _unit(unit: GatedBlock, period_ns: float) -> dict[str, Any]:
    modes = []
    for name, even, wake in modes_of(unit):
        share, above = idle_shares(unit, period_ns, name)
        modes.append(
            {
                "mode": name,
                "break_even_ns": even if np.isfinite(even) else None,
                "wake_ns": wake,
                "idle_share": share,
                "idle_share_beyond_break_even": above,
            }
        )
    return {
        "block": unit.name,
        "leakage_mw": unit.leakage_mw,
        "clock_mw": unit.clock_mw,
        "modes": modes,
        "saved_uj": {policy: saving.energy_pj * 1e-6 for policy, saving in unit.savings.items()},
        "intervals_off": {policy: saving.intervals for policy, saving in unit.savings.items()},
        "added_latency_us": unit.savings["idle-detect"].added_ns * 1e-3,
    }


def gating_image(found: GatingResult, title: str, suffix: str = ".svg") -> bytes:
    """Idle time by the length of its intervals, a row for each block, with its break-even times."""
    units = [unit for unit in found.units if any(len(block.idle) and block.modes for block in unit.blocks)]
    with style():
        from matplotlib.figure import Figure

        height = _FRAME_INCHES + _ROW_INCHES * max(len(units), 1)
        picture = Figure(figsize=(INCHES_WIDE, height), layout="constrained")
        picture.suptitle(title, x=0.01, ha="left", fontsize=9.5, color=INK)
        rows = picture.subplots(max(len(units), 1), 1, sharex=True, squeeze=False)[:, 0]
        lengths = [block.idle_ns for unit in units for block in unit.blocks if block.modes and len(block.idle)]
        everything = np.concatenate(lengths) if lengths else np.array([1.0, 10.0])
        low, high = np.floor(np.log10(everything.min())), np.ceil(np.log10(everything.max()) + 1e-9)
        edges = np.logspace(low, high, int((high - low) * BINS_A_DECADE) + 1)
        for axes, unit in zip(rows, units, strict=False):
            _row(axes, unit, edges, found.period_ns)
        rows[-1].set_xlabel("length of an idle interval; dashed: break-even times")
        rows[-1].xaxis.set_major_formatter(lambda value, _: scaled(value * 1e-9, "s").replace("u", "µ"))
        picture.supylabel("share of the period, by leakage [%]", fontsize=8.5)
        return image(picture, suffix, {})


def _row(axes: Axes, unit: GatedBlock, edges: np.ndarray, period_ns: float) -> None:
    heights, gained = np.zeros(edges.size - 1), np.zeros(edges.size - 1)
    evens: dict[str, float] = {}
    for block in unit.blocks:
        if not block.modes or not len(block.idle):
            continue
        lengths = block.idle_ns
        weights = 100 * block.leakage_mw * lengths / (unit.leakage_mw * period_ns)
        heights += np.histogram(lengths, edges, weights=weights)[0]
        first = min(mode.break_even_ns(block) for mode in block.modes)
        gained += np.histogram(lengths[lengths >= first], edges, weights=weights[lengths >= first])[0]
        evens |= {mode.name: mode.break_even_ns(block) for mode in block.modes}
    axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=IDLE, linewidth=0)
    axes.bar(edges[:-1], gained, np.diff(edges), align="edge", color=GAINED, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    for line, (name, even) in enumerate(sorted(evens.items(), key=lambda pair: -pair[1])):
        if edges[0] <= even <= edges[-1]:
            axes.axvline(even, color=LINE, linewidth=1, linestyle="--")
            told = f"{name} {scaled(even * 1e-9, 's').replace('u', 'µ')}"
            axes.annotate(
                told,
                (even, 1),
                xycoords=("data", "axes fraction"),
                xytext=(3, -2 - 9 * line),
                textcoords="offset points",
                va="top",
                fontsize=SMALL,
                color=LINE,
            )
    saved = unit.savings["oracle"].energy_pj
    axes.set_title(
        f"{unit.name}: idle {unit.idle_ns / period_ns:.0%}, oracle saves {scaled(saved * 1e-12, 'J')}",
        loc="left",
        fontsize=SMALL + 0.6,
        color=INK,
        pad=2,
    )
    axes.set_ylim(0, 1.15 * max(heights.max(initial=0.0), 1e-9))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color=GREY, linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)


def write_gating(folder: Path, record: dict[str, Any], picture: bytes) -> list[Path]:
    """gating.json and the figure."""
    paths = [folder / name for name in GATING_FILES]
    contents: tuple[str | bytes, ...] = (format_json(record), picture)
    for path, content in zip(paths, contents, strict=True):
        write_file(path, content)
    return paths
