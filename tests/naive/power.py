"""Oracles of voltage, clock and power, in plain Python: they import nothing from accelsim."""

import math
from itertools import pairwise


def solve(matrix, right):
    """A small linear system, by elimination with pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(len(rows)):
        pivot = max(range(column, len(rows)), key=lambda r: abs(rows[r][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for r in range(len(rows)):
            if r != column:
                factor = rows[r][column] / rows[column][column]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[column], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def power_misfit(points, per_v):
    """Root mean square of relative errors at a leakage exponent, by normal equations; points are task, V, MHz, W."""
    tasks = sorted({task for task, *_ in points})
    reference = max(volt for _, volt, _, _ in points)
    rows = []
    for task, volt, mhz, watts in points:
        row = [volt**2 * mhz / watts if task == other else 0.0 for other in tasks]
        rows.append([*row, volt / reference * math.exp(per_v * (volt - reference)) / watts])
    size = len(tasks) + 1
    normal = [[sum(row[i] * row[j] for row in rows) for j in range(size)] for i in range(size)]
    found = solve(normal, [sum(row[i] for row in rows) for i in range(size)])
    errors = [sum(a * x for a, x in zip(row, found, strict=True)) - 1 for row in rows]
    return math.sqrt(sum(error**2 for error in errors) / len(errors)), found


def best_schedule(time, energy, change_time, change_energy, within):
    """Least energy of all schedules of layers x points within a time, by trying them; None if none is in time."""

    def schedules(layers):
        if layers == 0:
            yield ()
            return
        for rest in schedules(layers - 1):
            for point in range(len(time[0])):
                yield (*rest, point)

    best = None
    for points in schedules(len(time)):
        spent = sum(row[p] for row, p in zip(time, points, strict=True))
        taken = sum(row[p] for row, p in zip(energy, points, strict=True))
        for before, after in pairwise(points):
            spent += change_time[before][after]
            taken += change_energy[before][after]
        if spent <= within and (best is None or taken < best):
            best = taken
    return best


def idle_detect_pj(interval_ns, leakage_mw, modes):
    """Energy saved in one idle interval, nanosecond by nanosecond; modes are residual, overhead, ns when entered."""
    saved, current = 0.0, None
    for now in range(interval_ns):
        for mode in modes:
            _, overhead, entered = mode
            if now == entered and mode != current:
                saved -= overhead
                current = mode
        if current is not None:
            saved += leakage_mw * (1 - current[0])
    return saved


def cascade_paths(stages):
    """Every way through a cascade of (seconds, energy, probability to answer): probability, seconds, energy."""
    paths, seconds, energy, chance = [], 0.0, 0.0, 1.0
    for number, (time, joules, answers) in enumerate(stages):
        seconds, energy = seconds + time, energy + joules
        ends = 1.0 if number == len(stages) - 1 else answers
        paths.append((chance * ends, seconds, energy))
        chance *= 1 - ends
    return paths


def sleeping_device(work, periods, period, idle, sleep, wake_seconds, wake_energy):
    """Energy of some periods, one event after the other: work, then asleep and awake again, or idle."""
    now, energy, slept = 0.0, 0.0, 0
    for number in range(periods):
        now += work[0]
        energy += work[1]
        gap = (number + 1) * period - now
        asleep = wake_energy + sleep * (gap - wake_seconds)
        if gap >= wake_seconds and asleep < idle * gap:
            energy += asleep
            slept += 1
        else:
            energy += idle * gap
        now += gap
    return energy, slept


def balance_k(power, resistance, ambient, leakage_at, at_k, per_k):
    """The cooler balance of a die that leaks exponentially, by the principal branch of Lambert's W; None without one.

    T = Ta + R (P + L(T)) with L = l exp(b (T - Tl)) has T = A - W(-b R l exp(b (A - Tl))) / b, A = Ta + R P.
    """
    alone = ambient + resistance * power
    x = -per_k * resistance * leakage_at * math.exp(per_k * (alone - at_k))
    if x < -1 / math.e:
        return None
    low, high = -1.0, 0.0  # w exp(w) rises between them
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * math.exp(middle) < x else (low, middle)
    return alone - (low + high) / 2 / per_k


def woken_device(work, wakes, power, idle, sleep, wake_seconds, wake_energy):
    """Energy of an hour with so many wake-ups, one after the other, asleep between all or none; None: no time to."""

    def hour(rest, seconds, energy):
        now, taken = 0.0, 0.0
        for number in range(wakes):
            gap = (number + 1) * 3600 / wakes - now - seconds - work[0]
            if gap < -1e-9:
                return None
            taken += rest * gap + energy + work[1]
            now = (number + 1) * 3600 / wakes
        return taken + rest * (3600 - now) + power * 3600

    return hour(idle, 0.0, 0.0), hour(sleep, wake_seconds, wake_energy)


def warming(package, power, leakage, seconds, start=None):
    """(seconds, K) of a die from ambient or start on, step by step after Runge and Kutta, until beyond 600 K.

    package is (K/W, J/K, ambient); leakage(K) is in W.
    """
    resistance, capacitance, ambient = package
    count = math.ceil(seconds / (resistance * capacitance) * 400)

    def slope(kelvin):
        return (power + leakage(min(kelvin, 600)) - (kelvin - ambient) / resistance) / capacitance

    kelvin, step = ambient if start is None else start, seconds / max(count, 1)
    yield 0.0, kelvin
    for number in range(1, count + 1):
        if kelvin > 600:
            return
        a = slope(kelvin)
        b = slope(kelvin + step / 2 * a)
        c = slope(kelvin + step / 2 * b)
        d = slope(kelvin + step * c)
        kelvin += step / 6 * (a + 2 * b + 2 * c + d)
        yield seconds * (number / count), kelvin
