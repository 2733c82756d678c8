"""How clock and leakage follow the voltage."""

from __future__ import annotations

import math
from typing import NamedTuple

_HALVINGS = 200  # of an interval, until nothing is left of it


class AlphaPower(NamedTuple):
    """The alpha-power law, f = k (V - Vth)^alpha / V (Sakurai and Newton, IEEE JSSC 25(2), 1990, eq. 1 and 9)."""

    k_mhz: float  #: MHz V^(1 - alpha)
    threshold_v: float
    alpha: float

    def frequency_mhz(self, voltage_v: float) -> float:
        """The highest clock at a voltage; 0 at the threshold and below."""
        over = voltage_v - self.threshold_v
        return self.k_mhz * over**self.alpha / voltage_v if over > 0 else 0.0

    def voltage_v(self, frequency_mhz: float) -> float:
        """The lowest voltage for a clock.

        Raises: ValueError for a clock that no voltage reaches (with alpha below 1 there is a highest one).
        """
        low, high = self.threshold_v, self._fastest_v
        if math.isinf(high):
            high = max(2 * self.threshold_v, 1.0)
            while self.frequency_mhz(high) < frequency_mhz and high < 1e9:
                high *= 2
        if self.frequency_mhz(high) < frequency_mhz:
            raise ValueError(f"{frequency_mhz:g} MHz: no voltage reaches it")
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (middle, high) if self.frequency_mhz(middle) < frequency_mhz else (low, middle)
        return high

    @property
    def _fastest_v(self) -> float:
        """The voltage beyond which the law falls again: only where alpha is below 1."""
        return self.threshold_v / (1 - self.alpha) if self.alpha < 1 else math.inf


class Leakage(NamedTuple):
    """Static power over voltage: P = P0 V / V0 exp(b (V - V0)).

    A supply of V times a current that grows with it exponentially, as drain-induced barrier lowering lets it
    (Narendra and Chandrakasan, Leakage in Nanometer CMOS Technologies, 2006, ch. 1); b = 0 is a constant current.
    """

    reference_v: float  #: V0
    per_v: float  #: b

    def times(self, voltage_v: float) -> float:
        """Power over that at the reference."""
        return voltage_v / self.reference_v * math.exp(self.per_v * (voltage_v - self.reference_v))
