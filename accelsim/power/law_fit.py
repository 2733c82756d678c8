"""Laws of clock and power, fitted to measured points of silicon.

Power of a task: P = C V^2 f + P0 s(V). Every task switches a capacitance C of its own; the static power P0 is the
chip's, and so is its law s, a Leakage. Clock: f = k (V - Vth)^alpha / V, the highest at a voltage, an AlphaPower.

Errors are relative, so that each point counts alike. Given b, power is linear in C and P0, which follow by least
squares; given Vth, the clock is linear in log k and alpha, which follow from the least largest error, since a clock's
voltage is off by no more than a step of its regulator. One unknown of each is searched for. What the points do not
tell is None: a search whose best is no better than its ends, columns that are made of one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from accelsim.hardware.laws import AlphaPower, Leakage
from accelsim.power.measured_points import MeasuredPoint

PER_V = (-2.0, 20.0)  # where b is searched: a current that falls with the voltage, one that grows 7 times in 0.1 V
SCANNED, REFINED = 241, 60  # places of the first search, and steps of the second
POWER_NO_WORSE = 2e-4  # root mean square of relative errors that is too little to tell two fits of power apart
CLOCK_NO_WORSE = 5e-3  # the same of the largest error of clocks: regulators have steps of one or two percent
_RANK = 1e-9  # singular value over the largest, below which columns are made of one another


class PowerLaw(NamedTuple):
    """What fitted points say of power; None for what they do not tell."""

    switched_pf: dict[str, float | None]  #: by task
    static_mw: float | None  #: at the reference voltage; where per_v is None, with a current that is constant
    reference_v: float
    per_v: float | None
    predict: Callable[[str, float, float], float | None]  #: task, V, MHz -> W


class FittedClock(NamedTuple):
    """What fitted points say of the clock."""

    law: AlphaPower | None
    threshold_range_v: tuple[float, float] | None  #: of fits that are as good, within CLOCK_NO_WORSE
    alpha_range: tuple[float, float] | None


class Scored(NamedTuple):
    """A point beside what the law says; None where it says nothing."""

    point: MeasuredPoint
    measured: float
    fitted: float | None
    left_out: float | None  #: the same of the law fitted without the point

    @property
    def error_percent(self) -> float | None:
        """Of the fit."""
        return None if self.fitted is None else 100 * (self.fitted / self.measured - 1)

    @property
    def left_out_error_percent(self) -> float | None:
        """Of the fit without the point."""
        return None if self.left_out is None else 100 * (self.left_out / self.measured - 1)


def fit_power(points: Sequence[MeasuredPoint]) -> PowerLaw:
    """The law of points that all have watts."""
    tasks = sorted({point.task for point in points})
    reference = max(point.volt for point in points)
    measured = np.array([point.watts for point in points], dtype=float)
    switching = np.array([point.volt**2 * point.mhz * 1e-6 for point in points])  # W for 1 pF
    columns = np.array([[point.task == task for task in tasks] for point in points]) * switching[:, None]

    def design(per_v: float) -> Any:
        static = [Leakage(reference, per_v).times(point.volt) for point in points]
        return np.column_stack((columns, static)) / measured[:, None]

    def misfit(per_v: float) -> float:
        a = design(per_v)
        return float(np.sqrt(np.mean((a @ _nonnegative(a) - 1) ** 2)))

    per_v, told = 0.0, False
    static_told = _rank(design(0.0)) == len(tasks) + 1
    if static_told:
        best, (low, high) = _search(misfit, *PER_V, POWER_NO_WORSE)
        told = low > PER_V[0] and high < PER_V[1] and _nonnegative(design(best))[-1] > 0
        per_v = best if told else 0.0
    a = design(per_v) if static_told else design(per_v)[:, :-1]
    x = _nonnegative(a)
    switched = dict(zip(tasks, x[: len(tasks)].tolist(), strict=True))
    law, static_w = Leakage(reference, per_v), float(x[-1]) if static_told else 0.0

    def predict(task: str, volt: float, mhz: float) -> float | None:
        if task not in switched:
            return None
        return float(switched[task]) * volt**2 * mhz * 1e-6 + static_w * law.times(volt)

    return PowerLaw(
        {task: pf if static_told else None for task, pf in switched.items()},
        1e3 * static_w if static_told else None,
        reference,
        per_v if told else None,
        predict,
    )


def fit_clock(points: Sequence[tuple[float, float]], floor: tuple[float, float] | None = None) -> FittedClock:
    """The law of the highest clocks in MHz at three or more voltages; floor is a clock that its voltage reaches."""
    if len({volt for volt, _ in points}) < 3:
        return FittedClock(None, None, None)
    lowest = min(volt for volt, _ in [*points, *([floor] if floor else [])])

    def fitted(threshold: float) -> tuple[AlphaPower, float]:
        law = _law_at(points, threshold)
        if floor and law.frequency_mhz(floor[0]) < floor[1]:  # the chip does better: it is one of the law's points
            law = _law_at([*points, floor], threshold)
        return law, max(abs(law.frequency_mhz(volt) / mhz - 1) for volt, mhz in points)

    best, (low, high) = _search(lambda threshold: fitted(threshold)[1], 0.0, lowest * (1 - 1e-6), CLOCK_NO_WORSE)
    alphas = [fitted(threshold)[0].alpha for threshold in np.linspace(low, high, 9)]
    return FittedClock(fitted(best)[0], (low, high), (min(alphas), max(alphas)))


def _law_at(points: Sequence[tuple[float, float]], threshold: float) -> AlphaPower:
    """log(f V) = log k + alpha log(V - Vth), as a line of the least largest error: parallel to one through two points.

    That is an edge of the points' convex hull, and the farthest point lies on the other side.
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
    """The points' clocks, sorted out: distinct, the highest at each voltage."""

    used: list[tuple[float, float]]  #: V, MHz; off the plateau
    floor: tuple[float, float] | None  #: at the lowest voltage, if it has several: no lower one was tried
    slower: set[tuple[float, float]]  #: than another at their voltage


def sort_clocks(points: Sequence[MeasuredPoint]) -> Clocks:
    """Which points tell of the highest clock at a voltage.

    Of several clocks at one voltage the highest does. At the lowest voltage of all, several clocks show that the
    regulator goes no lower: the highest is one that the law must reach, but need not stop at.
    """
    pairs = sorted({(point.volt, point.mhz) for point in points})
    by_volt = {volt: [mhz for _, mhz in group] for volt, group in groupby(pairs, key=lambda pair: pair[0])}
    top = [(volt, max(clocks)) for volt, clocks in by_volt.items()]
    floor = top[0] if len(top) > 1 and len(by_volt[top[0][0]]) > 1 else None
    used = top[1:] if floor else top
    return Clocks(used, floor, set(pairs) - set(top))


def score_power(points: Sequence[MeasuredPoint], law: PowerLaw) -> list[Scored]:
    """Every point with its fitted power, and that of the law without it where the others still tell."""
    scored = []
    for number, point in enumerate(points):
        rest = [*points[:number], *points[number + 1 :]]
        without = fit_power(rest) if point.task in {other.task for other in rest} else None
        told = without is not None and without.static_mw is not None
        left_out = without.predict(point.task, point.volt, point.mhz) if without and told else None
        measured = point.watts or 0.0
        scored.append(Scored(point, measured, law.predict(point.task, point.volt, point.mhz), left_out))
    return scored


def score_clock(points: Sequence[MeasuredPoint], clocks: Clocks, law: FittedClock) -> list[Scored]:
    """Every distinct point off the plateau, with its fitted clock, and that of the law without it."""
    first = {(point.volt, point.mhz): point for point in reversed(points)}
    scored = []
    for pair in clocks.used:
        rest = fit_clock([other for other in clocks.used if other != pair], clocks.floor).law
        fitted, left_out = (each.frequency_mhz(pair[0]) if each else None for each in (law.law, rest))
        scored.append(Scored(first[pair], pair[1], fitted, left_out))
    return scored


def _rank(a: np.ndarray) -> int:
    """Columns that are not made of others, whatever their units."""
    return int(np.linalg.matrix_rank(a / np.linalg.norm(a, axis=0), tol=_RANK))


def _nonnegative(a: np.ndarray) -> np.ndarray:
    """Least squares of a x = 1 with no x below 0 (Lawson and Hanson, Solving Least Squares Problems, 1974, ch. 23)."""
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
    """Where a misfit is least, and between which places it is not worse by more than so much."""
    places = np.linspace(low, high, SCANNED)
    found = np.array([misfit(float(place)) for place in places])
    middle = int(found.argmin())
    best = _golden(misfit, float(places[max(middle - 1, 0)]), float(places[min(middle + 1, SCANNED - 1)]))
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
    """Between a place where a misfit is at most so much and one where it is more: the last where it is not."""
    for _ in range(REFINED):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if misfit(middle) <= most else (inside, middle)
    return inside


def _golden(misfit: Callable[[float], float], low: float, high: float) -> float:
    """The least place between two, by golden section."""
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = misfit(left), misfit(right)
    for _ in range(REFINED):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = misfit(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = misfit(right)
    return (low + high) / 2
