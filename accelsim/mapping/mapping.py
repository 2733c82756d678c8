"""How a product is cut into steps, and what a layer finds and leaves on chip."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


PREFERRED_STEPS = 1 << 18  # of one layer's stream


MOST_STEPS = 1 << 20  # beyond it a layer is refused


class Mapping(NamedTuple):
    """Sizes of one step and the order of the loops over steps, outermost first.

    ``kept`` says, for ifmap, weight and ofmap, whether the buffer holds every tile that the loops inside the
    operand's reuse touch, so that each is moved once; otherwise the operand moves again on every pass.
    """

    tile_m: int
    tile_n: int
    tile_k: int
    order: str = "nkm"
    kept: tuple[bool, bool, bool] = (True, True, True)
    groups: int = 1  #: groups that one step takes

    def __str__(self) -> str:
        per_step = f" x{self.groups}" if self.groups > 1 else ""
        return f"{self.tile_m}x{self.tile_k}x{self.tile_n}{per_step} {self.order}"


class Context(NamedTuple):
    """What a layer finds on chip and leaves there, and in which share of its bytes activations cross the edge."""

    there_bytes: int = 0  #: of its activations, from the layer before; a product's all or none
    kept_bytes: int = 0  #: of its result, for the layer behind
    stored: bool = True  #: the result goes to memory
    resident_bytes: int = 0  #: of weights that are there, its own among them: all of the network's, or two bands'
    ahead: bool = False  #: its first weights came while the layer before ran
    loaded_share: Fraction = Fraction(1)
    stored_share: Fraction = Fraction(1)
    operations: tuple[tuple[str, int], ...] = ()  #: of layers behind it, on its results as they appear
    done: bool = False  #: by the layer before, as its results appear
    bands: int = 1  #: of output rows, one after the other with those of a neighbour; the bytes above are of one band
    waiting_bytes: int = 0  #: of weights that wait on chip from band to band, its own and the neighbour's

    def __str__(self) -> str:
        """What did not cross the edge in its time."""
        spared = {"ifmap": self.there_bytes, "weight": self.resident_bytes, "ofmap": not self.stored}
        told = " ".join(name for name, true in spared.items() if true)
        return f"{told} in {self.bands} bands" if self.bands > 1 else told


ALONE = Context()
