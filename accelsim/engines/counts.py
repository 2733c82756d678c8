"""The events of an engine as an additive value that engines, energy and reports share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """Events of one or more passes of an engine; all integers, in elements unless the name says otherwise.

    ``a + b`` is a followed by b; ``a * n`` is a repeated n times.
    """

    cycles: int = 0  #: cycles from the first event to the last, inclusive
    macs: int = 0  #: multiplications that contribute to the product
    folds: int = 0  #: passes of the engine
    activation_reads: int = 0  #: activations that enter the engine from their SRAM
    weight_reads: int = 0  #: weights that enter the engine from their SRAM
    psum_reads: int = 0  #: partial sums that come back to be added to
    psum_writes: int = 0  #: sums that leave the engine, partial and final ones
    skipped_macs: int = 0  #: MACs among ``macs`` with a zero that a sparsity pattern leaves out

    def __add__(self, other: ActionCounts) -> ActionCounts:
        return ActionCounts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    def __mul__(self, times: int) -> ActionCounts:
        return ActionCounts(*(a * times for a in _values(self)))

    __rmul__ = __mul__


_values = attrgetter(*(field.name for field in fields(ActionCounts)))
