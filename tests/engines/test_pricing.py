"""Prices of a machine by its engine: what a step of its arithmetic, its registers and its voltages cost."""

import math
from dataclasses import replace

import numpy as np
import pytest
from strategies.prices import CMOS45, hardware
from strategies.settings import IDEAL

import accelsim
from accelsim.config import UserError
from accelsim.energy.prices import COMPONENTS, Activity, price
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.engines.table import build_engine
from accelsim.load import load_hardware, load_workload


@pytest.mark.parametrize(
    ("settings", "pj"),
    [  # cmos45: an addition costs 0.1 pJ at 32 bits, 0.05 at 16 (Horowitz, ISSCC 2014, Fig. 1.1.9), else in proportion
        (["engine.serial=weights"], 0.05),
        (["engine.bits_per_cycle=4"], 4 * 0.05),
        (["engine.serial=weights", "engine.bits_per_cycle=4"], 0.05),
        (["engine.skip=essential", "engine.bits_per_cycle=4"], 0.05),
        (["engine.serial=both"], 5 * 0.1 / 32),  # counting 16 lanes takes five bits
    ],
)
def test_price_of_a_bit_step(settings, pj):
    hardware = accelsim.load_hardware("stripes", settings)
    table = price_hardware(hardware, load_technology("cmos45"))
    assert table.bit_step_pj == pytest.approx(pj)
    assert table.mac_pj == 0


@pytest.mark.parametrize(
    ("engine", "bits"),
    [
        ({"kind": "systolic", "rows": 4, "cols": 8, "dataflow": "ws"}, 8 + 32),
        ({"kind": "systolic", "rows": 4, "cols": 8, "dataflow": "os"}, 2 * 8 + 32),
        ({"kind": "systolic", "rows": 4, "cols": 8, "dataflow": "is", "precision": "int16"}, 16 + 64),
        ({"kind": "bitserial", "tiles": 1, "rows": 4, "cols": 2, "lanes": 16, "serial": "activations"}, 1 + 64 / 16),
        ({"kind": "bitserial", "tiles": 1, "rows": 4, "cols": 1, "lanes": 16, "serial": "none"}, 2 * 16 + 64 / 16),
    ],
)
def test_registers_are_what_moves_in_a_step(engine, bits):
    machine = hardware(engine=engine)
    table = price_hardware(machine, CMOS45)
    assert build_engine(machine.engine).datapath(CMOS45).register_bits == bits
    pitch_mm = math.sqrt(table.area_mm2["engine"] / build_engine(machine.engine).pes)
    per_bit = 0.00794 + 0.00106 + 0.04 * pitch_mm
    assert table.register_pj == pytest.approx(bits * per_bit)
    assert price(Activity(register_steps=7), table)["registers"] == pytest.approx(7 * bits * per_bit)
    assert build_engine(machine.engine).flip_flops >= bits * build_engine(machine.engine).pes


def test_gated_multipliers_still_pass_their_operands_on():
    from accelsim.load import load_hardware, load_workload
    from accelsim.simulation.network import simulate

    network = load_workload("ad_autoencoder", ["workload.weight_sparsity=0.5"])
    parts = [
        simulate(load_hardware("edge_npu", ["dram.fidelity=ideal", f"engine.zero_gating={gated}"]), network).summary[
            "energy_pj_by_component"
        ]
        for gated in (False, True)
    ]
    assert parts[0]["registers"] == parts[1]["registers"] > 0
    assert parts[1]["mac"] == pytest.approx(parts[0]["mac"] / 2, rel=1e-3)


VOLTAGES = {
    **dict.fromkeys(("mac", "registers", "vector"), "logic"),
    **dict.fromkeys(("sram_ifmap", "sram_weight", "sram_ofmap"), "sram"),
}


@pytest.mark.parametrize("setting", ["technology.voltage_v=0.6", "technology.sram_voltage_v=0.9"])
def test_a_voltage_moves_what_it_feeds_and_nothing_else(setting):
    network = load_workload("ds_cnn_kws")
    plain, fed = (
        accelsim.simulate(load_hardware("edge_npu", [IDEAL, *more]), network).summary for more in ([], [setting])
    )
    volts = float(setting.partition("=")[2])
    own = {"logic": 0.9, "sram": 0.7}  # the operations' table, and CACTI 7's 45 nm low-operating-power cells
    fed_sram = {"sram": volts} if "sram_voltage" in setting else {"sram": volts, "logic": volts}
    for name in COMPONENTS:
        before, after = plain["energy_pj_by_component"][name], fed["energy_pj_by_component"][name]
        supply = VOLTAGES.get(name)
        if name.startswith("leakage"):
            supply = name.partition("_")[2]
            times = fed_sram.get(supply, own[supply]) / own[supply]
            expected = times * np.exp(3 * (fed_sram.get(supply, own[supply]) - own[supply]))
        else:
            expected = (fed_sram.get(supply, own[supply]) / own[supply]) ** 2 if supply else 1
        assert after == pytest.approx(before * expected, rel=1e-12), name
    assert any("voltage" in constant["name"] for constant in fed["sources"])


def test_a_machine_at_its_reference_voltages_is_the_machine():
    technology = load_technology("cmos45")
    plain = price_hardware(load_hardware("edge_npu"), technology)
    stated = ["technology.voltage_v=0.9", "technology.sram_voltage_v=0.7"]
    same = price_hardware(load_hardware("edge_npu", stated), technology)
    assert replace(same, constants=()) == replace(plain, constants=())


def test_a_voltage_below_the_threshold_is_told():
    hardware = load_hardware("edge_npu", [IDEAL, "technology.voltage_v=0.3"])
    with pytest.raises(UserError, match=r"voltage_v: should be above the threshold of cmos45, 0.35 V, got 0.3"):
        accelsim.simulate(hardware, load_workload("ad_autoencoder"))
