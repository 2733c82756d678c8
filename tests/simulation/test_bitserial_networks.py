"""Bit-serial units in whole runs: published cycle counts, stepped against closed, energy by the bit."""

import json

import pytest
from strategies.bitserial_runs import PROFILES, machine, small

import accelsim
from accelsim.workload.network import set_width
from accelsim.workload.precision_profiles import apply_profile, read_profile


def profiled(name, network, *settings):
    workload = accelsim.load_workload(network)
    profile = read_profile(PROFILES, network.removesuffix("_grouped"), "100%")
    hardware = accelsim.load_hardware(name, settings)
    return accelsim.simulate(hardware, apply_profile(workload, profile))


def convolution_cycles(result):
    return sum(row.compute_cycles for row in result.rows if row.kind in ("conv2d", "grouped"))


# Judd et al., MICRO 2016, by the cycle formulas of the two units; widths from memory of its table, unverified
@pytest.mark.parametrize(
    ("network", "parallel", "serial"),
    [("alexnet_grouped", 312_705, 145_722), ("vgg_19", 7_225_344, 5_370_912)],
)
def test_cycles_of_stripes_and_its_baseline(network, parallel, serial):
    assert convolution_cycles(profiled("dadiannao", network)) == parallel
    assert convolution_cycles(profiled("stripes", network)) == serial


def test_layers_and_convolutions_say_their_speedup():
    result = profiled("stripes", "alexnet_grouped")
    assert result.summary["bit_slots"]["convolutions"]["speedup"] == pytest.approx(312_705 / 145_722)
    conv1, fc = result.rows[0], result.rows[-2]
    assert conv1.ideal_speedup == pytest.approx(16 / 9)
    assert 1 < conv1.speedup < 16 / 9
    assert fc.ideal_speedup == 1
    assert all(row.speedup is None for row in result.rows if not row.macs)


def test_unpacked_first_layer():
    unpacked = [profiled(name, "alexnet_grouped", "engine.pack_first_layer=false") for name in ("dadiannao", "stripes")]
    parallel, serial = map(convolution_cycles, unpacked)
    assert parallel / serial == pytest.approx(1.948, abs=5e-4)


def test_half_the_bits_take_half_the_cycles_on_every_convolution():
    workload = accelsim.load_workload("alexnet_grouped")
    wide, narrow = (accelsim.simulate(accelsim.load_hardware("stripes"), set_width(workload, bits)) for bits in (16, 8))
    pairs = [(a, b) for a, b in zip(wide.rows, narrow.rows, strict=True) if a.kind in ("conv2d", "grouped")]
    assert len(pairs) == 5
    assert all(a.compute_cycles == 2 * b.compute_cycles for a, b in pairs)


@pytest.mark.parametrize("serial", ["none", "activations", "weights", "both"])
@pytest.mark.parametrize("pack", ["false", "true"])
@pytest.mark.parametrize("bits", [3, 8])
def test_stepped_equals_closed(serial, pack, bits):
    hardware = machine(serial, f", pack_first_layer: {pack}")
    stepped, closed = (accelsim.simulate(hardware, small(bits), fidelity) for fidelity in ("stepped", "closed"))
    assert stepped.rows == closed.rows
    assert stepped.summary["verified"]
    assert [row.macs for row in closed.rows] == [node.macs for node in small().nodes]


@pytest.mark.parametrize("skip", ["dynamic", "essential"])
def test_values_decide_and_the_summary_says_which(skip):
    plain = accelsim.simulate(machine(), small())
    skipping = machine(more=f", skip: {skip}, column_registers: 1")
    results = [accelsim.simulate(skipping, small(), fidelity) for fidelity in ("closed", "stepped")]
    assert results[0].rows == results[1].rows
    assert results[0].summary["compute_cycles"] < plain.summary["compute_cycles"]
    assert "half-normal" in results[0].summary["operands"]["synthetic"]
    slots = results[0].summary["bit_slots"]
    others = ("ideal_speedup", "speedup", "convolutions", "total")
    assert sum(value for name, value in slots.items() if name not in others) == slots["total"]
    assert slots["skipped"] < 0


def test_no_weights_are_drawn_to_count_what_activations_decide(monkeypatch):
    skipping = machine(more=", skip: essential")
    stepped = accelsim.simulate(skipping, small(), "stepped")
    monkeypatch.setattr("accelsim.workload.random_operands.draw_weights", None)
    assert accelsim.simulate(skipping, small()).rows == stepped.rows


@pytest.mark.parametrize("name", ["dadiannao", "stripes", "pragmatic", "loom", "unpu"])
def test_every_bit_serial_hardware_runs(name):
    result = accelsim.simulate(accelsim.load_hardware(name), accelsim.load_workload("resnet8"))
    assert result.summary["macs"] == 12_501_632
    assert result.summary["energy_pj_by_component"]["mac"] > 0


def test_bit_steps_are_paid_by_the_bit():
    eight, four = (accelsim.simulate(machine(), small(bits)).summary["energy_pj_by_component"] for bits in (8, 4))
    assert eight["mac"] == pytest.approx(2 * four["mac"])


@pytest.mark.parametrize("name", ["dadiannao", "stripes"])
def test_what_multiplying_costs(name):
    result = accelsim.simulate(accelsim.load_hardware(name, ["engine.pack_first_layer=false"]), small(8))
    per_mac = 8 * 0.05 if name == "stripes" else 0.8 + 0.2  # pJ; a 16-bit product by rule and a 64-bit addition
    assert result.summary["energy_pj_by_component"]["mac"] == pytest.approx(result.summary["macs"] * per_mac)


def test_reasons_of_packed_and_streamed_products():
    hardware = accelsim.load_hardware("stripes", ["dram.bandwidth_gb_s=100000", "dram.latency_ns=0"])
    first, *_, fc = accelsim.simulate(hardware, accelsim.load_workload("alexnet_grouped")).rows[:9]
    assert first.reason.startswith("16 of 16 lanes")  # 3 channels x 4 x 4
    assert "16 of 16 windows" in fc.reason


def test_on_the_command_line(tmp_path, command):
    code, out, _ = command(
        "run", "alexnet_grouped", "--hw", "stripes", "--precision-profile", PROFILES, "--accuracy", "99%", "--json"
    )
    summary = json.loads(out)
    assert code == 0
    assert any("from memory" in note for note in summary["notes"])
    assert summary["bit_slots"]["ideal_speedup"] > summary["bit_slots"]["speedup"] > 1
    assert command("run", "resnet8", "--hw", "stripes", "--precision", "fp16")[0] == 2
    assert command("run", "resnet8", "--hw", "stripes", "--tensors", tmp_path / "none")[0] == 2
    assert command("run", "resnet8", "--hw", "stripes", "--precision-profile", PROFILES)[0] == 2
    assert command("run", "resnet8", "--hw", "stripes", "--precision", "int4", "--json")[0] == 0
    assert "give --precision-profile" in command("run", "resnet8", "--accuracy", "99%")[2]
    wide = command("run", "resnet8", "--hw", "stripes", "--set", "workload.activation_bits=17")
    assert wide[0] == 2
    assert "17-bit operands do not fit the engine's 16 bits (engine.pe_bits); allowed: 1 to 16" in wide[2]
    shipped = command("run", "alexnet_grouped", "--hw", "stripes", "--precision-profile", "stripes", "--json")
    assert json.loads(shipped[1])["compute_cycles"] > summary["compute_cycles"]  # more accuracy, more bits
    assert "did you mean 'stripes'" in command("run", "resnet8", "--precision-profile", "stripe")[2]
