"""Measured chips beside their hardware files: what was published, what ours give, and why they differ."""

from collections import Counter
from math import ceil

import pytest

from accelsim import load_hardware, load_workload, simulate
from accelsim.studies.validate.chips import ALEXNET, ALL, BATCH, EYERISS, TPU, compare_chips

TOLD = 0.2  # the error that the TPU's rows aim at


# Jouppi et al., ISCA 2017, Table 1: weights, operations per weight byte, batch, layers; Table 3, row 9: GOPS
TABLE_1 = {
    "tpu_mlp0": (20, 200, 200, {"linear": 5}),
    "tpu_mlp1": (5, 168, 168, {"linear": 4}),
    "tpu_lstm0": (52, 64, 64, {"linear": 24, "vector": 34}),
    "tpu_cnn0": (8, 2888, 8, {"conv2d": 16}),
}


TABLE_3 = {"tpu_mlp0": 12300, "tpu_mlp1": 9700, "tpu_lstm0": 3700, "tpu_cnn0": 86000}


SIMULATED = {
    "TPU v1 GOPS": [12989, 10466, 3705, 77794],
    "Eyeriss us, os array": [14080, 30006, 18670, 14073, 10047, 86876],
    "Eyeriss us, os and DRAM": [29741, 46651, 214077, 64083, 45645, 400197],
    "Eyeriss us, ws and DRAM": [25555, 35901, 26019, 19730, 13849, 121054],
}


@pytest.fixture(scope="module")
def rows():
    return list(compare_chips())


def group(rows, name):
    return [row for row in rows if row.group == name]


@pytest.mark.parametrize("name", TABLE_1)
def test_stated_shapes_add_up_to_the_published_totals(name):
    millions, per_byte, batch, layers = TABLE_1[name]
    workload = load_workload(name)
    assert round(workload.params / 1e6) == millions
    assert workload.file.batch == batch
    assert workload.macs * batch == per_byte * workload.params  # a MAC is one of Table 1's operations
    kinds = Counter(node.layer.type for node in workload.nodes if not node.layer.is_view)
    assert kinds["linear"] == layers.get("linear", 0)
    assert kinds["conv2d"] == layers.get("conv2d", 0)
    assert kinds.total() - kinds["linear"] - kinds["conv2d"] == layers.get("vector", 0)
    assert "stated" in workload.file.description
    assert "stated" in workload.file.source


def test_the_rows_are_what_they_were(rows):
    assert {name: [row.simulated for row in group(rows, name)] for name in SIMULATED} == SIMULATED
    assert {row.group for row in rows} == set(SIMULATED)


def test_rates_of_the_tpu_lie_within_a_fifth(rows):
    for row in group(rows, "TPU v1 GOPS"):
        assert row.measured == TABLE_3[row.name]
        assert row.band == TOLD >= abs(row.simulated / row.measured - 1)


def test_rates_of_the_fully_connected_are_near_but_below_the_papers_roofs(rows):
    """Operations per weight byte x 34 GB/s x 2; the first activations come, and the last results leave, besides."""
    rates = {row.name: row.simulated for row in group(rows, "TPU v1 GOPS")}
    assert 0.9 * 200 * 34 * 2 < rates["tpu_mlp0"] < 200 * 34 * 2
    assert 0.9 * 168 * 34 * 2 < rates["tpu_mlp1"] < 168 * 34 * 2


def test_the_array_of_cnn0_works_as_counted_by_hand():
    """256 cycles for the first tile, then 2888 rows a tile, then the way out of the last one; one column at the end."""
    tiles, cols = [2, *[9] * 14, 1], [*[256] * 15, 1]
    cycles = sum(256 + t * 2888 + 256 + c - 2 for t, c in zip(tiles, cols, strict=True))
    summary = simulate(load_hardware(TPU), load_workload("tpu_cnn0")).summary
    assert summary["compute_cycles"] == cycles
    assert cycles > 0.8 * summary["total_cycles"]


def test_activations_stay_on_the_chip():
    rows = simulate(load_hardware(TPU), load_workload("tpu_cnn0")).rows
    assert [row.on_chip for row in rows[:-1]] == ["ofmap", *["ifmap ofmap"] * (len(rows) - 2)]


def test_measured_times_of_eyeriss_add_up_to_the_tables_totals(rows):
    for name in SIMULATED:
        own = group(rows, name)
        if own[-1].name == ALL:
            assert sum(row.measured for row in own[:-1]) == own[-1].measured
            assert sum(row.simulated for row in own[:-1]) == pytest.approx(own[-1].simulated, abs=len(own))
            assert all(row.band is None and "row-stationary" in row.note for row in own)


def test_eyeriss_on_its_array_is_the_sum_of_its_folds(rows):
    """K + rows used + columns used - 2 cycles and 12 of drain for each 12 x 14 outputs."""
    own = {row.name: row.simulated for row in group(rows, "Eyeriss us, os array")}
    clock_mhz = load_hardware(EYERISS).clock_mhz
    for layer in simulate(load_hardware(EYERISS), load_workload(ALEXNET, [f"batch={BATCH}"])).rows:
        if layer.layer in own:
            cycles = 0
            for row in range(ceil(layer.m / 12)):
                for column in range(ceil(layer.n / 14)):
                    used = min(12, layer.m - 12 * row) + min(14, layer.n - 14 * column)
                    cycles += layer.groups * (layer.k + used - 2 + 12)
            assert own[layer.layer] == round(cycles / clock_mhz)
