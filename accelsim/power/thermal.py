"""Temperature of a die behind one thermal resistance and one capacitance, with leakage that grows as it warms.

C dT/dt = P + L(T) - (T - Ta) / R. Leakage L is convex in T. So there are two temperatures of balance, of which the
lower one is stable, or none: then the die warms without end (thermal runaway; Liao, He and Lepak, IEEE TCAD 24(7),
2005).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from accelsim.config import UserError

Leaking = Callable[[float], float]  #: leakage power over temperature: K -> W
HOTTEST_K = 600.0  # a balance beyond it does not count: circuits of silicon do not work there
_SCANNED = 600  # temperatures between ambient and HOTTEST_K that the search tries
_HALVINGS = 100
BALANCED = 1e-8  # share of the heat that leaves; a smaller surplus counts as balance
ACCURACY = 1e-6  # relative, of times


class RunawayError(UserError):
    """A die whose temperature would rise without end."""


class Package(NamedTuple):
    """What lies between a die and its surroundings."""

    resistance_k_per_w: float
    capacitance_j_per_k: float
    ambient_k: float

    def flow_w(self, temperature_k: float) -> float:
        """Heat in W that leaves a die of this temperature."""
        return (temperature_k - self.ambient_k) / self.resistance_k_per_w


def find_steady_k(package: Package, power_w: float, leakage_w: Leaking) -> float:
    """Find the temperature in K at which a die settles that draws ``power_w`` and leaks.

    Raises: RunawayError where it does not settle below HOTTEST_K; the message says how much power would be stable.
    """

    def surplus(temperature_k: float) -> float:
        """Heat in W that a die of this temperature gets beyond what leaves it."""
        return power_w + leakage_w(temperature_k) - package.flow_w(temperature_k)

    low = package.ambient_k
    step = (HOTTEST_K - low) / _SCANNED
    for number in range(1, _SCANNED + 1):
        high = package.ambient_k + number * step
        if surplus(high) <= 0:
            return _between(surplus, low, high)
        low = high
    hidden = _least(surplus, package.ambient_k, HOTTEST_K)
    if surplus(hidden) <= 0:
        return _between(surplus, package.ambient_k, hidden)
    most, leaks = power_w - surplus(hidden), leakage_w(HOTTEST_K) > leakage_w(package.ambient_k)
    why = "leak more with each kelvin than the package takes away" if leaks else f"settle above {HOTTEST_K:g} K"
    hint = f"at most {most:.4g} W beside its leakage are stable" if most > 0 else "its leakage alone is too much"
    raise RunawayError(
        f"thermal runaway: {power_w:.4g} W behind {package.resistance_k_per_w:g} K/W at {package.ambient_k:g} K {why};"
        f" {hint}"
    )


def _between(surplus: Callable[[float], float], low: float, high: float) -> float:
    """The place between two where a surplus, above 0 at the low one, reaches 0."""
    if surplus(low) <= 0:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if surplus(middle) > 0 else (low, middle)
    return high


def _least(surplus: Callable[[float], float], low: float, high: float) -> float:
    """The place between two where a convex function is least."""
    for _ in range(_HALVINGS):
        third = (high - low) / 3
        low, high = (low, high - third) if surplus(low + third) <= surplus(high - third) else (low + third, high)
    return (low + high) / 2


def find_warmest_k(package: Package, leakage_w: Leaking, limit_k: float) -> float:
    """Find the temperature in K, at most ``limit_k``, at which a die may draw the most power.

    It is the limit, or the temperature above which leakage grows faster than the heat that leaves: no balance above
    that is stable.
    """

    def drained(kelvin: float) -> float:
        """Power in W that a die of this temperature may draw beside its leakage."""
        return package.flow_w(kelvin) - leakage_w(kelvin)

    peak = _least(lambda kelvin: -drained(kelvin), package.ambient_k, limit_k)
    return max(limit_k, peak, key=drained)


def find_share_at_limit(package: Package, power_w: float, leakage_w: Leaking, limit_k: float) -> float:
    """Find the share of time, 0 to 1, in which a die may draw ``power_w`` and not pass a limit; it leaks all the time.

    With that share it settles at ``find_warmest_k``; where the share is 1, at most there.

    Raises: RunawayError where its leakage alone would pass the limit.
    """
    held_k = find_warmest_k(package, leakage_w, limit_k)
    room = package.flow_w(held_k) - leakage_w(held_k)
    if room <= 0:
        raise RunawayError(
            f"thermal.limit_k: at {limit_k:g} K leakage alone is {leakage_w(limit_k):.4g} W, and the package takes away"
            f" {package.flow_w(limit_k):.4g} W; allowed: less leakage, less resistance_k_per_w, another limit_k"
        )
    return min(1.0, room / power_w) if power_w > 0 else 1.0


def find_seconds_to_limit(
    package: Package, power_w: float, leakage_w: Leaking, limit_k: float, start_k: float | None = None
) -> float | None:
    """Find the seconds until a die that draws ``power_w`` reaches a limit; None where it never does.

    It starts at ``start_k``, by default at ambient temperature. The time is the integral of C dT / (P + L - flow), to
    a relative accuracy of ACCURACY.
    """
    start = package.ambient_k if start_k is None else start_k

    def surplus(kelvin: float) -> float:
        """Heat in W that a die of this temperature gets beyond what leaves it."""
        return power_w + leakage_w(kelvin) - package.flow_w(kelvin)

    if start >= limit_k:
        return 0.0
    slowest = _least(surplus, start, limit_k)
    if min(map(surplus, (start, slowest, limit_k))) <= BALANCED * max(0.0, package.flow_w(limit_k)):
        return None
    parts = [_integral(lambda kelvin: 1 / surplus(kelvin), *span) for span in ((start, slowest), (slowest, limit_k))]
    return package.capacitance_j_per_k * math.fsum(parts)


def _integral(of: Callable[[float], float], low: float, high: float, halvings: int = 30) -> float:
    """The integral of a function above 0, by Simpson's rule on intervals that are halved until it no longer matters."""
    quarters = [of(low + (high - low) * number / 4) for number in range(5)]
    whole = (quarters[0] + 4 * quarters[2] + quarters[4]) / 6
    halves = (quarters[0] + 4 * quarters[1] + 2 * quarters[2] + 4 * quarters[3] + quarters[4]) / 12
    if halvings == 0 or abs(halves - whole) <= ACCURACY * halves:
        return halves * (high - low)
    middle = (low + high) / 2
    return _integral(of, low, middle, halvings - 1) + _integral(of, middle, high, halvings - 1)
