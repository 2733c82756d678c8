"""Prices by hand, by conservation and by symmetry."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.prices import CMOS45, TABLE, activities, hardware

from accelsim.config import UserError
from accelsim.energy.prices import COMPONENTS, DYNAMIC, STATIC, Activity, list_sources, price, sum_pj
from accelsim.energy.sram_banks import interpolate_bank, read_sram_cells
from accelsim.engines.pricing import price_hardware


def test_a_price_by_hand():
    """45 nm hp at 350 K: 32 KiB x 64 bits 14.9248 pJ a read, 12.6898 pJ a write (CACTI 7)."""
    activity = Activity(
        cycles=100,
        macs=1000,
        ifmap_read_bits=640,
        ifmap_write_bits=64,
        weight_read_bits=128,
        dram_read_bytes=3,
        dram_write_bytes=1,
        vector_operations={"add": 10, "mul": 1},
    )
    parts = price(activity, TABLE)
    assert parts["mac"] == pytest.approx(300)
    assert parts["vector"] == pytest.approx(10 * 0.1 + 3.1)
    assert parts["sram_ifmap"] == pytest.approx(10 * 14.9248 + 12.6898)
    assert parts["sram_weight"] == pytest.approx(2 * 14.9248)
    assert parts["sram_ofmap"] == 0
    assert parts["dram"] == pytest.approx(32 * 1300 / 64)
    assert parts["dram_standby"] == pytest.approx(7 * 200)  # mW x ns
    assert parts["leakage_sram"] == pytest.approx(TABLE.leakage_sram_mw * 200)


def test_leakage_by_hand():
    """The ifmap bank leaks 32.8606 + 1.00186 mW (CACTI 7); logic 15 mW/mm2 at 383.15 K over twice its units."""
    assert TABLE.buffers["ifmap"].leakage_mw == pytest.approx(33.86246)
    assert TABLE.buffers["weight"].leakage_mw == pytest.approx(2 * 33.86246)
    assert TABLE.leakage_sram_mw == math.fsum(buffer.leakage_mw for buffer in TABLE.buffers.values())
    units_mm2 = (4 * 8 * (282 + 137) + 2 * (137 + 3495)) * 1e-6
    assert TABLE.leakage_logic_mw == pytest.approx(units_mm2 * 2 * 15 * math.exp(0.036 * (350 - 383.15)))


@given(activities(), activities())
def test_activities_and_their_prices_add(a, b):
    assert a + b == b + a
    assert a * 3 == a + a + a == 3 * a
    both, one, other = price(a + b, TABLE), price(a, TABLE), price(b, TABLE)
    assert list(both) == list(COMPONENTS)
    for component in COMPONENTS:
        assert both[component] == pytest.approx(one[component] + other[component], rel=1e-12)
    assert sum_pj(both) == pytest.approx(sum_pj(one) + sum_pj(other), rel=1e-12)


@given(activities())
def test_doing_nothing_adds_nothing(a):
    assert a + Activity() == a
    assert sum_pj(price(Activity(), TABLE)) == 0


def test_idle_cycles_cost_static_energy_alone():
    parts = price(Activity(cycles=1), TABLE)
    assert [name for name, pj in parts.items() if pj] == list(STATIC)
    assert set(DYNAMIC) | set(STATIC) == set(parts)


def test_a_total_of_parts_is_rounded_once():
    assert sum_pj({"a": 1e16, "b": 1.0, "c": -1e16}) == 1.0


@pytest.mark.parametrize("action", ["read_bits", "write_bits"])
def test_a_shared_sram_prices_every_operand_alike_and_leaks_once(action):
    shared = {"shared": {"capacity_kib": 96, "banks": 3, "width_bits": 64}}
    table = price_hardware(hardware(sram=shared), CMOS45)
    operands = ("ifmap", "weight", "ofmap")
    parts = price(Activity(**{f"{operand}_{action}": 64 for operand in operands}), table)
    once_pj = {"read_bits": 14.9248, "write_bits": 12.6898}[action]  # CACTI 7, 45 nm hp, 32 KiB x 64 bits
    assert [parts[f"sram_{operand}"] for operand in operands] == pytest.approx([once_pj] * 3)
    assert table.leakage_sram_mw == pytest.approx(3 * 33.86246)


def one_buffer(**sram):
    return price_hardware(hardware(sram={"shared": sram}), CMOS45)


def test_more_banks_make_accesses_cheaper():
    costs = [one_buffer(capacity_kib=256, banks=banks).ifmap.read_pj_per_bit for banks in (1, 4, 16)]
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == 3


def test_a_buffer_wider_than_the_table_is_made_of_macros():
    wide = one_buffer(capacity_kib=512, banks=2, width_bits=1024).ifmap
    macro = interpolate_bank(read_sram_cells("sram_cacti7.csv", 45, "itrs-hp"), 128 * 1024, 512, 350)
    assert wide.read_pj_per_bit == macro.read_pj / 512
    assert wide.leakage_mw == pytest.approx(4 * macro.leakage_mw)
    assert wide.access_ns == macro.access_ns


def test_a_buffer_narrower_than_the_table_is_priced_at_its_narrowest_with_a_note():
    narrow, least = one_buffer(capacity_kib=32, width_bits=8), one_buffer(capacity_kib=32, width_bits=64)
    assert narrow.ifmap == least.ifmap
    assert least.notes == ()
    assert [note.partition(";")[0] for note in narrow.notes] == ["sram.shared: 8 bits are narrower than the table's 64"]


def test_a_buffer_slower_than_the_clock_gets_a_note():
    slow = price_hardware(hardware(clock_mhz=2500), CMOS45)
    assert [note.partition(" in itrs-hp")[0] for note in slow.notes] == [
        "sram.ifmap: an access takes 0.41 ns",
        "sram.weight: an access takes 0.41 ns",
    ]


def test_a_buffer_outside_the_table_is_named():
    told = r"sram.shared: 512 bytes a bank \(16 KiB in 32\): .*the SRAM table has 1024 to 8388608"
    with pytest.raises(UserError, match=told):
        one_buffer(capacity_kib=16, banks=32)


def test_the_hardware_file_s_dram_energy_wins():
    own = {"bandwidth_gb_s": 1, "latency_ns": 50, "energy_pj_per_bit": 4.0}
    table = price_hardware(hardware(dram=own), CMOS45)
    assert price(Activity(dram_write_bytes=2), table)["dram"] == 64
    assert ("DRAM", 4.0, "pJ/bit", "hardware file, dram.energy_pj_per_bit") in list_sources(table)


def test_every_figure_has_a_name_of_its_own_a_unit_and_a_source():
    told = list_sources(TABLE)
    assert len({constant.name for constant in told}) == len(told)
    assert all(constant.source for constant in told)
    values = {constant.name: constant.value for constant in told}
    assert values["MAC int8"] == TABLE.mac_pj
    assert values["DRAM"] == TABLE.dram_pj_per_bit
    assert values["logic leakage"] == TABLE.leakage_logic_mw
    assert values["DRAM standby"] == TABLE.dram_standby_mw
    assert {kind: values[f"vector {kind}"] for kind in TABLE.vector_pj} == TABLE.vector_pj
    for name, buffer in TABLE.buffers.items():
        listed = (values[f"SRAM {name} read"], values[f"SRAM {name} write"], values[f"SRAM {name} leakage"])
        assert listed == buffer[:3]


def test_area_is_that_of_what_is_listed():
    """32 PEs of an int8 multiplier and a 32-bit adder, two lanes of 32-bit ones, twice that for the rest of a unit."""
    area = TABLE.area_mm2
    assert area["engine"] == pytest.approx(32 * (282 + 137) * 2e-6)
    assert area["vector"] == pytest.approx(2 * (137 + 3495) * 2e-6)
    assert set(area) == {"engine", "vector", "sram_ifmap", "sram_weight", "sram_ofmap"}
    assert area["sram_ifmap"] == TABLE.ifmap.area_mm2
    logic = (area["engine"] + area["vector"]) * CMOS45.logic.leakage_mw_per_mm2 * math.exp(0.036 * (350 - 383.15))
    assert TABLE.leakage_logic_mw == pytest.approx(logic)


CONSTANTS = {  # what moves with a constant of the technology, on an int8 array
    "operations.int8_mul": {"mac"},
    "operations.int32_add": {"mac", "vector"},
    "operations.lookup": {"vector"},
    "operations.dram_bit": {"dram"},
    "operations.mux2_bit": set(),
    "operations.fp32_mul": set(),
    "flip_flop.clock_pj": {"registers"},
    "flip_flop.write_pj": {"registers"},
    "wire.pj_per_bit_mm": {"registers"},
    "logic.leakage_mw_per_mm2": {"leakage_logic"},
    "sram.energy_factor": {"sram_ifmap", "sram_weight", "sram_ofmap"},
}


@pytest.mark.parametrize("path", CONSTANTS)
@given(activity=activities(), factor=st.floats(1.1, 9))
def test_a_constant_moves_what_rests_on_it_and_nothing_else(path, activity, factor):
    section, key = path.split(".")
    before = getattr(CMOS45, section)
    if section == "operations":
        changed = before | {key: before[key].model_copy(update={"energy_pj": before[key].energy_pj * factor})}
    else:
        changed = before.model_copy(update={key: getattr(before, key) * factor})
    other = price_hardware(hardware(), CMOS45.model_copy(update={section: changed}))
    old, new = price(activity, TABLE), price(activity, other)
    moved = {name for name in COMPONENTS if new[name] != old[name]}
    assert moved <= CONSTANTS[path]
    for name in CONSTANTS[path]:
        assert new[name] >= old[name]
    assert math.fsum(new.values()) == pytest.approx(sum_pj(new), rel=1e-12)


def test_every_constant_is_named_with_its_source():
    named = {constant.name: constant for constant in list_sources(TABLE)}
    assert all(constant.source for constant in named.values())
    for name in (
        "MAC int8",
        "registers, a step",
        "vector exp",
        "SRAM ifmap read",
        "SRAM ofmap leakage",
        "DRAM",
        "logic leakage",
        "DRAM standby",
    ):
        assert name in named


def test_leakage_by_part_adds_up():
    parts = TABLE.leakage_mw
    assert parts.keys() == TABLE.area_mm2.keys()
    assert parts["engine"] + parts["vector"] == pytest.approx(TABLE.leakage_logic_mw, rel=1e-12)
    assert sum(parts[f"sram_{name}"] for name in TABLE.buffers) == pytest.approx(TABLE.leakage_sram_mw, rel=1e-12)
