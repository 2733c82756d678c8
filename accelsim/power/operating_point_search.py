"""The search for an operating point of each layer: least energy within a time, exactly where that is feasible.

Layers run one after the other. A partial schedule is kept, for each point of its last layer, as long as no other one
ends at that point earlier and with less energy (dynamic programming over Pareto fronts; the problem is a
multiple-choice knapsack, Kellerer et al., Knapsack Problems, 2004, ch. 11). Where there are too many, some are dropped.
A lower bound, the Lagrangian dual (ibid., ch. 3.8), then says how far the best schedule found may be from the least.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_MOST_KEPT = 1500  # partial schedules for each layer and point
DUAL_STEPS = 80  # halvings in the search for the multiplier


class Choices(NamedTuple):
    """Time and energy of every layer at every point, and of a change from one point to another."""

    time_ns: np.ndarray  #: float64[layers, points]
    energy_pj: np.ndarray  #: float64[layers, points]
    change_ns: np.ndarray  #: float64[points, points], from and to; 0 on the diagonal
    change_pj: np.ndarray  #: float64[points, points], from and to; 0 on the diagonal


class Front(NamedTuple):
    """Schedules of which none is both slower and takes more energy than another, fastest first."""

    time_ns: np.ndarray  #: float64[schedules]
    energy_pj: np.ndarray  #: float64[schedules]
    points: np.ndarray  #: int64[schedules, layers], the point of each layer
    exact: bool  #: no partial schedule was dropped, so that these are all


def find_front(choices: Choices, within_ns: float = np.inf) -> Front:
    """Find the schedules within a time that no other schedule beats in both time and energy."""
    layers, points = choices.time_ns.shape
    rest = np.append(np.cumsum(choices.time_ns.min(axis=1)[::-1])[::-1], 0.0)  # least time of a layer and all after
    kept = [
        _pruned(choices.time_ns[0, p : p + 1], choices.energy_pj[0, p : p + 1], np.zeros(1, np.int64), np.inf)[0]
        for p in range(points)
    ]
    trail: list[list[tuple[np.ndarray, np.ndarray]]] = []
    exact = True
    for layer in range(1, layers):
        limit, origins, following = within_ns - rest[layer + 1], [], []
        for p in range(points):
            time = np.concatenate([front[0] + choices.change_ns[q, p] for q, front in enumerate(kept)])
            energy = np.concatenate([front[1] + choices.change_pj[q, p] for q, front in enumerate(kept)])
            origin = np.concatenate([np.full(front[0].size, q) for q, front in enumerate(kept)])
            place = np.concatenate([np.arange(front[0].size) for front in kept])
            front, chosen, all_kept = _pruned(
                time + choices.time_ns[layer, p],
                energy + choices.energy_pj[layer, p],
                np.arange(time.size),
                limit * (1 + 1e-12),
            )
            exact &= all_kept
            following.append(front)
            origins.append((origin[chosen], place[chosen]))
        kept = following
        trail.append(origins)
    return _joined(kept, trail, within_ns, exact)


def _pruned(
    time: np.ndarray, energy: np.ndarray, numbers: np.ndarray, limit: float
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, bool]:
    """Prune partial schedules: those that end in time and take less energy than every faster one stay.

    ``time``, ``energy`` and ``numbers`` are of equal length. Of more than _MOST_KEPT the best of each slice of time
    stays. Returns times and energies of the rest, their numbers, and whether none was dropped for being too many.
    """
    order = np.lexsort((energy, time))
    order = order[time[order] <= limit]
    if order.size:
        best = np.minimum.accumulate(energy[order])
        order = order[np.concatenate(([True], energy[order][1:] < best[:-1]))]
    all_kept = order.size <= _MOST_KEPT
    if not all_kept:
        edges = np.linspace(time[order[0]], time[order[-1]], _MOST_KEPT)
        ends = np.searchsorted(time[order], edges, side="right") - 1  # the leanest of a slice is its last
        order = order[np.unique(np.append(ends, 0))]
    return (time[order], energy[order]), numbers[order], all_kept


def _joined(
    kept: list[tuple[np.ndarray, np.ndarray]],
    trail: list[list[tuple[np.ndarray, np.ndarray]]],
    within_ns: float,
    exact: bool,
) -> Front:
    """Join the fronts of all last points, and trace each schedule back to its first layer.

    ``kept`` has times and energies for each last point. ``trail`` has, for each layer after the first and each point,
    the points of the layer before and the places among its partial schedules.
    """
    time, energy = (np.concatenate([front[i] for front in kept]) for i in (0, 1))
    last = np.concatenate([np.full(front[0].size, p) for p, front in enumerate(kept)])
    place = np.concatenate([np.arange(front[0].size) for front in kept])
    (time, energy), chosen, _ = _pruned(time, energy, np.arange(time.size), within_ns * (1 + 1e-12))
    point, place = last[chosen], place[chosen]
    points = [point]
    for origins in reversed(trail):
        came = [(origins[p][0][i], origins[p][1][i]) for p, i in zip(point, place, strict=True)]
        point, place = (np.array([pair[i] for pair in came], np.int64) for i in (0, 1))
        points.append(point)
    return Front(time, energy, np.stack(points[::-1], axis=1), exact)


def find_lower_bound_pj(choices: Choices, within_ns: float) -> float:
    """Find a lower bound on the energy of a schedule within a time.

    It is the largest, over prices l >= 0 of time, of min(energy + l time) - l within_ns.
    """
    low, high, best = 0.0, _steepest(choices), -np.inf
    for _ in range(DUAL_STEPS):
        price = (low + high) / 2
        energy, time = _cheapest(choices, price)
        best = max(best, energy + price * (time - within_ns))
        low, high = (price, high) if time > within_ns else (low, price)
    energy, time = _cheapest(choices, 0.0)
    return max(best, energy)


def _steepest(choices: Choices) -> float:
    """A price of time, in pJ/ns, above what any schedule saves in energy for a nanosecond."""
    spread = float(np.ptp(choices.energy_pj, axis=1).sum() + choices.change_pj.max() * len(choices.time_ns))
    gaps = np.diff(np.sort(choices.time_ns, axis=1), axis=1)
    least = gaps[gaps > 0].min(initial=np.inf)
    return 1.0 if np.isinf(least) else 2 * spread / float(least) + 1.0


def _cheapest(choices: Choices, price: float) -> tuple[float, float]:
    """Energy in pJ and time in ns of the schedule with the least energy + price x time (Viterbi)."""
    change = choices.change_pj + price * choices.change_ns
    cost = choices.energy_pj[0] + price * choices.time_ns[0]
    came = []
    for layer in range(1, len(choices.time_ns)):
        through = cost[:, None] + change
        came.append(through.argmin(axis=0))
        cost = through.min(axis=0) + choices.energy_pj[layer] + price * choices.time_ns[layer]
    path = [int(cost.argmin())]
    for origins in reversed(came):
        path.append(int(origins[path[-1]]))
    return sum_schedule(choices, path[::-1])


def sum_schedule(choices: Choices, path: list[int]) -> tuple[float, float]:
    """Sum up a schedule, which has a point for each layer: energy in pJ and time in ns, changes included."""
    layers = np.arange(len(path))
    before, after = path[:-1], path[1:]
    energy = choices.energy_pj[layers, path].sum() + choices.change_pj[before, after].sum()
    time = choices.time_ns[layers, path].sum() + choices.change_ns[before, after].sum()
    return float(energy), float(time)
