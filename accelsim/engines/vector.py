"""The vector unit: the lane cycles of element-wise work."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from accelsim.hardware import VectorUnit

FINEST_RATE = 10**6  # rates are exact to a millionth


def count_lane_cycles(operations: Mapping[str, int], unit: VectorUnit) -> Fraction:
    """Count the cycles that one lane alone would take for operations, given as elements by kind."""
    rates: dict[str, float] = unit.operations_per_cycle.model_dump()
    cycles = (count / Fraction(rates[kind]).limit_denominator(FINEST_RATE) for kind, count in operations.items())
    return sum(cycles, Fraction(0))
