"""Bit-serial units in whole runs: published cycle counts, precision profiles, real tensors, stepped against closed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from strategies.convolutions import convolution, product_of
from strategies.networks import read_network

import accelsim
from accelsim.config import UserError
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import energy_table
from accelsim.engines.products import Products
from accelsim.workload.gemm import Gemm
from accelsim.workload.network import set_width
from accelsim.workload.operand_files import read_operands
from accelsim.workload.precision_profiles import Profile, apply_profile, read_profile
from accelsim.workload.random_operands import lower_activations

PROFILES = Path(accelsim.__file__).parent / "anchors" / "stripes_precision_profiles.csv"
SMALL = """
name: small
input: {channels: 3, height: 9, width: 9}
layers:
  - {name: stem, type: conv2d, out_channels: 6, kernel: 3, stride: 2, bias: false, activation: relu}
  - {name: grouped, type: conv2d, out_channels: 4, kernel: 2, groups: 2, bias: false, activation: relu}
  - {name: fc, type: linear, out_features: 5}
"""
UNIT = "engine={kind: bitserial, tiles: 2, rows: 2, cols: 3, lanes: 4, serial: %s%s}"


def small(bits=8):
    return set_width(read_network(SMALL), bits)


def machine(serial="activations", more=""):
    return accelsim.load_hardware("stripes", [UNIT % (serial, more)])


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
    table = energy_table(hardware, load_technology("cmos45"))
    assert table.bit_step_pj == pytest.approx(pj)
    assert table.mac_pj == 0


@pytest.mark.parametrize("name", ["dadiannao", "stripes"])
def test_what_multiplying_costs(name):
    result = accelsim.simulate(accelsim.load_hardware(name, ["engine.pack_first_layer=false"]), small(8))
    per_mac = 8 * 0.05 if name == "stripes" else 0.8 + 0.2  # pJ; a 16-bit product by rule and a 64-bit addition
    assert result.summary["energy_pj_by_component"]["mac"] == pytest.approx(result.summary["macs"] * per_mac)


def test_lanes_that_wait_cost_nothing():
    """One column of sixteen bits keeps fifteen of zeros waiting: 16 + 15 cycles of work in 16 cycles."""
    unit = accelsim.load_hardware(
        "stripes",
        [
            "engine={kind: bitserial, tiles: 1, rows: 1, cols: 16, lanes: 16, serial: activations, skip: dynamic}",
        ],
    ).engine
    products = Products(unit, stepped=False)
    a = np.zeros((1, 16, 16), np.int32)
    a[0, 3, 5] = 65535
    counted = products.count(Gemm(16, 16, 1, 1, 16, 16), 0, (a, np.ones((1, 16, 1), np.int32)))
    assert counted.counts.cycles == 16
    assert products.engine.work(counted).bit_steps in (
        16 * 16,
        (16 + 15) * 16,
    )  # a step is as long as its widest column


def test_reasons_of_packed_and_streamed_products():
    hardware = accelsim.load_hardware("stripes", ["dram.bandwidth_gb_s=100000", "dram.latency_ns=0"])
    first, *_, fc = accelsim.simulate(hardware, accelsim.load_workload("alexnet_grouped")).rows[:9]
    assert first.reason.startswith("16 of 16 lanes")  # 3 channels x 4 x 4
    assert "16 of 16 windows" in fc.reason


# profiles


def test_a_profile_sets_convolutions_by_layer_or_by_group():
    profile = read_profile(PROFILES, "googlenet", "100%")
    workload = apply_profile(accelsim.load_workload("googlenet"), profile)
    bits = {node.layer.name: node.layer.activation_bits for node in workload.nodes}
    assert len(profile.bits) == 11
    assert profile.provenance == "from memory; not re-read"
    assert {bits[name] for name in bits if name.startswith("inception_3a-") and bits[name]} == {profile.bits[2]}
    assert read_profile(PROFILES, "alexnet_grouped", "99%").bits == (9, 7, 4, 5, 7)


def test_a_profile_that_does_not_match_says_the_rule():
    with pytest.raises(UserError, match=r"^p\.csv:3: .*2 entries, 'resnet8' has 9 convolutions.*the rule: one"):
        apply_profile(accelsim.load_workload("resnet8"), Profile((8, 8), "", "p.csv:3"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("network,accuracy\n", "p.csv:1: missing column 'conv_activation_bits'"),
        ("network,accuracy,conv_activation_bits,provenance\nx,100%,8-17,me\n", "p.csv:2: conv_activation_bits: '17'"),
        ("network,accuracy,conv_activation_bits,provenance\nx,100%,8-0,me\n", "p.csv:2: conv_activation_bits: '0'"),
        ("network,accuracy,conv_activation_bits,provenance\nx,100%,8--8,me\n", "p.csv:2: conv_activation_bits: ''"),
        ("network,accuracy,conv_activation_bits,provenance\nx,99%,8,me\n", "'x' has no accuracy '100%'"),
        ("network,accuracy,conv_activation_bits,provenance\ny,99%,8,me\n", "no network 'x'; allowed: y"),
    ],
)
def test_broken_profiles(tmp_path, text, told):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(UserError) as refused:
        read_profile(tmp_path / "p.csv", "x", "100%")
    assert told in str(refused.value)


def test_missing_profile(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_profile(tmp_path / "none.csv", "x", "100%")


# tensors


def tensors(folder, dtype=np.int16, **changes):
    generator = np.random.default_rng(0)
    arrays = {
        "stem.activation": generator.integers(0, 256, (3, 9, 9)),
        "stem.weight": generator.integers(-128, 128, (6, 3, 3, 3)),
        "fc.activation": generator.integers(0, 200, (36,)),
        "fc.weight": generator.integers(-128, 128, (5, 36)),
    } | changes
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / f"{name}.npy", array.astype(dtype) if array.dtype.kind in "iu" else array)
    return folder


def test_tensors_decide_and_are_named(tmp_path):
    hardware = machine(more=", skip: dynamic")
    given = accelsim.simulate(hardware, small(), "stepped", tensors=tensors(tmp_path))
    assert given.summary["operands"]["tensors"] == ["stem", "fc"]
    zeros = tmp_path / "zeros"
    zeros.mkdir()
    tensors(zeros, **{"stem.activation": np.zeros((3, 9, 9), int)})
    idle = accelsim.simulate(hardware, small(), tensors=zeros)
    windows, steps = 16 // 3 + 1, 9  # of three columns, at nine kernel positions: one cycle for each step of zeros
    assert idle.rows[0].compute_cycles == windows * steps * 2
    assert given.rows[0].compute_cycles > idle.rows[0].compute_cycles


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stem.weight": None}, "stem.weight.npy: is missing beside stem.activation.npy"),
        ({"stem.activation": np.zeros((3, 9, 8), int)}, r"shape \(3, 9, 8\); allowed: \(1, 3, 9, 9\) or \(3, 9, 9\)"),
        ({"stem.activation": np.full((3, 9, 9), 256)}, "do not fit 8 unsigned bits; allowed: 0 to 255"),
        ({"stem.activation": np.full((3, 9, 9), -129)}, "do not fit 8 signed bits; allowed: -128 to 127"),
        ({"stem.weight": np.full((6, 3, 3, 3), 128)}, "values 128 to 128 do not fit 8 signed bits"),
        ({"stem.activation": np.full((3, 9, 9), np.nan)}, "holds float64; allowed: integers"),
        ({"stem.activation": np.array([None] * 243).reshape(3, 9, 9)}, "no array of plain numbers"),
        ({"fc.weight": np.zeros((36, 5), int)}, r"shape \(36, 5\); allowed: \(5, 36\)"),
    ],
)
def test_broken_tensors(tmp_path, changes, told):
    with pytest.raises(UserError, match=told):
        accelsim.simulate(machine(more=", skip: dynamic"), small(), tensors=tensors(tmp_path, **changes))


def test_files_become_the_product_that_a_direct_convolution_gives(tmp_path):
    """Batch, groups, signed values: the oracle reads the files' own layout."""
    generator = np.random.default_rng(1)
    images = generator.integers(-7, 8, (2, 4, 5, 6))
    weights = generator.integers(-7, 8, (6, 2, 3, 2))
    np.save(tmp_path / "c.activation.npy", images)
    np.save(tmp_path / "c.weight.npy", weights)
    conv = convolution((2, 2, 5, 6), (3, 2), (2, 1), (1, 0, 1, 0))
    gemm = product_of(conv, 3, groups=2, activation_bits=4, weight_bits=4)
    data, w = read_operands(tmp_path, "c", gemm)
    ours = lower_activations(data, gemm) @ w
    expected = np.zeros((2, 6, 3, 5), int)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (0, 0)))
    for image, filter_, y, x in np.ndindex(expected.shape):
        group = filter_ // 3
        window = padded[image, group * 2 : group * 2 + 2, y * 2 : y * 2 + 3, x : x + 2]
        expected[image, filter_, y, x] = (window * weights[filter_]).sum()
    assert np.array_equal(ours.reshape(2, 2, 3, 5, 3).transpose(1, 0, 4, 2, 3).reshape(expected.shape), expected)


def test_tokens_of_a_linear_layer(tmp_path):
    generator = np.random.default_rng(2)
    tokens, weights = generator.integers(0, 9, (3, 5)), generator.integers(-8, 8, (2, 5))
    np.save(tmp_path / "t.activation.npy", tokens)
    np.save(tmp_path / "t.weight.npy", weights)
    data, w = read_operands(tmp_path, "t", Gemm(3, 5, 2, activation_bits=4, weight_bits=4))
    assert np.array_equal(data[0] @ w[0], tokens @ weights.T)


def test_signedness_is_the_layer_s_or_the_tensor_s():
    unit = accelsim.load_hardware("stripes", [UNIT % ("activations", ", skip: dynamic")]).engine
    gemm = product_of(convolution((1, 1, 3, 3), (1, 1), (2, 2)), 1)
    image = np.full((1, 1, 3, 3), 3)
    ones = np.ones((1, 1, 1), int)

    def cycles(pixels, signed=None):
        product = dataclasses.replace(gemm, activation_signed=signed)
        return Products(unit, stepped=True).count(product, 0, (pixels, ones)).counts.cycles

    unread = image.copy()
    unread[0, 0, 1, 1] = -1  # between the windows, but in the tensor
    assert cycles(image) == 2 * 2  # two sets of windows, two bits for 3
    assert cycles(unread) == cycles(image, signed=True) == 2 * 3
    assert cycles(image, signed=False) == cycles(image)


def test_files_of_no_layer_are_refused_and_unread_ones_said(tmp_path):
    folder = tensors(tmp_path)
    notes = accelsim.simulate(machine(), small(), tensors=folder).summary["notes"]
    assert any("were not read" in note for note in notes)
    np.save(folder / "stem.activations.npy", np.zeros(3, int))
    with pytest.raises(UserError, match=r"stem\.activations\.npy: is LAYER\.activation\.npy"):
        accelsim.simulate(machine(more=", skip: dynamic"), small(), tensors=folder)


def test_tensors_of_layers_without_weights_are_told(tmp_path):
    np.save(tmp_path / "pool.activation.npy", np.zeros((4, 8, 8), int))
    workload = "{name: w, input: {channels: 4, height: 8, width: 8}, layers: [{name: pool, type: max_pool, kernel: 2}]}"
    pooled = read_network(workload)
    notes = accelsim.simulate(machine(more=", skip: dynamic"), pooled, tensors=tmp_path).summary["notes"]
    assert "not read, since their layers have no stored weights: pool.activation.npy" in notes


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', ", b"text"])
def test_files_that_hold_no_array(tmp_path, content):
    folder = tensors(tmp_path)
    (folder / "stem.weight.npy").write_bytes(content)
    with pytest.raises(UserError, match="no array of plain numbers"):
        accelsim.simulate(machine(more=", skip: dynamic"), small(), tensors=folder)


def test_layers_without_files_have_no_tensors(tmp_path):
    assert read_operands(tmp_path, "none", Gemm(1, 2, 3)) is None


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
