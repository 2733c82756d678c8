"""What an engine did, as an additive value: the one currency between engines, energy and reports."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """Events of one or more array passes; all integers, in elements unless the name says otherwise.

    ``a + b`` is a followed by b; ``a * n`` is a repeated n times.
    """

    cycles: int = 0  #: first event to last, inclusive
    macs: int = 0  #: multiplications that contribute to the product
    folds: int = 0  #: passes of the array
    activation_reads: int = 0  #: activations that enter the array from their SRAM
    weight_reads: int = 0  #: weights that enter the array from their SRAM
    psum_reads: int = 0  #: partial sums fetched back to be accumulated upon
    psum_writes: int = 0  #: sums that leave the array, partial and final alike
    skipped_macs: int = 0  #: of ``macs``, those with a zero that a sparsity pattern leaves out

    def __add__(self, other: ActionCounts) -> ActionCounts:
        return ActionCounts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    def __mul__(self, times: int) -> ActionCounts:
        return ActionCounts(*(a * times for a in _values(self)))

    __rmul__ = __mul__


_values = attrgetter(*(field.name for field in fields(ActionCounts)))
