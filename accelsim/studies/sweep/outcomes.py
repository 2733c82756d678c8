"""What a point gives: the figures of a network on one machine, or the reason why there are none."""

from __future__ import annotations

from typing import Any, NamedTuple

POINT_FIGURES = ("total_cycles", "latency_ms", "energy_uj", "average_power_mw", "utilization")


class Outcome(NamedTuple):
    """Figures as in summary.json, or an error. What is not final is tried again when the sweep is resumed."""

    total_cycles: int | None = None
    latency_ms: float | None = None
    energy_uj: float | None = None
    average_power_mw: float | None = None
    utilization: float | None = None
    error: str = ""
    final: bool = True


def make_outcome(summary: dict[str, Any]) -> Outcome:
    """The figures of a run."""
    return Outcome(**{name: summary[name] for name in POINT_FIGURES})
