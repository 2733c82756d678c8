"""Operation energies against their tables and rules; SRAM banks against CACTI's rows."""

import csv
from collections import defaultdict
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import UserError
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.node_scaling import node_scaling
from accelsim.energy.operation_rules import float_multiply, integer_add, integer_multiply
from accelsim.energy.sram_banks import Bank, SramCells, bank_at, sram_cells
from accelsim.energy.technology import PricedOperation, load_technology, unverified_operations

TABLE = "sram_cacti7.csv"
NODES_AND_CELLS = [
    (node, cell)
    for node in (22, 32, 45, 65, 90)
    for cell in ("itrs-hp", "itrs-lop", "itrs-lstp")
    if (node, cell) != (90, "itrs-lop")
]
CELLS_45 = ("itrs-hp", "itrs-lop", "itrs-lstp")
HOROWITZ = {  # ISSCC 2014, Fig. 1.1.9, 45 nm, 0.9 V: energy in pJ, area in um2
    "int8_add": (0.03, 36),
    "int16_add": (0.05, 67),
    "int32_add": (0.1, 137),
    "int8_mul": (0.2, 282),
    "int32_mul": (3.1, 3495),
    "fp16_add": (0.4, 1360),
    "fp32_add": (0.9, 4184),
    "fp16_mul": (1.1, 1640),
    "fp32_mul": (3.7, 7700),
    "sram8KB_64b": (10, 0),
    "sram32KB_64b": (20, 0),
    "sram1MB_64b": (100, 0),
    "dram_64b_lo": (1300, 0),
    "dram_64b_hi": (2600, 0),
}


@pytest.fixture(scope="module")
def cmos45():
    return load_technology("cmos45")


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


@pytest.mark.parametrize("name", HOROWITZ)
def test_listed_operations_are_horowitz_s(cmos45, name):
    operation = cmos45.operations[name]
    assert (operation.energy_pj, operation.area_um2) == HOROWITZ[name]
    assert operation.source.startswith("Horowitz ISSCC2014 Fig1.1.9 45nm 0.9V (transcribed from 3 concordant")


def test_the_other_operations_say_that_they_are_rules_or_assumptions_with_a_range(cmos45):
    others = [cmos45.operations[name] for name in cmos45.operations if name not in HOROWITZ]
    told = [entry.source for entry in (*others, *cmos45.vector_operations.values())]
    told += [cmos45.logic.leakage_source, cmos45.logic.area_source]
    assert all(source.startswith("rule: ") or (source.startswith("assumed: ") and " to " in source) for source in told)


def test_derived_entries_follow_their_rules(cmos45):
    operations = cmos45.operations
    assert operations["dram_bit"].energy_pj == operations["dram_64b_lo"].energy_pj / 64
    assert operations["lookup"].energy_pj == operations["sram8KB_64b"].energy_pj / 8


def test_listed_widths_beat_the_rules(cmos45):
    assert integer_multiply(cmos45, 32, 32) is cmos45.operations["int32_mul"]
    assert integer_add(cmos45, 16) is cmos45.operations["int16_add"]
    assert float_multiply(cmos45, "fp16") is cmos45.operations["fp16_mul"]


@pytest.mark.parametrize(("a", "b", "pj"), [(8, 8, 0.2), (4, 4, 0.05), (2, 2, 0.0125), (16, 16, 0.8), (8, 4, 0.1)])
def test_multipliers_scale_with_both_widths(cmos45, a, b, pj):
    assert integer_multiply(cmos45, a, b).energy_pj == pytest.approx(pj)


def test_the_multiplier_rule_meets_the_listed_32_bits_within_its_stated_error(cmos45):
    others = {name: operation for name, operation in cmos45.operations.items() if name != "int32_mul"}
    ruled = integer_multiply(cmos45.model_copy(update={"operations": others}), 32, 32)
    assert ruled.source == "rule: int8_mul x 32 x 32 / 64"
    assert ruled.energy_pj / 3.1 == pytest.approx(1.03, abs=0.005)
    assert ruled.area_um2 / 3495 == pytest.approx(1.29, abs=0.005)


def test_adders_scale_with_their_width(cmos45):
    assert integer_add(cmos45, 64).energy_pj == pytest.approx(0.2)


def test_the_float_rule_meets_an_independent_bf16_multiplier():
    """Jouppi ISCA 2021, Table 2, 7 nm (from memory): fp16 0.34, fp32 1.31, bf16 0.21 pJ."""
    seven_nm = {
        "fp16_mul": PricedOperation(energy_pj=0.34, source="Jouppi"),
        "fp32_mul": PricedOperation(energy_pj=1.31, source="Jouppi"),
    }
    technology = load_technology("cmos45").model_copy(update={"operations": seven_nm})
    assert float_multiply(technology, "bf16").energy_pj == pytest.approx(0.21, rel=0.05)


def test_bf16_at_45_nm(cmos45):
    assert float_multiply(cmos45, "bf16").energy_pj == pytest.approx(1.1 - 2.6 * (11**2 - 8**2) / (24**2 - 11**2))


def test_logic_leakage_at_its_reference_and_below(cmos45):
    """HotSpot's default: 1.5e4 W/m2 at 383.15 K, 3.6 % less for each kelvin below."""
    assert cmos45.logic_leakage_mw(0.5e6, 383.15) == pytest.approx(15)  # 0.5 mm2 of units, 1 mm2 with their registers
    assert cmos45.logic_leakage_mw(0.5e6, 382.15) == pytest.approx(15 * 0.9646, rel=1e-4)


def test_unknown_technology():
    with pytest.raises(UserError, match=r"technology.name: 'cmos455' is not known; did you mean 'cmos45'\?"):
        load_technology("cmos455")


@pytest.mark.parametrize(("node", "cell"), NODES_AND_CELLS)
def test_banks_are_exact_at_every_row_of_the_grid(node, cell):
    cells = sram_cells(TABLE, node, cell)
    listed = grid(node, cell, 350)
    assert len(listed) >= 14
    for row in listed:
        bank = bank_at(cells, int(row["size_B"]), int(row["width_bits"]), 350)
        assert bank.read_pj == float(row["read_pJ"])
        assert bank.write_pj == float(row["write_pJ"])
        assert bank.access_ns == float(row["access_ns"])
        assert bank.leakage_mw == pytest.approx(leakage_mw(row), rel=1e-12)


@pytest.mark.parametrize(("node", "cell"), NODES_AND_CELLS)
def test_leakage_is_exact_at_every_listed_temperature_and_only_grows(node, cell):
    cells = sram_cells(TABLE, node, cell)
    listed = list(rows(tech_nm=node, cell=cell, periph=cell, size_B=32768, width_bits=64))
    sound = [row for row in listed if (node, cell, row["temp_K"]) != (22, "itrs-lstp", "360")]
    for row in sound:
        bank = bank_at(cells, 32768, 64, float(row["temp_K"]))
        assert bank.leakage_mw == pytest.approx(leakage_mw(row), rel=1e-12)
        assert bank.read_pj == float(row["read_pJ"])
    leakages = [bank_at(cells, 32768, 64, kelvin).leakage_mw for kelvin in range(300, 401, 5)]
    assert all(cold < warm for cold, warm in pairwise(leakages))


@pytest.mark.parametrize("node", [22, 45])
def test_one_sample_carries_temperature_to_every_size(node):
    """The table lists lstp banks of all sizes at 300 K too; scaled from 350 K by the 32 KiB bank they agree."""
    cells = sram_cells(TABLE, node, "itrs-lstp")
    listed = grid(node, "itrs-lstp", 300)
    assert len(listed) == 14
    for row in listed:
        bank = bank_at(cells, int(row["size_B"]), int(row["width_bits"]), 300)
        assert bank.leakage_mw == pytest.approx(leakage_mw(row), rel=1e-4)


def test_the_faulty_point_is_bridged():
    """22 nm lstp: the table has half of 350 K's leakage at 360 K."""
    cells = sram_cells(TABLE, 22, "itrs-lstp")
    low, middle, high = (bank_at(cells, 32768, 64, kelvin).subthreshold_mw for kelvin in (350, 360, 370))
    assert middle == pytest.approx((low * high) ** 0.5)


def test_the_faulty_grid_is_refused():
    with pytest.raises(UserError, match="no sound rows for itrs-lop cells at 90 nm"):
        sram_cells(TABLE, 90, "itrs-lop")


@given(st.sampled_from(CELLS_45), st.sampled_from((64, 128, 256)), st.lists(st.floats(4096, 2**23), min_size=2))
def test_a_larger_bank_costs_more(cell, width, sizes):
    banks = [bank_at(sram_cells(TABLE, 45, cell), size, width, 350) for size in sorted(sizes)]
    for small, large in pairwise(banks):
        for figure in ("read_pj", "write_pj", "area_mm2", "access_ns", "leakage_mw"):
            assert getattr(small, figure) <= getattr(large, figure) * (1 + 1e-12)


@given(st.floats(1024, 2**23), st.floats(300, 400))
def test_between_two_rows_lies_between_their_values(size, kelvin):
    cells = sram_cells(TABLE, 45, "itrs-lop")
    sizes = list(cells.banks[64])
    low, high = max(s for s in sizes if s <= size), min(s for s in sizes if s >= size)
    cold, warm = kelvin // 10 * 10, -(-kelvin // 10) * 10
    bank, least, most = bank_at(cells, size, 64, kelvin), bank_at(cells, low, 64, cold), bank_at(cells, high, 64, warm)
    for figure, lower, upper in zip(bank, least, most, strict=True):
        assert lower * (1 - 1e-12) <= figure <= upper * (1 + 1e-12)


def left_out_errors_percent(cells, figure):
    """Errors at each inner size when its row is left out and its neighbours, 4:1 apart, are interpolated."""
    for width, banks in cells.banks.items():
        for size in list(banks)[1:-1]:
            others = {s: bank for s, bank in banks.items() if s != size}
            bank = bank_at(cells._replace(banks={width: others}), size, width, 350)
            yield abs(getattr(bank, figure) / getattr(banks[size], figure) - 1) * 100


@pytest.mark.parametrize(
    ("figure", "average_percent", "worst_percent"),
    [("read_pj", 8.2, 28.9), ("write_pj", 5.9, 19.4), ("leakage_mw", 2.1, 7.8), ("area_mm2", 5.2, 22.7)],
)
def test_error_of_interpolation_over_size(figure, average_percent, worst_percent):
    """Measured over the three 45 nm classes; over the table's own 2:1 steps the errors must be smaller."""
    errors = [e for cell in CELLS_45 for e in left_out_errors_percent(sram_cells(TABLE, 45, cell), figure)]
    assert len(errors) == 113
    assert mean(errors) == pytest.approx(average_percent, abs=0.05)
    assert max(errors) == pytest.approx(worst_percent, abs=0.05)


def test_error_of_interpolation_over_width():
    """128- and 256-bit banks from 4:1 steps in width, 45 nm hp and lstp (lop is listed at 64 and 256 bits only)."""
    errors = []
    for cell in ("itrs-hp", "itrs-lstp"):
        cells = sram_cells(TABLE, 45, cell)
        for low, width, high in ((64, 128, 256), (128, 256, 512)):
            coarse = cells._replace(banks={w: cells.banks[w] for w in (low, high)})
            for size in cells.banks[high]:
                got = bank_at(coarse, size, width, 350).read_pj
                errors.append(abs(got / cells.banks[width][size].read_pj - 1) * 100)
    assert mean(errors) == pytest.approx(9.9, abs=0.05)
    assert max(errors) == pytest.approx(38.4, abs=0.05)


@pytest.mark.parametrize(("name", "size"), [("sram8KB_64b", 2**13), ("sram32KB_64b", 2**15), ("sram1MB_64b", 2**20)])
def test_cacti_and_horowitz_agree_within_a_factor_of_two(cmos45, name, size):
    cacti_pj = bank_at(sram_cells(TABLE, 45, "itrs-hp"), size, 64, 350).read_pj
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
        bank_at(sram_cells(TABLE, 45, "itrs-hp"), size, width, kelvin)


def test_power_gated_and_mixed_rows_are_left_out():
    by_shape = defaultdict(set)
    for row in grid(45, "itrs-hp", 350):
        by_shape[int(row["width_bits"])].add(int(row["size_B"]))
    cells = sram_cells(TABLE, 45, "itrs-hp")
    assert isinstance(cells, SramCells)
    assert {width: set(banks) for width, banks in cells.banks.items()} == by_shape
    assert cells.sample == Bank(14.9248, 12.6898, 32.8606, 1.00186, cells.sample.area_mm2, 0.407996)  # CACTI 7


NODES = {"cmos65": (65, 1.1), "cmos32": (32, 0.9), "cmos16": (16, 0.8), "cmos7": (7, 0.75)}
FITS = {
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    16: (0.2958, -0.1241, 0.03024),
    7: (0.1776, -0.09097, 0.02447),
}  # Stillmaker and Baas 2017


@pytest.mark.parametrize("name", NODES)
def test_other_nodes_are_scaled_by_the_fits(name, cmos45):
    node, volts = NODES[name]
    scaled = load_technology(name)
    energies = [e2 * v * v + e1 * v + e0 for v, (e2, e1, e0) in ((0.9, FITS[45]), (volts, FITS[node]))]
    factor = energies[1] / energies[0]
    for operation, before in cmos45.operations.items():
        after = scaled.operations[operation]
        if operation.startswith("dram"):
            assert after == before
        else:
            assert after.energy_pj == pytest.approx(before.energy_pj * factor, rel=1e-9)
            assert after.area_um2 == pytest.approx(before.area_um2 * (node / 45) ** 2)
            assert "Stillmaker" in after.source
    assert scaled.flip_flop.clock_pj == pytest.approx(cmos45.flip_flop.clock_pj * factor)
    assert scaled.wire.pj_per_bit_mm == pytest.approx(cmos45.wire.pj_per_bit_mm * (volts / 0.9) ** 2)
    assert (scaled.node_nm, scaled.reference_voltage_v) == (node, volts)
    assert any("trust it within" in note for note in scaled.notes)


def test_nodes_get_leaner_and_denser():
    chain = [load_technology(name) for name in ("cmos65", "cmos45", "cmos32", "cmos16", "cmos7")]
    for larger, smaller in pairwise(chain):
        assert smaller.operations["int8_mul"].energy_pj < larger.operations["int8_mul"].energy_pj
        assert smaller.operations["int8_mul"].area_um2 < larger.operations["int8_mul"].area_um2


def test_seven_nanometres_are_held_against_a_table_that_is_marked(command):
    seven = load_technology("cmos7")
    others = unverified_operations(seven)
    assert all("FROM MEMORY" in source for _, source in others.values())
    ratios = [
        pj / seven.operations[name].energy_pj
        for name, (pj, _) in others.items()
        if name in seven.operations and not name.startswith("sram")
    ]
    assert 2 < min(ratios) < max(ratios) < 8
    status, shown, _ = command("show", "cmos7")
    assert status == 0
    assert "UNVERIFIED" in shown
    assert unverified_operations(load_technology("cmos45")) == {}


def test_nodes_that_are_not_there_are_told():
    with pytest.raises(UserError, match=r"no scaling called 'dennard\.csv'; allowed: technology_scaling"):
        node_scaling("dennard.csv", (45, 0.9), (32, 0.9))
    with pytest.raises(UserError, match="has no 28 nm; allowed: 65, 45, 32"):
        node_scaling("technology_scaling_stillmaker2017.csv", (45, 0.9), (28, 0.9))
