"""Whole sweeps: every point is what simulate gives, in one process or several, at once or resumed."""

import contextlib
import csv
import itertools
import sqlite3

import pytest
from strategies.sweeps import HEADER, edited

import accelsim
from accelsim.studies.sweep import run_sweep, store, worker


def table(folder):
    with (folder / "points.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_sweep_is_what_simulate_gives_point_by_point(sweep_file, tmp_path):
    done = accelsim.sweep(sweep_file, tmp_path / "out", workers=1)
    rows = table(tmp_path / "out")
    assert list(rows[0]) == HEADER
    order = list(itertools.product([8, 16], ["os", "ws", "is"], [64, 128], ["ad_autoencoder", "resnet8"]))
    assert [tuple(row[name] for name in HEADER[:4]) for row in rows] == [tuple(map(str, point)) for point in order]
    for (rows_, dataflow, kib, name), record in zip(order, done.records, strict=True):
        settings = [f"engine.rows={rows_}", f"engine.dataflow={dataflow}", f"sram.ifmap.capacity_kib={kib}"]
        summary = accelsim.simulate(
            accelsim.load_hardware("edge_npu", settings), accelsim.load_workload(name), dram="ideal"
        ).summary
        assert {key: record[key] for key in HEADER[4:9]} == {key: summary[key] for key in HEADER[4:9]}
    assert [row["energy_uj"] for row in rows] == [repr(record["energy_uj"]) for record in done.records]
    assert done.summary["points"] == done.summary["done"] == len(done.points) == 24


@pytest.mark.needs_jit
def test_stepped_points_give_the_same(sweep_file, tmp_path):
    edited(
        edited(edited(sweep_file, "[ad_autoencoder, resnet8]", "resnet8"), "[os, ws, is]", "[ws]"), "to: 128", "to: 65"
    )
    closed = accelsim.sweep(sweep_file, tmp_path / "a", workers=1).records
    sweep_file.write_text(sweep_file.read_text() + "fidelity: stepped\n")
    assert accelsim.sweep(sweep_file, tmp_path / "b", workers=1).records == closed


@pytest.mark.slow
def test_processes_give_the_same_bits_and_a_resumed_sweep_computes_what_is_missing(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr(run_sweep, "MOST_CHUNK", 3)
    here, there = tmp_path / "here", tmp_path / "there"
    accelsim.sweep(sweep_file, here, workers=1)

    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done >= 9:
            raise StoppedError

    with pytest.raises(StoppedError):
        accelsim.sweep(sweep_file, there, workers=1, progress=stop)
    assert not (there / "points.csv").exists()
    done = accelsim.sweep(sweep_file, there, workers=2)
    assert done.summary["reused"] == 9
    assert (there / "points.csv").read_bytes() == (here / "points.csv").read_bytes()
    again = accelsim.sweep(sweep_file, there, workers=1)
    assert again.summary["reused"] == 24
    assert (there / "points.csv").read_bytes() == (here / "points.csv").read_bytes()


def test_a_point_that_cannot_be_simulated_keeps_its_reason(sweep_file, tmp_path):
    edited(sweep_file, "{from: 64, to: 128, scale: log2}", "[1, 64]")
    done = accelsim.sweep(sweep_file, tmp_path / "out", workers=1)
    errors = [row["error"] for row in table(tmp_path / "out") if row["sram.ifmap.capacity_kib"] == "1"]
    assert len(errors) == done.summary["failed"] == 12
    assert all("sram.ifmap" in error for error in errors)
    assert done.summary["done"] == 12


def test_constraints_on_results_leave_points_out(sweep_file, tmp_path):
    everything = accelsim.sweep(sweep_file, tmp_path / "all", workers=1).records
    limit = sorted(record["latency_ms"] for record in everything)[11]
    edited(sweep_file, 'cols <= 1024"]', f'cols <= 1024", "latency_ms <= {limit!r} and engine.cols == 32"]')
    done = accelsim.sweep(sweep_file, tmp_path / "all", workers=1)
    assert done.records == [record for record in everything if record["latency_ms"] <= limit]
    assert done.summary["excluded"] == len(everything) - len(done.records) > 0
    assert done.summary["reused"] == 24


def test_parameters_of_the_network(tmp_path):
    data = {"hardware": "edge_npu", "workload": "resnet8", "parameters": {"workload.batch": [1, 2]}}
    first, second = accelsim.sweep(data, tmp_path / "out", workers=1).records
    batched = accelsim.load_workload("resnet8", ["workload.batch=2"])
    summary = accelsim.simulate(accelsim.load_hardware(), batched, dram="ideal").summary
    assert second["total_cycles"] == summary["total_cycles"] > first["total_cycles"]


@pytest.mark.needs_jit
def test_points_with_the_memory_simulated(tmp_path):
    data = {"hardware": "edge_npu", "workload": "resnet8", "dram": "cycle", "parameters": {"dram.channels": [1, 2]}}
    records = accelsim.sweep(data, tmp_path / "out", workers=1).records
    for channels, record in zip((1, 2), records, strict=True):
        hardware = accelsim.load_hardware("edge_npu", [f"dram.channels={channels}"])
        summary = accelsim.simulate(hardware, accelsim.load_workload("resnet8"), dram="cycle").summary
        assert {key: record[key] for key in HEADER[4:9]} == {key: summary[key] for key in HEADER[4:9]}
    assert records[0]["total_cycles"] > records[1]["total_cycles"]


def test_parquet_holds_the_same(sweep_file, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    done = accelsim.sweep(sweep_file, tmp_path / "out", workers=1)
    assert parquet.read_table(tmp_path / "out" / "points.parquet").to_pylist() == done.records


def test_a_folder_of_another_version_is_refused_and_stays_as_it_is(command, sweep_file, tmp_path):
    folder = tmp_path / "out"
    assert command("sweep", sweep_file, "--out", folder, "--workers", 1)[0] == 0
    path = folder / "points.sqlite"
    changes = {
        0: ("DROP TABLE points", "CREATE TABLE points (key TEXT PRIMARY KEY, total_cycles INTEGER, error TEXT)"),
        store.SCHEMA_VERSION + 1: (),
    }
    for version, statements in changes.items():
        with contextlib.closing(sqlite3.connect(path)) as older, older:
            for statement in (*statements, f"PRAGMA user_version = {version}"):
                older.execute(statement)
        before = {each.name: each.read_bytes() for each in folder.iterdir()}
        code, out, err = command("sweep", sweep_file, "--out", folder, "--workers", 1)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"points.sqlite is of another version of accelsim (format {version}," in err
        assert "choose another folder, or delete points.sqlite" in err
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == before
    path.unlink()
    assert command("sweep", sweep_file, "--out", folder, "--workers", 1)[0] == 0


def test_keys_depend_on_all_of_the_code_and_the_tables():
    named = {f"{folder.name}/{path.relative_to(folder).as_posix()}" for folder, path in worker.list_code()}
    for name in ("kernels/schedule.py", "engines/systolic.py", "studies/sweep/worker.py", "memory/schedule.py"):
        assert f"accelsim/{name}" in named
    assert "hwconfigs/technology/cmos45.yaml" in named
    assert "hwconfigs/dram/lpddr5_6400.yaml" in named


def test_buffers_that_differ_in_more_than_size_share_nothing_they_should_not(tmp_path):
    study = {
        "sram.ofmap.banks": [1, 8],
        "sram.ifmap.double_buffered": [True, False],
        "sram.ifmap.layout": ["as_read", "rows"],
    }
    spec = {"hardware": "edge_npu", "workload": "ds_cnn_kws", "parameters": study}
    done = accelsim.sweep(spec, tmp_path / "out", workers=1)
    network, seen = accelsim.load_workload("ds_cnn_kws"), set()
    for values, record in zip(itertools.product(*study.values()), done.records, strict=True):
        settings = [f"{path}={value}" for path, value in zip(study, values, strict=True)]
        summary = accelsim.simulate(accelsim.load_hardware("edge_npu", settings), network, dram="ideal").summary
        assert record["total_cycles"] == summary["total_cycles"]
        assert record["energy_uj"] == summary["energy_uj"]
        seen.add(record["total_cycles"])
    assert len(seen) > 4
