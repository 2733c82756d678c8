"""The shipped networks: each loads, says where it comes from, and counts what was published."""

import csv
from pathlib import Path

import pytest

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
