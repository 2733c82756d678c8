"""Run-length codes of zeros: as long as a coder makes them, and never longer than plain values."""

import random
from fractions import Fraction

import pytest
from naive.runlength import coded_bits

from accelsim.compress.runlength import estimate_coded_share


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("zeros", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_run_lengths_of_zeros_take_what_a_coder_takes(zeros, bits):
    draw = random.Random(7)
    values = [0 if draw.random() < zeros else 1 for _ in range(200_000)]
    share = coded_bits(values, bits) / (len(values) * bits)
    assert float(estimate_coded_share(zeros, bits)) == pytest.approx(min(1, share), rel=0.03)


def test_codes_are_never_longer_than_plain_values():
    assert estimate_coded_share(0.0, 8) == estimate_coded_share(0.3, 8) == 1
    assert estimate_coded_share(0.9, 60) == 1  # no pair fits a word
    assert estimate_coded_share(0.6, 16) < Fraction(3, 5)
