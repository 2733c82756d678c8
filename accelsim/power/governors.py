"""Governors: the operating point at which each layer of a network runs, and the time and energy of a period then.

From the end of an inference to the end of the period the machine idles: at the lowest voltage, with all of it leaking
and the DRAM's banks closed, unless another idle power is stated. pJ = mW x ns throughout.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import OperatingPoint
from accelsim.power.operating_point_search import Choices, Front, find_front, find_lower_bound_pj, sum_schedule

EXACT = 1e-12  # relative difference between sums of the same times in another order
Governor = Literal["fixed", "race-to-idle", "slowest", "least energy", "per layer"]


class PointRun(NamedTuple):
    """A network at one operating point."""

    point: OperatingPoint
    time_ns: tuple[float, ...]  #: of each layer
    energy_pj: tuple[float, ...]  #: of each layer
    parts_pj: dict[str, float]  #: energy of all layers by component
    static_mw: float  #: power that the machine draws whether or not anything runs

    @property
    def total_ns(self) -> float:
        """Time of all layers."""
        return math.fsum(self.time_ns)

    @property
    def total_pj(self) -> float:
        """Energy of all layers."""
        return math.fsum(self.energy_pj)


class Period(NamedTuple):
    """The time that an inference may take, and what follows it."""

    deadline_ns: float
    idle_mw: float  #: power from the end of an inference to its deadline; 0 where the next one follows at once
    transition_ns: float  #: time of a change of operating points, in which nothing runs
    transition_pj: float  #: energy of such a change, leakage not included
    repeats: bool = True  #: an inference starts at every deadline; else the next one follows at once


class Governed(NamedTuple):
    """A governor's choice, and what one period takes with it."""

    name: Governor
    points: tuple[int, ...]  #: the operating point of each layer, by its place among the runs
    active_ns: float  #: time of the inference, changes of points included
    active_pj: float  #: energy of the inference, changes of points included
    idle_pj: float  #: energy from the end of the inference to the end of the period
    transitions: int  #: changes of points

    @property
    def total_pj(self) -> float:
        """Energy of the whole period."""
        return self.active_pj + self.idle_pj


class Governors(NamedTuple):
    """The choices of all governors on one network."""

    choices: list[Governed]
    front: Front  #: per-layer schedules within the deadline; their energies are those beyond idling for the same time
    bound_pj: float  #: lower bound on the energy of a period, whatever the per-layer schedule


def govern(runs: list[PointRun], period: Period) -> Governors:
    """Let every governor choose among the runs of a network, which are in the order of ascending voltages.

    ``fixed`` stays at the highest voltage, at which the rest of the period leaks as well. ``race-to-idle`` runs at the
    fastest point, ``slowest`` at the slowest that meets the deadline, ``least energy`` at the one of least energy in a
    period, and ``per layer`` chooses a point for each layer. Where the next inference follows at once there is nothing
    to race for, and ``race-to-idle`` is left out; so are ``slowest`` and ``least energy`` where no single point meets
    the deadline.

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
    """The point at which the network is fastest, by its place. Raises: UserError where no schedule is fast enough."""
    fastest = min(range(len(runs)), key=lambda p: (runs[p].total_ns, p))
    least = min(runs[fastest].total_ns, sum_schedule(_choices(runs, period), _quickest(runs, period))[1])
    if least > period.deadline_ns * (1 + EXACT):
        hint = f"the fastest possible is {least * 1e-6:.6g} ms"
        one = runs[fastest].total_ns
        hint += f", at {runs[fastest].point}" if one == least else f" ({one * 1e-6:.6g} ms at {runs[fastest].point})"
        raise UserError(f"deadline: {period.deadline_ns * 1e-6:.6g} ms cannot be met; {hint}")
    return fastest


def _quickest(runs: list[PointRun], period: Period) -> list[int]:
    """The per-layer schedule of least time."""
    front = find_front(_choices(runs, period)._replace(energy_pj=np.zeros((len(runs[0].time_ns), len(runs)))))
    return [int(p) for p in front.points[0]]


def _fixed(name: Governor, runs: list[PointRun], point: int, period: Period, idle_mw: float) -> Governed:
    """The choice of one point for all layers."""
    run = runs[point]
    idle = max(0.0, period.deadline_ns - run.total_ns) * idle_mw
    return Governed(name, (point,) * len(run.time_ns), run.total_ns, run.total_pj, idle, 0)


def _choices(runs: list[PointRun], period: Period) -> Choices:
    """Times and energies of layers and changes; during a change the higher of both points' leakage goes on."""
    time = np.array([run.time_ns for run in runs]).T
    energy = np.array([run.energy_pj for run in runs]).T
    static = np.array([run.static_mw for run in runs])
    apart = 1.0 - np.eye(len(runs))
    change_ns = apart * period.transition_ns
    change_pj = apart * period.transition_pj + np.maximum(static[:, None], static) * change_ns
    return Choices(time, energy, change_ns, change_pj)


def _per_layer(runs: list[PointRun], period: Period) -> tuple[Governed, Front, float]:
    """The schedule of least energy over the period, the front of schedules, and the lower bound.

    Time at work replaces idle time, so each layer is charged its energy beyond idling for as long.
    """
    real = _choices(runs, period)
    beyond_idling = real._replace(
        energy_pj=real.energy_pj - period.idle_mw * real.time_ns,
        change_pj=real.change_pj - period.idle_mw * real.change_ns,
    )
    front = find_front(beyond_idling, period.deadline_ns)
    best = int(front.energy_pj.argmin())
    path = [int(p) for p in front.points[best]]
    energy, time = sum_schedule(real, path)
    idle = max(0.0, period.deadline_ns - time) * period.idle_mw
    transitions = sum(a != b for a, b in pairwise(path))
    bound = find_lower_bound_pj(beyond_idling, period.deadline_ns) + period.idle_mw * period.deadline_ns
    return Governed("per layer", tuple(path), time, energy, idle, transitions), front, bound
