"""Duty cycles in words, as a file and as data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.config.files import format_json, write_file
from accelsim.power.dutycycle import HOUR_S, Battery, Cycle
from accelsim.report.text import Facts, Grid, Paragraph, figure, percent, scaled
from accelsim.studies.dutycycle import DutyCycle

DUTYCYCLE_FILES = ("dutycycle.json",)
YEAR_DAYS = 365.25


def dutycycle_report(found: DutyCycle, title: str) -> RenderableType:
    """All that ``accelsim dutycycle`` shows."""
    cycle = found.cycle
    lines: list[RenderableType] = [Paragraph(title, hanging=2, style="bold")]
    lines += [Paragraph(f"note: {note}", hanging=6) for note in found.notes]
    if len(found.work.stages) > 1:
        lines += [Text(""), Text("cascade", style="bold"), _stages(found)]
    lines += [Text(""), Text(_heading(found), style="bold"), _parts(found)]
    lines += [Text(""), Facts(_facts(found, cycle))]
    if found.others:
        lines += [Text(""), Text("other periods", style="bold"), _others(found)]
    return Group(*lines)


def part(share: float) -> str:
    """A share in percent, with two digits however small."""
    return f"{figure(100 * share, 2)}%" if 0 < share < 0.0005 else percent(share)


def span(seconds: float) -> str:
    """A time in seconds, minutes or hours."""
    if seconds < 60:
        return scaled(seconds, "s")
    return f"{figure(seconds / 60)} min" if seconds < HOUR_S else f"{figure(seconds / HOUR_S)} h"


def _heading(found: DutyCycle) -> str:
    if found.watch is None:
        return f"a period of {span(found.cycle.period_s)}"
    return f"an hour with {figure(found.watch.wakes_per_hour)} wake-ups"


def _stages(found: DutyCycle) -> Grid:
    rows = [
        [
            stage.inference.name,
            percent(chance),
            percent(stage.answers),
            scaled(stage.inference.seconds, "s"),
            scaled(stage.inference.mj * 1e-3, "J"),
            scaled(chance * stage.inference.mj * 1e-3, "J"),
        ]
        for chance, stage in zip(found.work.reached, found.work.stages, strict=True)
    ]
    return Grid(["network", "runs", "answers", "latency", "energy", "expected"], rows, ("network",), shorten="network")


def _parts(found: DutyCycle) -> Grid:
    cycle, total = found.cycle, found.cycle.mj or 1.0
    resting = "asleep" if cycle.sleeps else "idle, cheaper than sleeping"
    named = [
        ("at work", cycle.active_s, cycle.active_mj),
        ("waking", cycle.wake_s, cycle.wake_mj),
        (resting, cycle.rest_s, cycle.rest_mj),
    ]
    if found.watch is not None:
        named.append(("detector, all the time", cycle.period_s, cycle.watching_mj))
    rows = [
        [name, span(seconds), part(seconds / cycle.period_s), scaled(mj * 1e-3, "J"), part(mj / total)]
        for name, seconds, mj in named
    ]
    return Grid(["part", "time", "share of time", "energy", "share of energy"], rows, ("part",))


def _facts(found: DutyCycle, cycle: Cycle) -> list[tuple[str, str, str]]:
    rest, work = found.rest, found.work
    facts = [
        ("average power", scaled(cycle.average_mw * 1e-3, "W"), f"duty {part(cycle.duty)}"),
        (
            "latency",
            scaled(work.seconds + cycle.sleeps * rest.wake_s, "s"),
            "expected, waking included; at worst " + scaled(work.worst_seconds + cycle.sleeps * rest.wake_s, "s"),
        ),
        (
            "idle, asleep",
            f"{scaled(rest.idle_mw * 1e-3, 'W')}, {scaled(rest.sleep_mw * 1e-3, 'W')}",
            "between inferences",
        ),
        (
            "break-even",
            span(rest.break_even_s) if math.isfinite(rest.break_even_s) else "never",
            "the shortest gap for which sleeping pays",
        ),
    ]
    if found.watch is not None:
        watch = found.watch
        told = f"{watch.events_per_hour:g} events an hour, {percent(watch.hit)} of them seen,"
        told += f" {watch.false_alarms_per_hour:g} false alarms"
        facts.append(("detector", scaled(watch.power_mw * 1e-3, "W"), told))
    if found.battery is not None:
        facts.append(("battery life", life(found.battery, cycle), _battery(found.battery)))
    return facts


def life(battery: Battery, cycle: Cycle) -> str:
    """Days, or years where they are many."""
    days = battery.days(cycle.average_mw)
    if not math.isfinite(days):
        return "for ever"
    return f"{figure(days / YEAR_DAYS)} years" if days > 2 * YEAR_DAYS else f"{figure(days)} days"


def _battery(battery: Battery) -> str:
    return (
        f"{battery.mah:g} mAh at {battery.volt:g} V, {percent(battery.usable)} of it usable,"
        f" {percent(battery.self_discharge_per_month)} a month lost by itself"
    )


def _others(found: DutyCycle) -> Grid:
    headings = ["period", "duty", "between", "average power"] + ["battery life"] * (found.battery is not None)
    rows = []
    for cycle in found.others:
        row = [
            span(cycle.period_s),
            part(cycle.duty),
            "asleep" if cycle.sleeps else "idle",
            scaled(cycle.average_mw * 1e-3, "W"),
        ]
        rows.append(row + ([life(found.battery, cycle)] if found.battery is not None else []))
    return Grid(headings, rows, ("between",))


def dutycycle_record(found: DutyCycle, about: dict[str, Any]) -> dict[str, Any]:
    """The same as plain data."""
    rest, work = found.rest, found.work
    return {
        **about,
        "stages": [
            {
                "network": stage.inference.name,
                "reached": chance,
                "answers": stage.answers,
                "latency_ms": stage.inference.seconds * 1e3,
                "energy_uj": stage.inference.mj * 1e3,
            }
            for chance, stage in zip(work.reached, work.stages, strict=True)
        ],
        "latency_ms": work.seconds * 1e3,
        "worst_latency_ms": work.worst_seconds * 1e3,
        "energy_uj": work.mj * 1e3,
        "worst_energy_uj": work.worst_mj * 1e3,
        "idle_mw": rest.idle_mw,
        "sleep_mw": rest.sleep_mw,
        "wake_ms": rest.wake_s * 1e3,
        "wake_uj": rest.wake_mj * 1e3,
        "break_even_s": rest.break_even_s if math.isfinite(rest.break_even_s) else None,
        "battery": found.battery._asdict() if found.battery else None,
        "detector": found.watch._asdict() if found.watch else None,
        "wakes_per_hour": found.watch.wakes_per_hour if found.watch else None,
        "missed_events": 1 - found.watch.hit if found.watch else None,
        "cycle": _cycle(found.cycle, found.battery),
        "other_periods": [_cycle(cycle, found.battery) for cycle in found.others],
        "notes": found.notes,
    }


def _cycle(cycle: Cycle, battery: Battery | None) -> dict[str, Any]:
    days = battery.days(cycle.average_mw) if battery else None
    return {
        "period_s": cycle.period_s,
        "sleeps": cycle.sleeps,
        "duty": cycle.duty,
        "average_power_mw": cycle.average_mw,
        "energy_uj": cycle.mj * 1e3,
        "energy_uj_by_part": {
            "active": cycle.active_mj * 1e3,
            "wake": cycle.wake_mj * 1e3,
            "rest": cycle.rest_mj * 1e3,
            "detector": cycle.watching_mj * 1e3,
        },
        "seconds_by_part": {"active": cycle.active_s, "wake": cycle.wake_s, "rest": cycle.rest_s},
        "inferences_per_hour": HOUR_S / cycle.period_s,
        "battery_days": days if days is not None and math.isfinite(days) else None,
    }


def write_dutycycle(folder: Path, record: dict[str, Any]) -> list[Path]:
    """dutycycle.json."""
    path = folder / DUTYCYCLE_FILES[0]
    write_file(path, format_json(record))
    return [path]
