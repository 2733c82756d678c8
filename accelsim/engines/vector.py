"""The vector unit: element-wise work in cycles of its lanes."""

from __future__ import annotations

from collections.abc import Mapping

from accelsim.hardware import VectorUnit


def lane_cycles(operations: Mapping[str, int], unit: VectorUnit) -> float:
    """Cycles that one lane alone would take for operations counted by kind."""
    rates: dict[str, float] = unit.operations_per_cycle.model_dump()
    return sum(count / rates[kind] for kind, count in operations.items())
