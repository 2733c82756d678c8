"""Where the bit slots of a serial unit went: parts that add up to all of them."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from fractions import Fraction
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Losses:
    """Where a unit's bit slots went; a + b is a followed by b.

    A slot is what serves one bit of a serial activation, times one bit of a serial weight; a lane has
    ``bits_per_cycle`` of them in a cycle if activations are serial, else one. All parts add up to ``total``.
    """

    name: ClassVar[str] = "bit_slots"
    splits_convolutions: ClassVar[bool] = True

    useful: int = 0  #: MACs of the product, at their widths
    packed_zeros: int = 0  #: zero weights of a first layer packed space to depth
    idle_lanes: int = 0  #: channels do not fill the last brick
    idle_rows: int = 0  #: filters do not fill the last tile
    idle_tiles: int = 0  #: filters do not reach all tiles
    unused_bits: int = 0  #: a width is no multiple of ``bits_per_cycle``
    skipped: int = 0  #: minus what ``skip`` saves
    idle_columns: int = 0  #: windows do not fill the last set
    column_wait: int = 0  #: for the slowest column; less what columns do ahead while a set has no window for them
    weight_wait: int = 0  #: fully connected: the next step's weights are not there yet, or there is none
    bit_parallel: int = 0  #: not a part, but what all is measured against: ``ideal`` if widths were ``pe_bits``

    def __add__(self, other: Losses) -> Losses:
        return Losses(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """All slots of all cycles."""
        return sum(getattr(self, part.name) for part in fields(self) if part.name != "bit_parallel")

    @property
    def ideal(self) -> int:
        """Slots if bits alone decided. Lanes and filters that stay idle do so in a bit-parallel unit as well."""
        return self.useful + self.packed_zeros + self.idle_lanes + self.idle_rows + self.idle_tiles

    @property
    def ideal_speedup(self) -> Fraction:
        """What bits alone give over a bit-parallel unit of the same peak, one window at a time: pe_bits / bits."""
        return Fraction(self.bit_parallel, self.ideal)

    @property
    def speedup(self) -> Fraction:
        """What is left of it after all that lies between ``ideal`` and ``total``."""
        return Fraction(self.bit_parallel, self.total)

    def parts(self) -> dict[str, int]:
        """The parts that are not zero, by name."""
        return {name: value for name, value in asdict(self).items() if value and name != "bit_parallel"}
