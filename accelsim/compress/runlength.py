"""Run lengths of zeros: how much smaller activations get that cross the chip's edge so.

The code of Eyeriss (Chen et al., JSSC 2017, section V-E): words of 64 bits hold as many pairs as fit, each the number
of zeros before a value, in 5 bits, and the value. Longer runs take a pair of their own.
"""

from __future__ import annotations

from fractions import Fraction

WORD_BITS = 64
RUN_BITS = 5


def estimate_coded_share(zeros: float, bits: int) -> Fraction:
    """Coded over plain size of values of so many bits, a share of them zeros that stand anywhere; 1 where it is more.

    Expected size: of zeros that are independent, runs are distributed geometrically.
    """
    pairs_of_word = (WORD_BITS - 1) // (RUN_BITS + bits)
    if not pairs_of_word:
        return Fraction(1)
    pairs = (1 - zeros) / (1 - zeros ** (1 << RUN_BITS))  # of a value
    share = pairs * WORD_BITS / pairs_of_word / bits
    return min(Fraction(1), Fraction(share).limit_denominator(1 << 16))
