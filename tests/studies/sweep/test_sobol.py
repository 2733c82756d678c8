"""Sobol's sequence: intervals that it fills, and its published beginning."""

import itertools

from accelsim.studies.sweep import sobol


def test_sobol_fills_every_elementary_interval():
    """Of the first 2^m points each dimension's 2^m intervals hold one; so do all boxes in the first two (t = 0)."""
    sample = list(itertools.islice(sobol.generate_sobol(sobol.DIMENSIONS, seed=3), 256))
    for dimension in range(sobol.DIMENSIONS):
        assert sorted(point[dimension] >> 24 for point in sample) == list(range(256))
    assert {(p[0] >> 28, p[1] >> 28) for p in sample} == set(itertools.product(range(16), repeat=2))


def test_sobol_starts_as_the_reference_does():
    """Joe and Kuo's first points, as their sobol.cc prints them for new-joe-kuo-6.21201."""
    first = [[value / 2**32 for value in point] for point in itertools.islice(sobol.generate_sobol(3), 4)]
    assert first == [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75]]
