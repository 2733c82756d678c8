"""Fitted points of silicon in words, and as operating points for a hardware file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.power.law_fit import Scored
from accelsim.report.text import Facts, Grid, Paragraph, figure, plain_number, scaled
from accelsim.studies.dvfs_fit import DvfsFit

_UNKNOWN = "not told by these points"


def dvfs_fit_report(silicon: DvfsFit) -> RenderableType:
    """All that ``accelsim dvfs-fit`` shows."""
    chip = f"{len(silicon.points)} points of {silicon.source}"
    lines: list[RenderableType] = [Paragraph(chip, style="bold")]
    lines += [Paragraph(f"note: {note}", hanging=6) for note in silicon.notes]
    lines += [Text(""), Facts(_parameters(silicon))]
    if silicon.power_scores:
        lines += [Text(""), Text("power", style="bold"), _power(silicon.power_scores), *_summed(silicon.power_scores)]
    if silicon.clock.law:
        lines += [Text(""), Text("clock", style="bold"), _clock(silicon.clock_scores), *_summed(silicon.clock_scores)]
    return Group(*lines)


def operating_points_yaml(silicon: DvfsFit) -> str:
    """The highest clocks as a hardware file's ``operating_points``."""
    lines = [f"operating_points:  # {silicon.source}: the highest clock at each voltage"]
    pairs = ((plain_number(f"{volt:.6f}"), plain_number(f"{mhz:.6f}")) for volt, mhz in silicon.operating_points)
    lines += [f"  - {{voltage_v: {volt}, clock_mhz: {mhz}}}" for volt, mhz in pairs]
    return "\n".join(lines) + "\n"


def _parameters(silicon: DvfsFit) -> list[tuple[str, str, str]]:
    rows, power, clock = [], silicon.power, silicon.clock
    if power:
        for task, pf in power.switched_pf.items():
            name = f"C {task}".strip()
            rows.append((name, _UNKNOWN if pf is None else scaled(pf * 1e-12, "F"), "switched a cycle: P = C V^2 f"))
        static = _UNKNOWN if power.static_mw is None else scaled(power.static_mw * 1e-3, "W")
        rows.append(("P0", static, f"static power at {power.reference_v:g} V"))
        law = f"P0 V / {power.reference_v:g} V x exp(b (V - {power.reference_v:g} V))"
        rows.append(("b", _UNKNOWN if power.per_v is None else f"{figure(power.per_v)} /V", law))
    if clock.law is None:
        rows += [(name, _UNKNOWN, "") for name in ("k", "Vth", "alpha")]
        return rows
    (v_low, v_high), (a_low, a_high) = clock.threshold_range_v or (0, 0), clock.alpha_range or (0, 0)
    rows += [
        ("k", f"{figure(clock.law.k_mhz, 4)} MHz", "f = k (V - Vth)^alpha / V, volts as numbers"),
        ("Vth", f"{clock.law.threshold_v:.3f} V", f"{v_low:.3f} to {v_high:.3f} V fit nearly as well"),
        ("alpha", f"{clock.law.alpha:.3f}", f"{a_low:.2f} to {a_high:.2f}"),
    ]
    return rows


def _power(scores: Sequence[Scored]) -> Grid:
    rows = [
        [
            score.point.task,
            f"{score.point.volt:g}",
            f"{score.point.mhz:g}",
            scaled(score.measured, "W"),
            *_told(score, "W", 1.0),
        ]
        for score in scores
    ]
    return Grid(["task", "V", "MHz", "measured", "fitted", "error", "left out"], rows, ("task",), legend=_LEGEND)


def _clock(scores: Sequence[Scored]) -> Grid:
    rows = [[f"{score.point.volt:g}", f"{score.point.mhz:g}", *_told(score, "Hz", 1e6)] for score in scores]
    return Grid(["V", "MHz", "fitted", "error", "left out"], rows, (), legend=_LEGEND)


_LEGEND = {"left out": "error at the point of a fit to the others; empty where they tell too little"}


def _told(score: Scored, unit: str, factor: float) -> list[str]:
    errors = (score.error_percent, score.left_out_error_percent)
    fitted = "" if score.fitted is None else scaled(score.fitted * factor, unit)
    return [fitted, *("" if error is None else f"{error:+.2f}%" for error in errors)]


def _summed(scores: Sequence[Scored]) -> list[Paragraph]:
    lines = []
    for name, errors in (
        ("error", [score.error_percent for score in scores]),
        ("left out", [score.left_out_error_percent for score in scores]),
    ):
        sizes = [abs(error) for error in errors if error is not None]
        if sizes:
            lines.append(Paragraph(f"{name}: {sum(sizes) / len(sizes):.2f}% on average, {max(sizes):.2f}% at most"))
    return lines
