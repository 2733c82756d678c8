"""Pruning to a pattern keeps the largest weights, and what is stored of them gives them back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from naive import tensorcore as naive
from strategies.tensorcore import patterns

from accelsim.compress import compress_weights, prune_to_pattern
from accelsim.hardware.sparsity import Pattern, parse_pattern


@given(st.integers(1, 40), st.integers(1, 8), patterns(), st.integers(0, 99))
def test_pruning_keeps_the_largest(k, n, text, seed):
    pattern = parse_pattern(text) or Pattern(1, 1, 0)
    w = np.random.default_rng(seed).integers(-5, 6, (1, k, n))
    left = prune_to_pattern(w, pattern)
    for column in range(n):
        assert left[0, :, column].tolist() == naive.pruned(w[0, :, column].tolist(), pattern.kept, pattern.group)
    stored = compress_weights(left, pattern)
    stored.check((1, n, pattern.stored(k)), pattern, k)
    again = np.zeros((n, -(-k // pattern.group) * pattern.group), int)
    groups = np.arange(pattern.stored(k)) // pattern.kept * pattern.group
    np.put_along_axis(again, groups + stored.places[0].astype(int), stored.values[0], axis=1)
    assert np.array_equal(again[:, :k].T, left[0])
