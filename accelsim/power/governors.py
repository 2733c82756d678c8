"""Governors: which operating point each layer of a network runs at, and what a period of it then takes.

pJ = mW x ns throughout. What follows an inference until the period ends is idle: at the lowest voltage, all of it
leaking, the DRAM with its banks closed, unless another power is stated.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import OperatingPoint
from accelsim.power.operating_point_search import Choices, Front, find_front, find_lower_bound_pj, sum_schedule

EXACT = 1e-12  # relative; of sums of the same times in another order


class PointRun(NamedTuple):
    """A network at one operating point."""

    point: OperatingPoint
    time_ns: tuple[float, ...]  #: of each layer
    energy_pj: tuple[float, ...]
    parts_pj: dict[str, float]  #: by component, of all layers
    static_mw: float  #: drawn whether or not anything runs

    @property
    def total_ns(self) -> float:
        """Of all layers."""
        return math.fsum(self.time_ns)

    @property
    def total_pj(self) -> float:
        """Of all layers."""
        return math.fsum(self.energy_pj)


class Period(NamedTuple):
    """What bounds and follows an inference."""

    deadline_ns: float
    idle_mw: float  #: until the deadline; 0 where the next inference follows at once
    transition_ns: float
    transition_pj: float
    repeats: bool = True  #: an inference starts every deadline; else the next one follows at once


class Governed(NamedTuple):
    """A governor's choice, and what one period takes under it."""

    name: str
    points: tuple[int, ...]  #: of each layer
    active_ns: float
    active_pj: float  #: changes of points included
    idle_pj: float
    transitions: int

    @property
    def total_pj(self) -> float:
        """Of the whole period."""
        return self.active_pj + self.idle_pj


class Governors(NamedTuple):
    """All of them on one network."""

    choices: list[Governed]
    front: Front  #: of per-layer schedules within the deadline, idle power taken off what a layer's time costs
    bound_pj: float  #: below which no per-layer schedule's period comes


def govern(runs: list[PointRun], period: Period) -> Governors:
    """Every governor on runs by ascending voltage.

    Raises: UserError where not even the fastest schedule meets the deadline.
    """
    fastest = _fastest(runs, period)
    choices = [_fixed("fixed", runs, len(runs) - 1, period, runs[-1].static_mw if period.repeats else 0.0)]
    if period.repeats:
        choices.append(_fixed("race-to-idle", runs, fastest, period, period.idle_mw))
    meeting = [p for p, run in enumerate(runs) if run.total_ns <= period.deadline_ns * (1 + EXACT)]
    if meeting:
        choices.append(_fixed("slowest", runs, meeting[0], period, period.idle_mw))
        singles = [_fixed("least energy", runs, p, period, period.idle_mw) for p in meeting]
        choices.append(min(singles, key=lambda choice: choice.total_pj))
    per_layer, front, bound = _per_layer(runs, period)
    return Governors([*choices, per_layer], front, bound)


def _fastest(runs: list[PointRun], period: Period) -> int:
    """The point at which the network is fastest."""
    fastest = min(range(len(runs)), key=lambda p: (runs[p].total_ns, p))
    least = min(runs[fastest].total_ns, sum_schedule(_choices(runs, period), _quickest(runs, period))[1])
    if least > period.deadline_ns * (1 + EXACT):
        told = f"the fastest possible is {least * 1e-6:.6g} ms"
        one = runs[fastest].total_ns
        told += f", at {runs[fastest].point}" if one == least else f" ({one * 1e-6:.6g} ms at {runs[fastest].point})"
        raise UserError(f"deadline: {period.deadline_ns * 1e-6:.6g} ms cannot be met; {told}")
    return fastest


def _quickest(runs: list[PointRun], period: Period) -> list[int]:
    """The per-layer schedule of least time."""
    front = find_front(_choices(runs, period)._replace(energy_pj=np.zeros((len(runs[0].time_ns), len(runs)))))
    return [int(p) for p in front.points[0]]


def _fixed(name: str, runs: list[PointRun], point: int, period: Period, idle_mw: float) -> Governed:
    run = runs[point]
    idle = max(0.0, period.deadline_ns - run.total_ns) * idle_mw
    return Governed(name, (point,) * len(run.time_ns), run.total_ns, run.total_pj, idle, 0)


def _choices(runs: list[PointRun], period: Period) -> Choices:
    """Times and energies of layers and changes; while points change, the higher one's leakage goes on."""
    time = np.array([run.time_ns for run in runs]).T
    energy = np.array([run.energy_pj for run in runs]).T
    static = np.array([run.static_mw for run in runs])
    apart = 1.0 - np.eye(len(runs))
    change_ns = apart * period.transition_ns
    change_pj = apart * period.transition_pj + np.maximum(static[:, None], static) * change_ns
    return Choices(time, energy, change_ns, change_pj)


def _per_layer(runs: list[PointRun], period: Period) -> tuple[Governed, Front, float]:
    """The schedule of least energy over the period: a layer's time spares as much idling."""
    real = _choices(runs, period)
    spared = real._replace(
        energy_pj=real.energy_pj - period.idle_mw * real.time_ns,
        change_pj=real.change_pj - period.idle_mw * real.change_ns,
    )
    front = find_front(spared, period.deadline_ns)
    best = int(front.energy_pj.argmin())
    path = [int(p) for p in front.points[best]]
    energy, time = sum_schedule(real, path)
    idle = max(0.0, period.deadline_ns - time) * period.idle_mw
    transitions = sum(a != b for a, b in pairwise(path))
    bound = find_lower_bound_pj(spared, period.deadline_ns) + period.idle_mw * period.deadline_ns
    return Governed("per layer", tuple(path), time, energy, idle, transitions), front, bound
