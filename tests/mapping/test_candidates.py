"""Sizes of tiles that are tried."""

import pytest

from accelsim.mapping.candidates import list_tile_sizes


@pytest.mark.parametrize(
    ("size", "grain", "rows", "expected"),
    [(1, 4, 1, [1]), (9, 4, 1, [9, 8, 4]), (12, 1, 4, [12, 8, 6, 4, 3, 2, 1]), (100, 32, 1, [100, 64, 32])],
)
def test_ladder(size, grain, rows, expected):
    assert list_tile_sizes(size, grain, rows) == expected
