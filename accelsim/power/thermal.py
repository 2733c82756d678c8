"""Temperature of a die behind one thermal resistance and one capacitance, with leakage that grows as it warms.

C dT/dt = P + L(T) - (T - Ta) / R. Leakage is convex in T, so that there are two temperatures of balance, the lower one
stable, or none: then the die warms without end (thermal runaway; Liao, He and Lepak, IEEE TCAD 24(7), 2005).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from accelsim.config import UserError

Leaking = Callable[[float], float]  #: K -> W
HOTTEST_K = 600.0  # beyond which a balance is none: silicon is no semiconductor circuit any more
SCANNED = 600  # temperatures between ambient and HOTTEST_K
HALVINGS = 100
STEPS_A_CONSTANT = 400  # of the time constant R C; Runge and Kutta's fourth order
MOST_CONSTANTS = 40.0  # after which a die that has a balance is at it


class RunawayError(UserError):
    """There is no temperature at which a die would stay."""


class Package(NamedTuple):
    """What lies between a die and its surroundings."""

    resistance_k_per_w: float
    capacitance_j_per_k: float
    ambient_k: float

    def flow_w(self, temperature_k: float) -> float:
        """Heat that leaves."""
        return (temperature_k - self.ambient_k) / self.resistance_k_per_w


def steady_k(package: Package, power_w: float, leakage_w: Leaking) -> float:
    """The temperature at which power_w and leakage are in balance with what the package takes away.

    Raises: RunawayError where there is none: with the most power that would have one.
    """

    def surplus(temperature_k: float) -> float:
        return power_w + leakage_w(temperature_k) - package.flow_w(temperature_k)

    low = package.ambient_k
    step = (HOTTEST_K - low) / SCANNED
    for number in range(1, SCANNED + 1):
        high = package.ambient_k + number * step
        if surplus(high) <= 0:
            return _between(surplus, low, high)
        low = high
    hidden = _least(surplus, package.ambient_k, HOTTEST_K)
    if surplus(hidden) <= 0:
        return _between(surplus, package.ambient_k, hidden)
    most = power_w - surplus(hidden)
    told = f"at most {most:.4g} W beside its leakage are stable" if most > 0 else "its leakage alone warms it on"
    raise RunawayError(
        f"thermal runaway: {power_w:.4g} W behind {package.resistance_k_per_w:g} K/W at {package.ambient_k:g} K leak"
        f" more with each kelvin than the package takes away; {told}"
    )


def _between(surplus: Callable[[float], float], low: float, high: float) -> float:
    """Where a surplus that is above 0 at low has gone at high."""
    if surplus(low) <= 0:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if surplus(middle) > 0 else (low, middle)
    return high


def _least(surplus: Callable[[float], float], low: float, high: float) -> float:
    """Where a convex function is least."""
    for _ in range(HALVINGS):
        third = (high - low) / 3
        low, high = (low, high - third) if surplus(low + third) <= surplus(high - third) else (low + third, high)
    return (low + high) / 2


def share_at_limit(package: Package, power_w: float, leakage_w: Leaking, limit_k: float) -> float:
    """The share of time in which power_w may be drawn so that a die that leaks all the time stays at a limit.

    Raises: RunawayError where its leakage alone passes the limit.
    """
    room = package.flow_w(limit_k) - leakage_w(limit_k)
    if room <= 0:
        raise RunawayError(
            f"thermal.limit_k: at {limit_k:g} K leakage alone is {leakage_w(limit_k):.4g} W, and the package takes away"
            f" {package.flow_w(limit_k):.4g} W; allowed: less leakage, less resistance_k_per_w, another limit_k"
        )
    return min(1.0, room / power_w) if power_w > 0 else 1.0


def seconds_to(package: Package, power_w: float, leakage_w: Leaking, limit_k: float, start_k: float | None = None
               ) -> float | None:  # fmt: skip
    """Time until a die that starts at ambient, or at start_k, is as warm as a limit; None where it never is."""
    temperature = package.ambient_k if start_k is None else start_k
    constant = package.resistance_k_per_w * package.capacitance_j_per_k
    step, elapsed = constant / STEPS_A_CONSTANT, 0.0

    def slope(kelvin: float) -> float:
        gained = power_w + leakage_w(min(kelvin, HOTTEST_K)) - package.flow_w(kelvin)
        return gained / package.capacitance_j_per_k

    if temperature >= limit_k:
        return 0.0
    while elapsed < MOST_CONSTANTS * constant:
        after = _after(slope, temperature, step)
        if after >= limit_k:
            return elapsed + step * (limit_k - temperature) / (after - temperature)
        if math.isclose(after, temperature, rel_tol=1e-13):
            return None
        temperature, elapsed = after, elapsed + step
    return None


def _after(slope: Callable[[float], float], temperature: float, step: float) -> float:
    """One step of Runge and Kutta's."""
    a = slope(temperature)
    b = slope(temperature + step / 2 * a)
    c = slope(temperature + step / 2 * b)
    d = slope(temperature + step * c)
    return temperature + step / 6 * (a + 2 * b + 2 * c + d)
