"""Where the multiplier slots of tensor cores went: parts that add up to all of them."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from fractions import Fraction
from typing import ClassVar

SLOT_MEASURES = ("dense_total", "pattern_total")


@dataclass(frozen=True, slots=True)
class MacSlots:
    """Multipliers times cycles; a + b is a followed by b. All parts add up to ``total``."""

    name: ClassVar[str] = "mac_slots"
    splits_convolutions: ClassVar[bool] = False

    useful: int = 0  #: a multiplication of the product by a stored weight
    padded_k: int = 0  #: K is no multiple of the instruction, or of the pattern's group
    partial_m: int = 0  #: pixels do not fill the last instruction, or tile
    partial_n: int = 0  #: filters do not fill the last instruction, or tile
    idle_cores: int = 0  #: instructions of a k-step are no multiple of the cores
    idle_multiprocessors: int = 0  #: tiles are no multiple of the multiprocessors
    interval: int = 0  #: an instruction's last cycle is not full; below the sustained rate
    dependency: int = 0  #: an instruction waits for the sums of the one before it
    operand_wait: int = 0  #: for activations and weights
    ends: int = 0  #: launch, fill, epilogue, and the last sums' latency
    dense_total: int = 0  #: not a part: ``total`` of the same product with dense weights
    pattern_total: Fraction = Fraction(0)  #: not a part: ``dense_total`` over what the pattern alone gives

    def __add__(self, other: MacSlots) -> MacSlots:
        return MacSlots(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """All multipliers in all cycles."""
        return sum(getattr(self, part.name) for part in fields(self) if part.name not in SLOT_MEASURES)

    @property
    def ideal_speedup(self) -> Fraction:
        """What the pattern alone gives over dense weights on the same cores: m / n."""
        return self.dense_total / self.pattern_total

    @property
    def speedup(self) -> Fraction:
        """What it gives as it is."""
        return Fraction(self.dense_total, self.total)

    def parts(self) -> dict[str, int]:
        """The parts that are not zero, by name."""
        return {name: value for name, value in asdict(self).items() if value and name not in SLOT_MEASURES}
