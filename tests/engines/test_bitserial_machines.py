"""What the bit-serial engine is measured with: its networks, their precision profiles, and the hardware files."""

import csv
from math import ceil
from pathlib import Path

import pytest

import accelsim
from accelsim.config import validate_document
from accelsim.energy.prices import buffer_cost
from accelsim.energy.sram_banks import sram_cells
from accelsim.energy.technology import load_technology
from accelsim.hardware import BitSerialUnit, Hardware
from accelsim.load import load_workload, read_hardware_document

MIB = 1 << 20
PROFILES = Path(accelsim.__file__).parent / "anchors" / "stripes_precision_profiles.csv"
WORKLOADS = {"alexnet": "alexnet_grouped"} | {name: name for name in ("nin", "googlenet", "vgg_m", "vgg_s", "vgg_19")}
FAMILY = ("dadiannao", "stripes", "pragmatic", "loom")

# Layers by hand, from the sources that the workload files name: side of the result, channels, kernel, filters.
INCEPTION = {  # arXiv:1409.4842, Table 1: side, channels, 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj
    "3a": (28, 192, 64, 96, 128, 16, 32, 32),
    "3b": (28, 256, 128, 128, 192, 32, 96, 64),
    "4a": (14, 480, 192, 96, 208, 16, 48, 64),
    "4b": (14, 512, 160, 112, 224, 24, 64, 64),
    "4c": (14, 512, 128, 128, 256, 24, 64, 64),
    "4d": (14, 512, 112, 144, 288, 32, 64, 64),
    "4e": (14, 528, 256, 160, 320, 32, 128, 128),
    "5a": (7, 832, 256, 160, 320, 32, 128, 128),
    "5b": (7, 832, 384, 192, 384, 48, 128, 128),
}
CLASSIFIER = [(1, 18432, 1, 4096), (1, 4096, 1, 4096), (1, 4096, 1, 1000)]  # 6 x 6 x 512 into fc6
BY_HAND = {
    "nin": [
        *[(54, 3, 11, 96), (54, 96, 1, 96), (54, 96, 1, 96)],
        *[(27, 96, 5, 256), (27, 256, 1, 256), (27, 256, 1, 256)],
        *[(13, 256, 3, 384), (13, 384, 1, 384), (13, 384, 1, 384)],
        *[(6, 384, 3, 1024), (6, 1024, 1, 1024), (6, 1024, 1, 1000)],
    ],
    "googlenet": [
        *[(112, 3, 7, 64), (56, 64, 1, 64), (56, 64, 3, 192)],
        *[
            layer
            for side, c, one, reduce3, three, reduce5, five, pool in INCEPTION.values()
            for layer in (
                *[(side, c, 1, one), (side, c, 1, reduce3), (side, reduce3, 3, three)],
                *[(side, c, 1, reduce5), (side, reduce5, 5, five), (side, c, 1, pool)],
            )
        ],
        (1, 1024, 1, 1000),
    ],
    "vgg_m": [(109, 3, 7, 96), (26, 96, 5, 256), (13, 256, 3, 512), *[(13, 512, 3, 512)] * 2, *CLASSIFIER],
    "vgg_s": [(109, 3, 7, 96), (33, 96, 5, 256), (17, 256, 3, 512), *[(17, 512, 3, 512)] * 2, *CLASSIFIER],
    "vgg_19": [
        *[(224, 3, 3, 64), (224, 64, 3, 64), (112, 64, 3, 128), (112, 128, 3, 128)],
        *[(56, 128, 3, 256), *[(56, 256, 3, 256)] * 3, (28, 256, 3, 512), *[(28, 512, 3, 512)] * 3],
        *[(14, 512, 3, 512)] * 4,
        *[(1, 25088, 1, 4096), *CLASSIFIER[1:]],
    ],
}


class BitSerialHardware(Hardware):
    """A hardware file whose engine has to be a bit-serial unit."""

    engine: BitSerialUnit


def convolutions(network):
    return [node for node in load_workload(network).nodes if node.layer.type == "conv2d"]


def group(node):
    """A profile's entry is for what stands before the hyphen: a layer, or a module of GoogLeNet."""
    return node.layer.name.partition("-")[0]


def profiles():
    with PROFILES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def profile(network, accuracy="100%"):
    found = [row for row in profiles() if (row["network"], row["accuracy"]) == (network, accuracy)]
    assert len(found) == 1
    return [int(bits) for bits in found[0]["conv_activation_bits"].split("-")]


def loaded(name, settings=()):
    return validate_document(BitSerialHardware, read_hardware_document(name, settings))


@pytest.mark.parametrize("network", BY_HAND)
def test_counts_what_its_layers_make_by_hand(network):
    workload, layers = load_workload(network), BY_HAND[network]
    assert workload.macs == sum(side**2 * channels * kernel**2 * filters for side, channels, kernel, filters in layers)
    assert workload.params == sum((channels * kernel**2 + 1) * filters for _, channels, kernel, filters in layers)


def test_googlenet_is_the_published_size():
    """github.com/KamelAbdelouahab/CNN-Workload, table of its README, GoogleNet: figures are cut off, not rounded."""
    workload, layers = load_workload("googlenet"), convolutions("googlenet")
    assert len(layers) == 57
    assert sum(node.macs for node in layers) // 10**7 == 158  # 1.58 G
    assert sum(node.params for node in layers) // 10**4 == 597  # 5.97 M
    assert (workload.macs // 10**7, workload.params // 10**4) == (158, 699)  # 1.58 G, 6.99 M


def test_vgg_19_is_the_published_size():
    """Keras Applications: 143,667,240 parameters; torchvision documentation: 19.63 G."""
    workload = load_workload("vgg_19")
    assert workload.params == 143_667_240
    assert workload.macs == pytest.approx(19.63e9, rel=3e-4)
    assert len(convolutions("vgg_19")) == 16


@pytest.mark.parametrize(
    ("network", "mib", "gmacs"),
    [("nin", 29, None), ("vgg_m", 393, 2), ("vgg_s", 393, 3), ("vgg_19", 548, 20)],
)
def test_stored_as_32_bit_floats_is_the_published_size(network, mib, gmacs):
    """NiN: its model's page (29 MB); the others: github.com/albanie/convnet-burden, README, where a MAC is a FLOP."""
    workload = load_workload(network)
    assert round(workload.params * 4 / MIB) == mib
    assert gmacs is None or round(workload.macs / 1e9) == gmacs


def test_googlenet_has_a_group_for_each_entry_of_its_profiles():
    groups = dict.fromkeys(map(group, convolutions("googlenet")))
    assert list(groups) == ["conv1", "conv2", *(f"inception_{module}" for module in INCEPTION)]


@pytest.mark.parametrize("network", WORKLOADS)
@pytest.mark.parametrize("accuracy", ["100%", "99%"])
def test_a_profile_has_an_entry_for_each_group(network, accuracy):
    entries = profile(network, accuracy)
    assert len(entries) == len(set(map(group, convolutions(WORKLOADS[network]))))
    assert all(1 <= bits <= 16 for bits in entries)


def test_profiles_say_that_they_are_from_memory():
    rows = profiles()
    assert len(rows) == 2 * len(WORKLOADS)
    assert all("from memory" in row["provenance"] for row in rows)


def steps(node, cols):
    """Bricks that 16 x 16 filters and 16 channels at a time take, ``cols`` windows side by side; first layer packed."""
    layer, image, result = node.layer, node.inputs[0], node.output
    channels, kernel, stride = image.channels // layer.groups, layer.kernel[0], layer.strides[0]
    if channels == 3 and stride > 1:
        channels, kernel = 3 * stride**2, ceil(kernel / stride)
    windows, filters = ceil(result.height * result.width / cols), ceil(layer.out_channels // layer.groups / 256)
    return layer.groups * windows * filters * kernel**2 * ceil(channels / 16)


@pytest.mark.parametrize(
    ("network", "parallel", "serial", "speedup"),
    [("alexnet", 312_705, 145_722, 2.146), ("vgg_19", 7_225_344, 5_370_912, 1.345)],
)
def test_layers_and_profile_give_the_speedup_of_stripes(network, parallel, serial, speedup):
    """Judd et al., MICRO'16, report 1.35 for VGG_19."""
    layers = convolutions(WORKLOADS[network])
    bits = dict(zip(dict.fromkeys(map(group, layers)), profile(network), strict=True))
    assert sum(steps(node, 1) for node in layers) == parallel
    assert sum(steps(node, 16) * bits[group(node)] for node in layers) == serial
    assert parallel / serial == pytest.approx(speedup, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "size", "serial", "skip"),
    [
        ("dadiannao", (16, 16, 1, 16), "none", "none"),
        ("stripes", (16, 16, 16, 16), "activations", "none"),
        ("pragmatic", (16, 16, 16, 16), "activations", "essential"),
        ("loom", (16, 16, 256, 16), "both", "none"),
        ("unpu", (1, 48, 6, 48), "weights", "none"),
    ],
)
def test_each_hardware_file_describes_its_unit(name, size, serial, skip):
    hardware = loaded(name)
    unit = hardware.engine
    assert (hardware.name, unit.pe_bits) == (name, 16)
    assert ((unit.tiles, unit.rows, unit.cols, unit.lanes), unit.serial, unit.skip) == (size, serial, skip)


def test_pragmatic_is_the_variant_that_its_paper_prefers():
    """Albericio et al., MICRO'17, Sec. 6.2.2 and 6.3: two bits of first stage, one weight set register."""
    unit = loaded("pragmatic").engine
    assert (unit.shifter_bits, unit.column_registers) == (2, 1)


def test_the_family_differs_in_its_engine_alone():
    baseline = loaded("dadiannao")
    for name in FAMILY:
        hardware = loaded(name)
        same = {"name": name, "description": hardware.description, "engine": hardware.engine}
        assert baseline.model_copy(update=same) == hardware


def test_the_family_has_one_peak():
    """4096 products of 16 x 16 bits a cycle: a product takes 16 cycles, or 16 x 16 where both operands are serial."""
    cycles = {"none": 1, "activations": 16, "both": 256}
    for name in FAMILY:
        unit = loaded(name).engine
        assert unit.tiles * unit.rows * unit.cols * unit.lanes == 4096 * cycles[unit.serial]


def test_loom_reaches_the_size_of_its_paper_by_settings():
    """Sharify et al., DAC'18, abstract: 128 products of 16 x 16 bits a cycle."""
    unit = loaded("loom", ("engine.tiles=1", "engine.rows=128", "engine.cols=16")).engine
    assert unit.tiles * unit.rows * unit.cols * unit.lanes == 128 * 16 * 16


def test_unpu_has_its_published_peak():
    """Lee et al., JSSC'19, abstract: 345.6 GOPS at 200 MHz and 16 bit weights."""
    hardware = loaded("unpu")
    unit = hardware.engine
    macs_per_cycle = unit.tiles * unit.rows * unit.cols * unit.lanes / unit.pe_bits
    assert 2 * macs_per_cycle * hardware.clock_mhz * 1e6 == pytest.approx(345.6e9)


@pytest.mark.parametrize("name", [*FAMILY, "unpu"])
def test_the_memories_can_be_priced_and_keep_up_with_the_clock(name):
    hardware = loaded(name)
    technology = load_technology(hardware.technology.name)
    cells = sram_cells(technology.sram.table, technology.node_nm, hardware.technology.sram_cell)
    srams = [sram for _, sram in hardware.sram if sram is not None]
    assert srams
    for sram in srams:
        cost = buffer_cost(sram, cells, hardware.technology.temperature_k)
        assert min(cells.banks) <= sram.width_bits <= max(cells.banks)
        assert cost.access_ns <= 1e3 / hardware.clock_mhz
