"""Sweeps that are killed, run out of room, or are spread over a cluster; minutes long, run by hand or at night.

python -m pytest -q tests/nightly
"""

import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

SPEC = """\
hardware: edge_npu
workload: [mobilenet_v1, resnet8]
parameters:
  engine.rows: [8, 16, 24, 32, 48]
  engine.cols: [8, 16, 32]
  engine.dataflow: [os, ws, is]
  sram.ifmap.capacity_kib: [64, 128, 256]
  dram.bandwidth_gb_s: [3.2, 6.4, 12.8]
"""
POINTS = 810
COMMAND = [sys.executable, "-m", "accelsim"]


def started(spec, folder, *options):
    command = [*COMMAND, "sweep", str(spec), "--out", str(folder), *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(spec, folder, *options):
    process = started(spec, folder, *options)
    out, err = process.communicate(timeout=1200)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "spec.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def whole(spec, tmp_path_factory):
    """points.csv of a sweep that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert finished(spec, folder, "--workers", 1)[0] == 0
    return (folder / "points.csv").read_bytes()


def stored(folder):
    """Keys in the store, which no writer needs to have closed."""
    if not (folder / "points.sqlite").exists():
        return set()
    connection = sqlite3.connect(folder / "points.sqlite")
    try:
        return {key for (key,) in connection.execute("SELECT key FROM points")}
    except sqlite3.OperationalError:  # killed before the table was made
        return set()
    finally:
        connection.close()


def test_killed_at_random_twenty_times(spec, whole, tmp_path):
    source = random.Random(20)
    before = set()
    for _ in range(20):
        process = started(spec, tmp_path / "out", "--workers", source.choice([1, 2]))
        time.sleep(source.uniform(0.2, 8))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        now = stored(tmp_path / "out")
        assert before <= now
        before = now
    code, _, err = finished(spec, tmp_path / "out", "--workers", 2)
    assert code == 0, err
    assert (tmp_path / "out" / "points.csv").read_bytes() == whole
    assert len(stored(tmp_path / "out")) == POINTS
    leftovers = [name for name in os.listdir(tmp_path / "out") if name.startswith(".points")]
    assert leftovers == []


def children(pid):
    """Processes that a process started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_workers_killed_from_outside_cost_a_point_each_at_most(spec, whole, tmp_path):
    """A point is given up where its worker dies twice; the next time it is tried again."""
    process = started(spec, tmp_path / "out", "--workers", 2)
    killed = 0
    while process.poll() is None and killed < 3:
        time.sleep(4)
        workers = children(process.pid) if process.poll() is None else []
        if len(workers) > 1:
            os.kill(workers[-1], signal.SIGKILL)
            killed += 1
    _, err = process.communicate(timeout=1200)
    assert process.returncode == 0, err
    with (tmp_path / "out" / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == POINTS
    assert sum("the worker died" in row["error"] for row in rows) <= killed
    assert finished(spec, tmp_path / "out", "--workers", 1)[0] == 0
    assert (tmp_path / "out" / "points.csv").read_bytes() == whole


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_workers_leave_with_their_parent(spec, tmp_path):
    process = started(spec, tmp_path / "out", "--workers", 2)
    while len(workers := children(process.pid)) < 3:  # multiprocessing's resource tracker is one of them
        time.sleep(0.2)
    time.sleep(3)
    process.kill()
    process.communicate()
    time.sleep(2)
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}/cmdline") and _alive(pid)]


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("seconds", [2, 4, 7])
def test_ctrl_c_in_each_phase(spec, whole, tmp_path, seconds):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it, and so its children
    process = started(spec, tmp_path / "out", "--workers", 2)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert finished(spec, tmp_path / "out", "--workers", 1)[0] == 0
    assert (tmp_path / "out" / "points.csv").read_bytes() == whole


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB, where root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_fails_in_one_line_and_loses_nothing(spec, whole, small_disk):
    with (small_disk / "ballast").open("wb") as file:
        file.write(b"x" * 150 * 1024)
    code, _, err = finished(spec, small_disk / "out", "--workers", 1)
    assert code == 1
    assert err.splitlines()[-1].startswith("accelsim: ")
    assert "Traceback" not in err
    kept = stored(small_disk / "out")
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    code, _, err = finished(spec, small_disk / "out", "--workers", 1)
    assert code == 0, err
    assert kept <= stored(small_disk / "out")
    assert (small_disk / "out" / "points.csv").read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_refused(spec, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    code, out, err = finished(spec, small_disk / "out", "--workers", 1)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot be written" in err


def test_two_sweeps_into_one_folder(spec, whole, tmp_path):
    first = started(spec, tmp_path / "out", "--workers", 1)
    while not stored(tmp_path / "out"):
        time.sleep(0.2)
    code, _, err = finished(spec, tmp_path / "out", "--workers", 1)
    assert (code, err.count("\n")) == (2, 1)
    assert "another sweep writes there" in err
    first.communicate()
    assert first.returncode == 0
    assert (tmp_path / "out" / "points.csv").read_bytes() == whole


def test_a_scheduler_and_two_workers(spec, whole, tmp_path):
    pytest.importorskip("distributed")
    address = "tcp://127.0.0.1:18786"
    where = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    dask = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "18786",
        "--no-dashboard",
    ]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    processes = [subprocess.Popen(dask, **where)]
    try:
        processes += [subprocess.Popen(worker, **where) for _ in range(2)]
        time.sleep(10)
        code, _, err = finished(spec, tmp_path / "out", "--scheduler", address)
        assert code == 0, err
        assert (tmp_path / "out" / "points.csv").read_bytes() == whole
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


def test_every_point_is_there_once(spec, tmp_path):
    assert finished(spec, tmp_path / "out", "--workers", 2)[0] == 0
    with (tmp_path / "out" / "points.csv").open(newline="") as file:
        rows = [tuple(row.items())[:6] for row in csv.DictReader(file)]
    assert len(rows) == len(set(rows)) == POINTS
