"""SRAM banks against CACTI's rows: exact where it has one, between its neighbours elsewhere, and never beyond."""

import csv
from collections import defaultdict
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import UserError
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.sram_banks import Bank, SramCells, interpolate_bank, interpolate_switch, read_sram_cells

TABLE = "sram_cacti7.csv"


NODES_AND_CELLS = [
    (node, cell)
    for node in (22, 32, 45, 65, 90)
    for cell in ("itrs-hp", "itrs-lop", "itrs-lstp")
    if (node, cell) != (90, "itrs-lop")
]


CELLS_45 = ("itrs-hp", "itrs-lop", "itrs-lstp")


def rows(**wanted):
    """Rows of the table with these texts in these columns, banks without power gating only."""
    with (locate_hwconfigs() / "technology" / TABLE).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["array_power_gating"] == "False" and all(row[c] == str(v) for c, v in wanted.items()):
                yield row


def grid(node, cell, temperature_k):
    return list(rows(tech_nm=node, cell=cell, periph=cell, temp_K=temperature_k))


def leakage_mw(row):
    return float(row["leak_mW"]) + float(row["gate_leak_mW"])


@pytest.mark.parametrize(("node", "cell"), NODES_AND_CELLS)
def test_banks_are_exact_at_every_row_of_the_grid(node, cell):
    cells = read_sram_cells(TABLE, node, cell)
    listed = grid(node, cell, 350)
    assert len(listed) >= 14
    for row in listed:
        bank = interpolate_bank(cells, int(row["size_B"]), int(row["width_bits"]), 350)
        assert bank.read_pj == float(row["read_pJ"])
        assert bank.write_pj == float(row["write_pJ"])
        assert bank.access_ns == float(row["access_ns"])
        assert bank.leakage_mw == pytest.approx(leakage_mw(row), rel=1e-12)


@pytest.mark.parametrize(("node", "cell"), NODES_AND_CELLS)
def test_leakage_is_exact_at_every_listed_temperature_and_only_grows(node, cell):
    cells = read_sram_cells(TABLE, node, cell)
    listed = list(rows(tech_nm=node, cell=cell, periph=cell, size_B=32768, width_bits=64))
    sound = [row for row in listed if (node, cell, row["temp_K"]) != (22, "itrs-lstp", "360")]
    for row in sound:
        bank = interpolate_bank(cells, 32768, 64, float(row["temp_K"]))
        assert bank.leakage_mw == pytest.approx(leakage_mw(row), rel=1e-12)
        assert bank.read_pj == float(row["read_pJ"])
    leakages = [interpolate_bank(cells, 32768, 64, kelvin).leakage_mw for kelvin in range(300, 401, 5)]
    assert all(cold < warm for cold, warm in pairwise(leakages))


@pytest.mark.parametrize("node", [22, 45])
def test_one_sample_carries_temperature_to_every_size(node):
    """The table lists lstp banks of all sizes at 300 K too; scaled from 350 K by the 32 KiB bank they agree."""
    cells = read_sram_cells(TABLE, node, "itrs-lstp")
    listed = grid(node, "itrs-lstp", 300)
    assert len(listed) == 14
    for row in listed:
        bank = interpolate_bank(cells, int(row["size_B"]), int(row["width_bits"]), 300)
        assert bank.leakage_mw == pytest.approx(leakage_mw(row), rel=1e-4)


def test_the_faulty_point_is_bridged():
    """22 nm lstp: the table has half of 350 K's leakage at 360 K."""
    cells = read_sram_cells(TABLE, 22, "itrs-lstp")
    low, middle, high = (interpolate_bank(cells, 32768, 64, kelvin).subthreshold_mw for kelvin in (350, 360, 370))
    assert middle == pytest.approx((low * high) ** 0.5)


def test_the_faulty_grid_is_refused():
    with pytest.raises(UserError, match="no sound rows for itrs-lop cells at 90 nm"):
        read_sram_cells(TABLE, 90, "itrs-lop")


@given(st.sampled_from(CELLS_45), st.sampled_from((64, 128, 256)), st.lists(st.floats(4096, 2**23), min_size=2))
def test_a_larger_bank_costs_more(cell, width, sizes):
    banks = [interpolate_bank(read_sram_cells(TABLE, 45, cell), size, width, 350) for size in sorted(sizes)]
    for small, large in pairwise(banks):
        for figure in ("read_pj", "write_pj", "area_mm2", "access_ns", "leakage_mw"):
            assert getattr(small, figure) <= getattr(large, figure) * (1 + 1e-12)


@given(st.floats(1024, 2**23), st.floats(300, 400))
def test_between_two_rows_lies_between_their_values(size, kelvin):
    cells = read_sram_cells(TABLE, 45, "itrs-lop")
    sizes = list(cells.banks[64])
    low, high = max(s for s in sizes if s <= size), min(s for s in sizes if s >= size)
    cold, warm = kelvin // 10 * 10, -(-kelvin // 10) * 10
    bank, least, most = (
        interpolate_bank(cells, size, 64, kelvin),
        interpolate_bank(cells, low, 64, cold),
        interpolate_bank(cells, high, 64, warm),
    )
    for figure, lower, upper in zip(bank, least, most, strict=True):
        assert lower * (1 - 1e-12) <= figure <= upper * (1 + 1e-12)


def left_out_errors_percent(cells, figure):
    """Errors at each inner size when its row is left out and its neighbours, 4:1 apart, are interpolated."""
    for width, banks in cells.banks.items():
        for size in list(banks)[1:-1]:
            others = {s: bank for s, bank in banks.items() if s != size}
            bank = interpolate_bank(cells._replace(banks={width: others}), size, width, 350)
            yield abs(getattr(bank, figure) / getattr(banks[size], figure) - 1) * 100


@pytest.mark.parametrize(
    ("figure", "average_percent", "worst_percent"),
    [("read_pj", 8.2, 28.9), ("write_pj", 5.9, 19.4), ("leakage_mw", 2.1, 7.8), ("area_mm2", 5.2, 22.7)],
)
def test_error_of_interpolation_over_size(figure, average_percent, worst_percent):
    """Measured over the three 45 nm classes; over the table's own 2:1 steps the errors must be smaller."""
    errors = [e for cell in CELLS_45 for e in left_out_errors_percent(read_sram_cells(TABLE, 45, cell), figure)]
    assert len(errors) == 113
    assert mean(errors) == pytest.approx(average_percent, abs=0.05)
    assert max(errors) == pytest.approx(worst_percent, abs=0.05)


def test_error_of_interpolation_over_width():
    """128- and 256-bit banks from 4:1 steps in width, 45 nm hp and lstp (lop is listed at 64 and 256 bits only)."""
    errors = []
    for cell in ("itrs-hp", "itrs-lstp"):
        cells = read_sram_cells(TABLE, 45, cell)
        for low, width, high in ((64, 128, 256), (128, 256, 512)):
            coarse = cells._replace(banks={w: cells.banks[w] for w in (low, high)})
            for size in cells.banks[high]:
                got = interpolate_bank(coarse, size, width, 350).read_pj
                errors.append(abs(got / cells.banks[width][size].read_pj - 1) * 100)
    assert mean(errors) == pytest.approx(9.9, abs=0.05)
    assert max(errors) == pytest.approx(38.4, abs=0.05)


@pytest.mark.parametrize(("name", "size"), [("sram8KB_64b", 2**13), ("sram32KB_64b", 2**15), ("sram1MB_64b", 2**20)])
def test_cacti_and_horowitz_agree_within_a_factor_of_two(cmos45, name, size):
    cacti_pj = interpolate_bank(read_sram_cells(TABLE, 45, "itrs-hp"), size, 64, 350).read_pj
    assert 0.5 < cacti_pj / cmos45.operations[name].energy_pj < 2


@pytest.mark.parametrize(
    ("size", "width", "kelvin", "told"),
    [
        (512, 64, 350, "bank size in bytes: the SRAM table has 1024 to 8388608, got 512"),
        (2**24, 64, 350, "bank size in bytes: the SRAM table has 1024 to 8388608, got 16777216"),
        (2048, 512, 350, "bank size in bytes: the SRAM table has 4096 to 8388608, got 2048"),
        (2048, 32, 350, "bank width in bits: the SRAM table has 64 to 512, got 32"),
        (2048, 64, 299, "temperature in K: the SRAM table has 300 to 400, got 299"),
    ],
)
def test_nothing_is_extrapolated(size, width, kelvin, told):
    with pytest.raises(UserError, match=told):
        interpolate_bank(read_sram_cells(TABLE, 45, "itrs-hp"), size, width, kelvin)


def test_power_gated_and_mixed_rows_are_left_out():
    by_shape = defaultdict(set)
    for row in grid(45, "itrs-hp", 350):
        by_shape[int(row["width_bits"])].add(int(row["size_B"]))
    cells = read_sram_cells(TABLE, 45, "itrs-hp")
    assert isinstance(cells, SramCells)
    assert {width: set(banks) for width, banks in cells.banks.items()} == by_shape
    assert cells.sample == Bank(14.9248, 12.6898, 32.8606, 1.00186, cells.sample.area_mm2, 0.407996)  # CACTI 7


def test_switches_grow_with_the_bank():
    sizes = [2**power for power in range(10, 26)]
    energies = [interpolate_switch("sram_cacti7.csv", size).energy_pj for size in sizes]
    assert energies == sorted(energies)
    assert interpolate_switch("sram_cacti7.csv", 32768).energy_pj == pytest.approx(48.6344)
