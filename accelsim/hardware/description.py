"""What every engine's description offers to rooms below the engines themselves."""

from __future__ import annotations

from typing import Self

from pydantic import ValidationError

from accelsim.config import Value
from accelsim.hardware.precisions import BITS
from accelsim.hardware.sparsity import Pattern


class EngineDescription(Value):
    """The frozen values of one engine; how it counts and steps is the engine's own room under ``engines/``.

    A kind of engine adds ``kind``, its options and ``precision``; the defaults below hold for an engine of one
    precision that takes zeros as weights like others.
    """

    zero_gating: bool = False
    """Whether a multiplication by a zero weight costs no energy; it takes its cycle all the same."""

    @property
    def operand_bits(self) -> int:
        """Width of operands that state none, in bits; wider operands are refused."""
        return BITS[getattr(self, "precision")]  # noqa: B009 (each kind of engine has a precision of its own type)

    @property
    def sparse_pattern(self) -> Pattern | None:
        """The n:m pattern of stored weights; None where zeros are weights like others."""
        return None

    @property
    def width_limit(self) -> str:
        """The words of an error message that say which widths are allowed, and by which key."""
        precision = getattr(self, "precision")  # noqa: B009
        return f" ({precision}); give --precision or engine.precision at least that wide"

    def dataflows(self) -> dict[str, Self]:
        """The description with each dataflow that a layer may choose; itself, named "", where there is no choice."""
        return {"": self}

    def at_precision(self, precision: str) -> Self:
        """The description with PEs of another precision.

        Raises: ValueError where the engine has no such precision.
        """
        try:
            return type(self).model_validate({**self.model_dump(), "precision": precision})
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None

    def with_pattern(self, pattern: str) -> Self | None:
        """The description with weights stored in a pattern (``dense`` or n:m); None where it stores none."""
        return None
