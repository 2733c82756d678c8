"""The shipped networks: each loads, says where it comes from, and counts what was published."""

import csv
from pathlib import Path

import pytest
from strategies.networks import convolution_nodes

import accelsim
from accelsim.config.places import locate_workloads
from accelsim.load import list_names, load_workload

ANCHORS = Path(accelsim.__file__).parent / "anchors" / "published_workloads.csv"


with ANCHORS.open(encoding="utf-8", newline="") as file:
    PUBLISHED = {row["network"]: row for row in csv.DictReader(file)}


NETWORKS = list_names(locate_workloads())


NOT_SHIPPED = {
    "efficientnet_lite0",  # the published parameters, but 385.2 M MACs, not 407 M
}


def band(row):
    """Largest relative distance from the published figures: none, or a percentage."""
    return 0 if row["exact"] == "yes" else float(row["exact"].removesuffix("%")) / 100


@pytest.mark.parametrize("name", NETWORKS)
def test_says_what_it_is(name):
    workload = load_workload(name)
    assert workload.name == name
    assert workload.file.source
    assert workload.file.description


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name in NETWORKS])
def test_counts_what_was_published(name):
    workload, row = load_workload(name), PUBLISHED[name]
    assert workload.macs == pytest.approx(int(row["macs"]), rel=band(row), abs=0)
    assert workload.params == pytest.approx(int(row["params"]), rel=band(row), abs=0)


def test_published_networks_that_are_not_shipped():
    assert PUBLISHED.keys() - set(NETWORKS) == NOT_SHIPPED


MIB = 1 << 20


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


@pytest.mark.parametrize("network", BY_HAND)
def test_counts_what_its_layers_make_by_hand(network):
    workload, layers = load_workload(network), BY_HAND[network]
    assert workload.macs == sum(side**2 * channels * kernel**2 * filters for side, channels, kernel, filters in layers)
    assert workload.params == sum((channels * kernel**2 + 1) * filters for _, channels, kernel, filters in layers)


def test_googlenet_is_the_published_size():
    """github.com/KamelAbdelouahab/CNN-Workload, table of its README, GoogleNet: figures are cut off, not rounded."""
    workload, layers = load_workload("googlenet"), convolution_nodes("googlenet")
    assert len(layers) == 57
    assert sum(node.macs for node in layers) // 10**7 == 158  # 1.58 G
    assert sum(node.params for node in layers) // 10**4 == 597  # 5.97 M
    assert (workload.macs // 10**7, workload.params // 10**4) == (158, 699)  # 1.58 G, 6.99 M


def test_vgg_19_is_the_published_size():
    """Keras Applications: 143,667,240 parameters; torchvision documentation: 19.63 G."""
    workload = load_workload("vgg_19")
    assert workload.params == 143_667_240
    assert workload.macs == pytest.approx(19.63e9, rel=3e-4)
    assert len(convolution_nodes("vgg_19")) == 16


@pytest.mark.parametrize(
    ("network", "mib", "gmacs"),
    [("nin", 29, None), ("vgg_m", 393, 2), ("vgg_s", 393, 3), ("vgg_19", 548, 20)],
)
def test_stored_as_32_bit_floats_is_the_published_size(network, mib, gmacs):
    """NiN: its model's page (29 MB); the others: github.com/albanie/convnet-burden, README, where a MAC is a FLOP."""
    workload = load_workload(network)
    assert round(workload.params * 4 / MIB) == mib
    assert gmacs is None or round(workload.macs / 1e9) == gmacs
