"""The account of tensor cores' multiplier slots: how many were useful, and what the others were lost to."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from fractions import Fraction
from typing import ClassVar

SLOT_MEASURES = ("dense_total", "pattern_total")


@dataclass(frozen=True, slots=True)
class MacSlots:
    """Multipliers x cycles by what they were spent on; ``a + b`` is a followed by b. All parts add up to ``total``."""

    name: ClassVar[str] = "mac_slots"
    splits_convolutions: ClassVar[bool] = False

    useful: int = 0  #: slots of multiplications by stored weights
    padded_k: int = 0  #: slots lost since K is no multiple of the instruction or of the pattern's group
    partial_m: int = 0  #: slots lost since pixels do not fill the last instruction or tile
    partial_n: int = 0  #: slots lost since filters do not fill the last instruction or tile
    idle_cores: int = 0  #: slots lost since the instructions of a k-step are no multiple of the cores
    idle_multiprocessors: int = 0  #: slots lost since tiles are no multiple of the multiprocessors
    interval: int = 0  #: slots lost in an instruction's last cycle, or below the sustained rate
    dependency: int = 0  #: slots in which an instruction waits for the sums of the one before it
    operand_wait: int = 0  #: slots of waiting for activations and weights
    ends: int = 0  #: slots of launch, fill, epilogue, and the latency of the last sums
    dense_total: int = 0  #: not a part: ``total`` of the same product with dense weights
    pattern_total: Fraction = Fraction(0)  #: not a part: ``dense_total`` divided by the pattern's own speedup

    def __add__(self, other: MacSlots) -> MacSlots:
        return MacSlots(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """All multipliers in all cycles."""
        return sum(getattr(self, part.name) for part in fields(self) if part.name not in SLOT_MEASURES)

    @property
    def ideal_speedup(self) -> Fraction:
        """Speedup of the pattern alone over dense weights on the same cores: m / n."""
        return self.dense_total / self.pattern_total

    @property
    def speedup(self) -> Fraction:
        """Real speedup over dense weights on the same cores."""
        return Fraction(self.dense_total, self.total)

    def parts(self) -> dict[str, int]:
        """The parts that are not zero, in slots, by name."""
        return {name: value for name, value in asdict(self).items() if value and name not in SLOT_MEASURES}
