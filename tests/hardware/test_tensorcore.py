"""Descriptions of tensor cores that cannot be."""

import re

import pytest
from strategies.tensorcore import unit


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pattern": "4:2"}, "no sparsity pattern: '4:2'; allowed: dense, or n:m with 1 <= n <= m <= 16"),
        ({"pattern": "2:17"}, "no sparsity pattern"),
        ({"pattern": "0:4"}, "no sparsity pattern"),
        ({"tile_m": 5}, "tile_m: 5 is no multiple of m: 2"),
        ({"warp_n": 3}, "tile_n: 4 is no multiple of warp_n: 3"),
        ({"tile_k": 6}, "tile_k: 6 is no multiple of k: 4"),
        ({"multiprocessors": 2}, "multiprocessors: 2 need charge_full_tile: true"),
        ({"tiles_at_once": 2}, "tiles_at_once: 2 need charge_full_tile: true"),
        ({"macs_per_cycle": {"fp16": 4}}, "precision: int8 has no macs_per_cycle; allowed: fp16"),
        ({"macs_per_cycle": {}}, "precision: int8 has no macs_per_cycle; allowed: none"),
    ],
)
def test_units_that_cannot_be(change, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        unit(**change)
