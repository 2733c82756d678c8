"""Workers of a sweep: those that die, and those of a cluster."""

import os

import pytest

import accelsim
from accelsim.studies.sweep import executors


def fragile(items):
    """A task in which some items kill the worker."""
    if 13 in items:
        os._exit(1)
    return [item * item for item in items]


@pytest.mark.slow
def test_a_worker_that_dies_fails_its_point_and_no_other():
    force = executors.Workforce(lambda: executors.spawn_processes(1), 2, 1)
    chunks = [list(range(start, start + 4)) for start in range(0, 24, 4)]
    found = {}
    for chunk, result in executors.map_chunks(force, fragile, chunks):
        found |= dict.fromkeys(chunk, result) if isinstance(result, str) else dict(zip(chunk, result, strict=True))
    assert found == {item: executors.DIED if item == 13 else item * item for item in range(24)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_dask_cluster_gives_the_same_bits(sweep_file, tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp") as cluster:
        accelsim.sweep(sweep_file, tmp_path / "there", scheduler=cluster.scheduler_address)
    accelsim.sweep(sweep_file, tmp_path / "here", workers=1)
    assert (tmp_path / "there" / "points.csv").read_bytes() == (tmp_path / "here" / "points.csv").read_bytes()
