"""Precision profiles: an entry for each convolution or group of them, and mistakes in a file of them."""

import csv
from math import ceil

import pytest
from strategies.bitserial_runs import PROFILES
from strategies.networks import convolution_nodes

import accelsim
from accelsim.config import UserError
from accelsim.workload.precision_profiles import Profile, apply_profile, read_profile

WORKLOADS = {"alexnet": "alexnet_grouped"} | {name: name for name in ("nin", "googlenet", "vgg_m", "vgg_s", "vgg_19")}


MODULES = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")  # of GoogLeNet


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


def test_googlenet_has_a_group_for_each_entry_of_its_profiles():
    groups = dict.fromkeys(map(group, convolution_nodes("googlenet")))
    assert list(groups) == ["conv1", "conv2", *(f"inception_{module}" for module in MODULES)]


@pytest.mark.parametrize("network", WORKLOADS)
@pytest.mark.parametrize("accuracy", ["100%", "99%"])
def test_a_profile_has_an_entry_for_each_group(network, accuracy):
    entries = profile(network, accuracy)
    assert len(entries) == len(set(map(group, convolution_nodes(WORKLOADS[network]))))
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
    layers = convolution_nodes(WORKLOADS[network])
    bits = dict(zip(dict.fromkeys(map(group, layers)), profile(network), strict=True))
    assert sum(steps(node, 1) for node in layers) == parallel
    assert sum(steps(node, 16) * bits[group(node)] for node in layers) == serial
    assert parallel / serial == pytest.approx(speedup, abs=5e-4)


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
