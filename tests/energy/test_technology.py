"""Operation energies against their tables and rules."""

import pytest

from accelsim.config import UserError
from accelsim.energy.operations import price_float_multiply, price_integer_add, price_integer_multiply
from accelsim.energy.technology import PricedOperation, load_technology, read_unverified_operations

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
    assert price_integer_multiply(cmos45, 32, 32) is cmos45.operations["int32_mul"]
    assert price_integer_add(cmos45, 16) is cmos45.operations["int16_add"]
    assert price_float_multiply(cmos45, "fp16") is cmos45.operations["fp16_mul"]


@pytest.mark.parametrize(("a", "b", "pj"), [(8, 8, 0.2), (4, 4, 0.05), (2, 2, 0.0125), (16, 16, 0.8), (8, 4, 0.1)])
def test_multipliers_scale_with_both_widths(cmos45, a, b, pj):
    assert price_integer_multiply(cmos45, a, b).energy_pj == pytest.approx(pj)


def test_the_multiplier_rule_meets_the_listed_32_bits_within_its_stated_error(cmos45):
    others = {name: operation for name, operation in cmos45.operations.items() if name != "int32_mul"}
    ruled = price_integer_multiply(cmos45.model_copy(update={"operations": others}), 32, 32)
    assert ruled.source == "rule: int8_mul x 32 x 32 / 64"
    assert ruled.energy_pj / 3.1 == pytest.approx(1.03, abs=0.005)
    assert ruled.area_um2 / 3495 == pytest.approx(1.29, abs=0.005)


def test_adders_scale_with_their_width(cmos45):
    assert price_integer_add(cmos45, 64).energy_pj == pytest.approx(0.2)


def test_the_float_rule_meets_an_independent_bf16_multiplier():
    """Jouppi ISCA 2021, Table 2, 7 nm (from memory): fp16 0.34, fp32 1.31, bf16 0.21 pJ."""
    seven_nm = {
        "fp16_mul": PricedOperation(energy_pj=0.34, source="Jouppi"),
        "fp32_mul": PricedOperation(energy_pj=1.31, source="Jouppi"),
    }
    technology = load_technology("cmos45").model_copy(update={"operations": seven_nm})
    assert price_float_multiply(technology, "bf16").energy_pj == pytest.approx(0.21, rel=0.05)


def test_bf16_at_45_nm(cmos45):
    assert price_float_multiply(cmos45, "bf16").energy_pj == pytest.approx(1.1 - 2.6 * (11**2 - 8**2) / (24**2 - 11**2))


def test_logic_leakage_at_its_reference_and_below(cmos45):
    """HotSpot's default: 1.5e4 W/m2 at 383.15 K, 3.6 % less for each kelvin below."""
    assert cmos45.logic_leakage_mw(0.5e6, 383.15) == pytest.approx(15)  # 0.5 mm2 of units, 1 mm2 with their registers
    assert cmos45.logic_leakage_mw(0.5e6, 382.15) == pytest.approx(15 * 0.9646, rel=1e-4)


def test_unknown_technology():
    with pytest.raises(UserError, match=r"technology.name: 'cmos455' is not known; did you mean 'cmos45'\?"):
        load_technology("cmos455")


def test_seven_nanometres_are_held_against_a_table_that_is_marked(command):
    seven = load_technology("cmos7")
    others = read_unverified_operations(seven)
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
    assert read_unverified_operations(load_technology("cmos45")) == {}
