"""The account of a bit-serial unit's bit slots: how many were useful, and what the others were lost to."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from fractions import Fraction
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class BitSlots:
    """Bit slots of a unit by what they were spent on; ``a + b`` is a followed by b. All parts add up to ``total``.

    One slot serves one bit of a serial activation times one bit of a serial weight; a lane has ``bits_per_cycle``
    slots in a cycle if activations are serial, else one.
    """

    name: ClassVar[str] = "bit_slots"
    splits_convolutions: ClassVar[bool] = True

    useful: int = 0  #: slots of the product's MACs at their widths
    packed_zeros: int = 0  #: slots for zero weights of a first layer that is packed space to depth
    idle_lanes: int = 0  #: slots lost since channels do not fill the last brick
    idle_rows: int = 0  #: slots lost since filters do not fill the last tile
    idle_tiles: int = 0  #: slots lost since filters do not reach all tiles
    unused_bits: int = 0  #: slots lost since a width is no multiple of ``bits_per_cycle``
    skipped: int = 0  #: slots that ``skip`` saves, as a negative number
    idle_columns: int = 0  #: slots lost since windows do not fill the last set
    column_wait: int = 0  #: slots of waiting for the slowest column, less what columns without a window do ahead
    weight_wait: int = 0  #: slots in which a fully connected layer waits for weights, or has no further step
    bit_parallel: int = 0  #: not a part but the reference of speedups: ``ideal`` if all widths were ``pe_bits``

    def __add__(self, other: BitSlots) -> BitSlots:
        return BitSlots(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """All slots of all cycles."""
        return sum(getattr(self, part.name) for part in fields(self) if part.name != "bit_parallel")

    @property
    def ideal(self) -> int:
        """Slots if only the widths counted; lanes and filters that stay idle do so in a bit-parallel unit as well."""
        return self.useful + self.packed_zeros + self.idle_lanes + self.idle_rows + self.idle_tiles

    @property
    def ideal_speedup(self) -> Fraction:
        """Speedup of the widths alone over a bit-parallel unit of the same peak with one window: pe_bits / bits."""
        return Fraction(self.bit_parallel, self.ideal)

    @property
    def speedup(self) -> Fraction:
        """Real speedup over the same bit-parallel unit."""
        return Fraction(self.bit_parallel, self.total)

    def parts(self) -> dict[str, int]:
        """The parts that are not zero, in slots, by name."""
        return {name: value for name, value in asdict(self).items() if value and name != "bit_parallel"}
