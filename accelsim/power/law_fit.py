"""Laws of clock and power, fitted to measured points of silicon.

Power of a task: P = C V^2 f + P0 s(V). Each task switches a capacitance C of its own; the static power P0 and its law
s, a ``Leakage``, are the chip's. Highest clock at a voltage: f = k (V - Vth)^alpha / V, an ``AlphaPower``.

Errors are relative, so that each point counts alike. For a given b power is linear in C and P0, which follow by least
squares. For a given Vth the clock is linear in log k and alpha, which follow from the least largest error, since the
voltage of a clock is off by at most one step of its regulator. So one unknown of each law is searched for. A parameter
that the points cannot tell is None: where the best place of a search is no better than its ends, or where columns of
the system of equations depend on one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from accelsim.hardware.laws import AlphaPower, Leakage
from accelsim.power.measured_points import MeasuredPoint

PER_V = (-2.0, 20.0)  # range of b: from a current that falls with the voltage to one that grows 7 times in 0.1 V
_SCANNED, _REFINED = 241, 60  # places that a search tries first, and steps by which it refines the best
POWER_NO_WORSE = 2e-4  # two fits of power are equally good if their errors (root mean square) differ by no more
CLOCK_NO_WORSE = 5e-3  # the same for the largest error of clocks: regulators have steps of one or two percent
_RANK = 1e-9  # a singular value that is smaller, relative to the largest one, counts as 0


class PowerLaw(NamedTuple):
    """The law of power; a parameter is None where the points cannot tell it."""

    switched_pf: dict[str, float | None]  #: capacitance that each task switches in a cycle
    static_mw: float | None  #: P0, at the reference voltage; where per_v is None, of a current that is constant
    reference_v: float
    per_v: float | None  #: b of the leakage, 1/V
    predict: Callable[[str, float, float], float | None]  #: task, V, MHz -> W; None for an unknown task


class FittedClock(NamedTuple):
    """The law of the clock; all None where there are too few voltages."""

    law: AlphaPower | None
    threshold_range_v: tuple[float, float] | None  #: thresholds of fits that are equally good, within CLOCK_NO_WORSE
    alpha_range: tuple[float, float] | None  #: exponents of the same fits


class Scored(NamedTuple):
    """A measured power in W, or clock in MHz, beside what its law says; None where the law says nothing."""

    point: MeasuredPoint
    measured: float
    fitted: float | None
    left_out: float | None  #: what a law says that is fitted to all other points

    @property
    def error_percent(self) -> float | None:
        """Error of the fit at the point."""
        return None if self.fitted is None else 100 * (self.fitted / self.measured - 1)

    @property
    def left_out_error_percent(self) -> float | None:
        """Error at the point of a fit to all others."""
        return None if self.left_out is None else 100 * (self.left_out / self.measured - 1)


def fit_power(points: Sequence[MeasuredPoint]) -> PowerLaw:
    """Fit the law of power to points that all have a measured power."""
    tasks = sorted({point.task for point in points})
    reference = max(point.volt for point in points)
    measured = np.array([point.watts for point in points], dtype=float)
    switching = np.array([point.volt**2 * point.mhz * 1e-6 for point in points])  # W for 1 pF
    columns = np.array([[point.task == task for task in tasks] for point in points]) * switching[:, None]

    def design(per_v: float) -> Any:
        """Columns of the linear system for a given b, float64[points, tasks + 1]; its right-hand side is 1."""
        static = [Leakage(reference, per_v).times(point.volt) for point in points]
        return np.column_stack((columns, static)) / measured[:, None]

    def misfit(per_v: float) -> float:
        a = design(per_v)
        return float(np.sqrt(np.mean((a @ _nonnegative(a) - 1) ** 2)))

    per_v, law_known = 0.0, False
    static_known = _rank(design(0.0)) == len(tasks) + 1
    if static_known:
        best, (low, high) = _search(misfit, *PER_V, POWER_NO_WORSE)
        law_known = low > PER_V[0] and high < PER_V[1] and _nonnegative(design(best))[-1] > 0
        per_v = best if law_known else 0.0
    a = design(per_v) if static_known else design(per_v)[:, :-1]
    x = _nonnegative(a)
    switched = dict(zip(tasks, x[: len(tasks)].tolist(), strict=True))
    law, static_w = Leakage(reference, per_v), float(x[-1]) if static_known else 0.0

    def predict(task: str, volt: float, mhz: float) -> float | None:
        if task not in switched:
            return None
        return float(switched[task]) * volt**2 * mhz * 1e-6 + static_w * law.times(volt)

    return PowerLaw(
        {task: pf if static_known else None for task, pf in switched.items()},
        1e3 * static_w if static_known else None,
        reference,
        per_v if law_known else None,
        predict,
    )


def fit_clock(points: Sequence[tuple[float, float]], floor: tuple[float, float] | None = None) -> FittedClock:
    """Fit the law of the clock to pairs of V and the highest MHz there, at three or more voltages.

    ``floor`` is a pair whose voltage may reach a higher clock still: the law must reach at least this one.
    """
    if len({volt for volt, _ in points}) < 3:
        return FittedClock(None, None, None)
    lowest = min(volt for volt, _ in [*points, *([floor] if floor else [])])

    def fitted(threshold: float) -> tuple[AlphaPower, float]:
        """The law for a given threshold, and its largest relative error."""
        law = _law_at(points, threshold)
        if floor and law.frequency_mhz(floor[0]) < floor[1]:  # the chip does better, so the floor binds the law
            law = _law_at([*points, floor], threshold)
        return law, max(abs(law.frequency_mhz(volt) / mhz - 1) for volt, mhz in points)

    best, (low, high) = _search(lambda threshold: fitted(threshold)[1], 0.0, lowest * (1 - 1e-6), CLOCK_NO_WORSE)
    alphas = [fitted(threshold)[0].alpha for threshold in np.linspace(low, high, 9)]
    return FittedClock(fitted(best)[0], (low, high), (min(alphas), max(alphas)))


def _law_at(points: Sequence[tuple[float, float]], threshold: float) -> AlphaPower:
    """The law with a given threshold: log(f V) = log k + alpha log(V - Vth) is the line of the least largest error.

    It is parallel to an edge of the points' convex hull, half way to the farthest point on the other side.
    """
    volt, mhz = np.array(points).T
    x, y = np.log(volt - threshold), np.log(mhz * volt)
    first, second = np.triu_indices(len(x), 1)
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    offsets = y[:, None] - slopes * x[:, None]
    narrowest = int((offsets.max(axis=0) - offsets.min(axis=0)).argmin())
    log_k = (offsets[:, narrowest].max() + offsets[:, narrowest].min()) / 2
    return AlphaPower(float(np.exp(min(log_k, 700.0))), threshold, float(slopes[narrowest]))


class Clocks(NamedTuple):
    """Pairs of V and MHz of all points, sorted by what they say about the highest clock at a voltage."""

    used: list[tuple[float, float]]  #: the highest clock at each voltage, without the plateau
    floor: tuple[float, float] | None  #: the highest clock of the plateau; None where there is none
    slower: set[tuple[float, float]]  #: pairs with a higher clock at the same voltage


def sort_clocks(points: Sequence[MeasuredPoint]) -> Clocks:
    """Sort the clocks of points by what they say about the highest clock at a voltage.

    Of several clocks at one voltage only the highest counts. At the lowest voltage of all several clocks are a plateau:
    the regulator goes no lower, so that the law must reach the highest of them, and may exceed it.
    """
    pairs = sorted({(point.volt, point.mhz) for point in points})
    by_volt = {volt: [mhz for _, mhz in group] for volt, group in groupby(pairs, key=lambda pair: pair[0])}
    top = [(volt, max(clocks)) for volt, clocks in by_volt.items()]
    floor = top[0] if len(top) > 1 and len(by_volt[top[0][0]]) > 1 else None
    used = top[1:] if floor else top
    return Clocks(used, floor, set(pairs) - set(top))


def score_power(points: Sequence[MeasuredPoint], law: PowerLaw) -> list[Scored]:
    """Score every point: its power by the law, and by a law that is fitted to all other points, where they suffice."""
    scored = []
    for number, point in enumerate(points):
        rest = [*points[:number], *points[number + 1 :]]
        without = fit_power(rest) if point.task in {other.task for other in rest} else None
        suffice = without is not None and without.static_mw is not None
        left_out = without.predict(point.task, point.volt, point.mhz) if without and suffice else None
        measured = point.watts or 0.0
        scored.append(Scored(point, measured, law.predict(point.task, point.volt, point.mhz), left_out))
    return scored


def score_clock(points: Sequence[MeasuredPoint], clocks: Clocks, law: FittedClock) -> list[Scored]:
    """Score every distinct point off the plateau: its clock by the law, and by a law fitted to all other points."""
    first = {(point.volt, point.mhz): point for point in reversed(points)}
    scored = []
    for pair in clocks.used:
        rest = fit_clock([other for other in clocks.used if other != pair], clocks.floor).law
        fitted, left_out = (each.frequency_mhz(pair[0]) if each else None for each in (law.law, rest))
        scored.append(Scored(first[pair], pair[1], fitted, left_out))
    return scored


def _rank(a: np.ndarray) -> int:
    """Number of columns that do not depend on one another, whatever their units; a is float64[points, columns]."""
    return int(np.linalg.matrix_rank(a / np.linalg.norm(a, axis=0), tol=_RANK))


def _nonnegative(a: np.ndarray) -> np.ndarray:
    """Least squares of a x = 1 with no x below 0: float64[columns], for a float64[points, columns].

    Lawson and Hanson, Solving Least Squares Problems, 1974, ch. 23.
    """
    a = a / (scale := np.linalg.norm(a, axis=0))
    ones = np.ones(len(a))
    free: np.ndarray = np.zeros(a.shape[1], bool)
    x: np.ndarray = np.zeros(a.shape[1])
    for _ in range(3 * a.shape[1]):
        gradient = np.where(free, -np.inf, a.T @ (ones - a @ x))
        if gradient.max() <= 1e-12:
            break
        free[gradient.argmax()] = True
        while True:
            trial: np.ndarray = np.zeros_like(x)
            trial[free] = np.linalg.lstsq(a[:, free], ones, rcond=None)[0]
            if (trial[free] > 0).all():
                break
            blocked = free & (trial <= 0)
            step = (x[blocked] / (x[blocked] - trial[blocked])).min()
            x = x + step * (trial - x)
            free &= x > 1e-15
            x[~free] = 0
        x = trial
    return np.asarray(x / scale)


def _search(
    misfit: Callable[[float], float], low: float, high: float, no_worse: float
) -> tuple[float, tuple[float, float]]:
    """The place where a misfit is least, and the range around it where it is worse by ``no_worse`` at most."""
    places = np.linspace(low, high, _SCANNED)
    found = np.array([misfit(float(place)) for place in places])
    middle = int(found.argmin())
    best = _golden(misfit, float(places[max(middle - 1, 0)]), float(places[min(middle + 1, _SCANNED - 1)]))
    if misfit(best) > found[middle]:
        best = float(places[middle])
    most = misfit(best) + no_worse
    near = places[found <= most].tolist() or [best]
    below, above = places[places < near[0]], places[places > near[-1]]
    return best, (
        _edge(misfit, min(near[0], best), float(below[-1]), most) if below.size else low,
        _edge(misfit, max(near[-1], best), float(above[0]), most) if above.size else high,
    )


def _edge(misfit: Callable[[float], float], inside: float, outside: float, most: float) -> float:
    """The last place on the way from ``inside`` to ``outside`` where a misfit is not above ``most``."""
    for _ in range(_REFINED):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if misfit(middle) <= most else (inside, middle)
    return inside


def _golden(misfit: Callable[[float], float], low: float, high: float) -> float:
    """The place between two where a misfit is least, by golden section."""
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = misfit(left), misfit(right)
    for _ in range(_REFINED):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = misfit(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = misfit(right)
    return (low + high) / 2
