"""n:m patterns: of every m successive weights along K at most n are not zero, and only n are stored."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple

from accelsim.config.integers import ceil_div

DENSE = "dense"
LARGEST_GROUP = 16
PATTERNS_ALLOWED = f"dense, or n:m with 1 <= n <= m <= {LARGEST_GROUP}, such as 2:4"
_TEXT = re.compile(r"([1-9][0-9]?):([1-9][0-9]?)")


class Pattern(NamedTuple):
    """``kept`` of ``group`` weights, each with the place in its group, an index of so many bits."""

    kept: int
    group: int
    index_bits: int

    def __str__(self) -> str:
        return f"{self.kept}:{self.group}"

    @property
    def speedup(self) -> Fraction:
        """What the pattern alone gives: m / n."""
        return Fraction(self.group, self.kept)

    def stored(self, k: Any) -> Any:
        """Weights that k of them along the reduction keep, the last group padded; an integer or an array of them."""
        return ceil_div(k, self.group) * self.kept


def parse_pattern(text: str, index_granule_bits: int = 1) -> Pattern | None:
    """A pattern by its text, None for dense; indices take a multiple of so many bits.

    Raises: ValueError for what is neither.
    """
    if text == DENSE:
        return None
    found = _TEXT.fullmatch(text)
    if not found or not int(found[1]) <= int(found[2]) <= LARGEST_GROUP:
        raise ValueError(f"no sparsity pattern: '{text}'; allowed: {PATTERNS_ALLOWED}")
    kept, group = int(found[1]), int(found[2])
    bits = (group - 1).bit_length()
    return Pattern(kept, group, ceil_div(bits, index_granule_bits) * index_granule_bits)
