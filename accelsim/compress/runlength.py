"""Run-length coding of zeros: how much smaller it makes the activations that cross the chip's edge.

The code is that of Eyeriss (Chen et al., JSSC 2017, section V-E): a word of 64 bits holds as many pairs as fit, each
the number of zeros before a value, in 5 bits, and the value. A longer run takes a pair of its own.
"""

from __future__ import annotations

from fractions import Fraction

WORD_BITS = 64
RUN_BITS = 5


def estimate_coded_share(zeros: float, bits: int) -> Fraction:
    """Estimate the size of coded values as a share of their plain size, at most 1.

    ``zeros`` is the share of values that are zero, each independently of the others, so that the lengths of runs follow
    a geometric distribution; ``bits`` is the width of a value.
    """
    pairs_of_word = (WORD_BITS - 1) // (RUN_BITS + bits)
    if not pairs_of_word:
        return Fraction(1)
    pairs = (1 - zeros) / (1 - zeros ** (1 << RUN_BITS))  # of a value
    share = pairs * WORD_BITS / pairs_of_word / bits
    return min(Fraction(1), Fraction(share).limit_denominator(1 << 16))
