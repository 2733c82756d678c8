"""What a point of a sweep gives: the main figures of a network on a machine, or the reason why there are none."""

from __future__ import annotations

from typing import Any, NamedTuple

POINT_FIGURES = ("total_cycles", "latency_ms", "energy_uj", "average_power_mw", "utilization")


class Outcome(NamedTuple):
    """The figures of one point, named as in summary.json, or an error in words."""

    total_cycles: int | None = None
    latency_ms: float | None = None
    energy_uj: float | None = None
    average_power_mw: float | None = None
    utilization: float | None = None  #: 0 to 1
    error: str = ""  #: empty where there are figures
    final: bool = True  #: false: the point is tried again when the sweep is resumed


def make_outcome(summary: dict[str, Any]) -> Outcome:
    """Pick the figures of a point out of the summary of its run."""
    return Outcome(**{name: summary[name] for name in POINT_FIGURES})
