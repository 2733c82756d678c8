"""The values of mapping: how a product is cut into steps, and which data lie on chip before and after a layer."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

PREFERRED_STEPS = 1 << 18  # the search takes more steps in a layer's stream only if it must
MOST_STEPS = 1 << 20  # a layer that needs more steps is refused


class Mapping(NamedTuple):
    """Sizes of one step and the order of the loops over steps.

    ``kept`` says for ifmap, weight and ofmap whether the buffer holds all tiles of the loops inside the operand's reuse
    loop, so that each of them moves once; otherwise the operand moves again in every pass.
    """

    tile_m: int  #: output pixels of a step
    tile_n: int  #: filters of a step
    tile_k: int  #: reduction of a step
    order: str = "nkm"  #: loops over steps, the outermost first
    kept: tuple[bool, bool, bool] = (True, True, True)  #: whether ifmap, weight and ofmap are kept
    groups: int = 1  #: groups in one step

    def __str__(self) -> str:
        per_step = f" x{self.groups}" if self.groups > 1 else ""
        return f"{self.tile_m}x{self.tile_k}x{self.tile_n}{per_step} {self.order}"


class Context(NamedTuple):
    """The data that lie on chip before and after a layer, and the compression of those that cross the chip's edge."""

    there_bytes: int = 0  #: bytes of its activations that the layer before left on chip; for a product all or none
    kept_bytes: int = 0  #: bytes of its result that stay on chip for the next layer
    stored: bool = True  #: whether the result goes to memory
    resident_bytes: int = 0  #: bytes of weights on chip, its own included: the whole network's, or those of two bands
    ahead: bool = False  #: whether its first weights are loaded while the layer before runs
    loaded_share: Fraction = Fraction(1)  #: compressed size over plain size of loaded activations
    stored_share: Fraction = Fraction(1)  #: bytes stored, after compression and later layers, over bytes of the result
    operations: tuple[tuple[str, int], ...] = ()  #: vector work, by kind, of later layers done on its results at once
    done: bool = False  #: whether the layer before does this layer's work on its results at once
    bands: int = 1  #: bands of output rows that alternate with those of a neighbour; the bytes above are of one band
    waiting_bytes: int = 0  #: bytes of its own and the neighbour's weights that stay on chip from band to band

    def __str__(self) -> str:
        """The operands that do not cross the chip's edge while the layer runs."""
        on_chip = {"ifmap": self.there_bytes, "weight": self.resident_bytes, "ofmap": not self.stored}
        names = " ".join(name for name, true in on_chip.items() if true)
        return f"{names} in {self.bands} bands" if self.bands > 1 else names


ALONE = Context()
