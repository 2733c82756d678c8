"""Sweeps: designs, constraints, workers that die, folders that are resumed, and tables as promised."""

import contextlib
import csv
import itertools
import os
import random
import sqlite3

import pytest

import accelsim
from accelsim import UserError
from accelsim.studies.sweep import design_points, executors, run_sweep, sobol, store, worker
from accelsim.studies.sweep.constraints import parse_constraint
from accelsim.studies.sweep.outcomes import Outcome
from accelsim.studies.sweep.spec import read_study

SPEC = """\
hardware: edge_npu
workload: [ad_autoencoder, resnet8]
parameters:
  engine.rows: [8, 16]
  engine.dataflow: [os, ws, is]
  sram.ifmap.capacity_kib: {from: 64, to: 128, scale: log2}
constraints: ["engine.rows * engine.cols <= 1024"]
"""
HEADER = [
    "engine.rows",
    "engine.dataflow",
    "sram.ifmap.capacity_kib",
    "workload",
    "total_cycles",
    "latency_ms",
    "energy_uj",
    "average_power_mw",
    "utilization",
    "error",
]


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def table(folder):
    with (folder / "points.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def points(study, **changes):
    data = {"hardware": "edge_npu", "workload": "resnet8", "parameters": study, **changes}
    return design_points.choose_points(read_study(data)).points


# --- a whole sweep


def test_a_sweep_is_what_simulate_gives_point_by_point(spec, tmp_path):
    done = accelsim.sweep(spec, tmp_path / "out", workers=1)
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
def test_stepped_points_give_the_same(spec, tmp_path):
    edited(edited(edited(spec, "[ad_autoencoder, resnet8]", "resnet8"), "[os, ws, is]", "[ws]"), "to: 128", "to: 65")
    closed = accelsim.sweep(spec, tmp_path / "a", workers=1).records
    spec.write_text(spec.read_text() + "fidelity: stepped\n")
    assert accelsim.sweep(spec, tmp_path / "b", workers=1).records == closed


def test_processes_give_the_same_bits_and_a_resumed_sweep_computes_what_is_missing(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(run_sweep, "MOST_CHUNK", 3)
    here, there = tmp_path / "here", tmp_path / "there"
    accelsim.sweep(spec, here, workers=1)

    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done >= 9:
            raise StoppedError

    with pytest.raises(StoppedError):
        accelsim.sweep(spec, there, workers=1, progress=stop)
    assert not (there / "points.csv").exists()
    done = accelsim.sweep(spec, there, workers=2)
    assert done.summary["reused"] == 9
    assert (there / "points.csv").read_bytes() == (here / "points.csv").read_bytes()
    again = accelsim.sweep(spec, there, workers=1)
    assert again.summary["reused"] == 24
    assert (there / "points.csv").read_bytes() == (here / "points.csv").read_bytes()


def test_a_point_that_cannot_be_simulated_keeps_its_reason(spec, tmp_path):
    edited(spec, "{from: 64, to: 128, scale: log2}", "[1, 64]")
    done = accelsim.sweep(spec, tmp_path / "out", workers=1)
    errors = [row["error"] for row in table(tmp_path / "out") if row["sram.ifmap.capacity_kib"] == "1"]
    assert len(errors) == done.summary["failed"] == 12
    assert all("sram.ifmap" in error for error in errors)
    assert done.summary["done"] == 12


def test_constraints_on_results_leave_points_out(spec, tmp_path):
    everything = accelsim.sweep(spec, tmp_path / "all", workers=1).records
    limit = sorted(record["latency_ms"] for record in everything)[11]
    edited(spec, 'cols <= 1024"]', f'cols <= 1024", "latency_ms <= {limit!r} and engine.cols == 32"]')
    done = accelsim.sweep(spec, tmp_path / "all", workers=1)
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


def test_parquet_holds_the_same(spec, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    done = accelsim.sweep(spec, tmp_path / "out", workers=1)
    assert parquet.read_table(tmp_path / "out" / "points.parquet").to_pylist() == done.records


# --- designs


def test_ranges():
    def values(axis, name="engine.rows"):
        data = {"hardware": "edge_npu", "workload": "resnet8", "parameters": {name: axis}}
        return read_study(data).axes[name]

    assert values({"from": 16, "to": 512, "scale": "log2"}) == [16, 32, 64, 128, 256, 512]
    assert values({"from": 1, "to": 4}) == [1, 2, 3, 4]
    assert values({"from": 4, "to": 20, "step": 8}) == [4, 12, 20]
    assert values({"from": 16, "to": 64, "scale": "log2", "count": 5}) == [16, 23, 32, 45, 64]
    assert values({"from": 1, "to": 10, "scale": "log10", "count": 3}, "dram.bandwidth_gb_s") == [1, 3.16227766017, 10]
    assert values({"from": 1.6, "to": 2.4, "step": 0.4}, "dram.bandwidth_gb_s") == [1.6, 2, 2.4]
    assert values([8, 16, 8]) == [8, 16]


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_samples_are_distinct_seeded_and_in_the_end_complete(method):
    axes = {"engine.rows": {"from": 1, "to": 9}, "engine.cols": [4, 8, 12], "engine.dataflow": ["os", "ws", "is"]}
    drawn = [point.values for point in points(axes, method=method, points=50, seed=7)]
    assert len(set(drawn)) == len(drawn) == 50
    assert drawn == [point.values for point in points(axes, method=method, points=50, seed=7)]
    assert drawn != [point.values for point in points(axes, method=method, points=50, seed=8)]
    assert len({point.values for point in points(axes, method=method, points=81, seed=7)}) == 81
    kept = points(axes, method=method, points=40, constraints=["engine.rows * engine.cols < 40"])
    assert all(rows * cols < 40 for rows, cols, _ in (point.values for point in kept))


def test_sobol_fills_every_elementary_interval():
    """Of the first 2^m points each dimension's 2^m intervals hold one; so do all boxes in the first two (t = 0)."""
    sample = list(itertools.islice(sobol.generate_sobol(sobol.DIMENSIONS, seed=3), 256))
    for dimension in range(sobol.DIMENSIONS):
        assert sorted(point[dimension] >> 24 for point in sample) == list(range(256))
    assert {(p[0] >> 28, p[1] >> 28) for p in sample} == set(itertools.product(range(16), repeat=2))


def test_sobol_starts_as_the_reference_does():
    """Joe and Kuo's first points, as their sobol.cc prints them for new-joe-kuo-6.21201."""
    first = [[value / 2**32 for value in point] for point in itertools.islice(sobol.generate_sobol(3), 4)]
    assert first == [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75]]


# --- constraints

VALUES = {"a.rows": 8, "a.cols": 4, "kind": "ws", "on": True, "x": 2.5}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a.rows * a.cols <= 32", True),
        ("a.rows // 3 == 2 and not a.cols > 4", True),
        ("1 < a.cols < 4", False),
        ("kind == 'ws' or x > 3", True),
        ('kind != "ws"', False),
        ("on", True),
        ("on == true", True),
        ("-x + 2 ** 3 - 7 % 4 >= 2.5", True),
        ("(a.rows + 0.5) / 2 > a.cols", True),
        ("not on", False),
    ],
)
def test_constraints_mean_what_they_say(text, holds):
    assert parse_constraint(text).holds(VALUES) is holds


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.rows.__class__ == 1",
        "_x > 1",
        "len(kind) > 1",
        "[1] == [1]",
        "(lambda: 1)()",
        "kind[0] == 'w'",
        "{1} == {1}",
        "x if on else x",
        "f'{x}' == 'a'",
        "x := 3",
        "x in kind",
        "a is a",
        "x & 1 == 1",
        "~a.rows == 1",
        "a.rows",
        "'ws'",
        "x > ",
        "",
        "1",
        "x = 1",
        "...",
        "a.rows @ 2 > 1",
        "(" * 300 + "1" + ")" * 300,
        "x" * 2000,
        "x > 1j",
        "await x",
        "*x",
        "a;b",
        "x\n> 1\nx",
    ],
)
def test_nothing_else_is_a_constraint(text):
    with pytest.raises(UserError):
        parse_constraint(text).holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9 > 1",
        "x / 0 > 1",
        "kind < 3",
        "kind * 2 == 'wsws'",
        "a.rows % 0 == 1",
        "10.0 ** 999 > 1",
        "(-8) ** 0.5 > 1",
        "on + 1 == 2",
    ],
)
def test_constraints_stay_small_and_finite(text):
    with pytest.raises(UserError, match="|".join(("too large", "zero", "number", "range", "real"))):
        parse_constraint(text).holds(VALUES)


# --- mistakes

MISTAKES = [
    ("engine.rows: [8, 16]", "engine.row: [8, 16]", "spec.yaml:4: unknown key 'engine.row'; did you mean 'rows'?"),
    ("engine.rows: [8, 16]", "engine.rows: [8, 0]", "spec.yaml:4: engine.rows: should be greater than 0, got 0"),
    ("engine.rows: [8, 16]", "engine.rows: []", "spec.yaml:4: parameters.engine.rows: should have 1 or more items"),
    ("engine.rows: [8, 16]", "engine.rows: 8", "spec.yaml:4: parameters.engine.rows: should be a list, got 8"),
    ("engine.rows: [8, 16]", "engine.rows: {from: 8}", "missing key 'to'"),
    ("engine.rows: [8, 16]", "engine.rows: {from: 8, too: 9}", "unknown key 'parameters.engine.rows.too'"),
    ("engine.rows: [8, 16]", "engine.rows: {from: 9, to: 8}", "from should be below to, got 9 and 8"),
    ("engine.rows: [8, 16]", "engine.rows: {from: 1, to: 99, step: 1, count: 3}", "give one of them"),
    ("scale: log2", "scale: log3", "spec.yaml:6: parameters.sram.ifmap.capacity_kib.scale"),
    ("hardware: edge_npu", "hardware: egde_npu", "spec.yaml:1: hardware: no hardware called 'egde_npu'; did you mean"),
    ("resnet8]", "resnet88]", "spec.yaml:2: workload.1: no workload called 'resnet88'; did you mean 'resnet8'?"),
    ("[ad_autoencoder, resnet8]", "[]", "spec.yaml:2: workload"),
    ("parameters:", "parametres:", "spec.yaml:3: unknown key 'parametres'; did you mean 'parameters'?"),
    ("cols <= 1024", "cols <= 1", "spec.yaml:7: constraints: they exclude every point"),
    ("engine.cols", "engine.colls", "no parameter or result called 'engine.colls'; did you mean 'engine.cols'?"),
    ("engine.cols", "__import__", "spec.yaml:7: constraints.0: '__import__' is no name"),
    ("[8, 16]", "{from: 1, to: 900000}", "10800000 points in all; allowed: at most 1000000"),
    ("workload:", "method: sobol\nworkload:", "method: sobol needs points"),
    ("workload:", "method: random\npoints: 99\nworkload:", "99 of a grid that has 12; allowed: at most 12"),
    ("workload:", "method: sobool\nworkload:", "did you mean 'sobol'?"),
    ("workload:", "points: 9\nworkload:", "points belongs to method"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_in_the_file_is_one_line_and_nothing_is_written(command, spec, tmp_path, old, new, said):
    code, out, err = command("sweep", edited(spec, old, new), "--out", tmp_path / "out", "--workers", 1)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", "0"), "--workers 0: should be from 1"),
        (("--scheduler", "somewhere"), "should be an address such as tcp://"),
        (("--scheduler", "tcp://127.0.0.1:1"), "127.0.0.1:1"),
        (("--scheduler", "tcp://h:1", "--workers", "2"), "exclude each other"),
    ],
)
def test_workers_that_cannot_be(command, spec, tmp_path, monkeypatch, options, said):
    cluster = pytest.importorskip("accelsim.studies.sweep.cluster")
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    code, out, err = command("sweep", spec, "--out", tmp_path / "out", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


# --- the folder


def test_a_folder_has_one_writer(command, spec, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    with store.open_store(folder):
        code, _, err = command("sweep", spec, "--out", folder, "--workers", 1)
    assert code == 2
    assert "another sweep writes there" in err
    assert command("sweep", spec, "--out", folder, "--workers", 1)[0] == 0


def test_what_is_no_store_is_told(command, spec, tmp_path):
    (tmp_path / "points.sqlite").write_text("no database, but long enough to be looked at" * 100)
    code, _, err = command("sweep", spec, "--out", tmp_path, "--workers", 1)
    assert (code, err.count("\n")) == (1, 1)
    assert "points.sqlite: file is not a database" in err


def test_others_read_while_one_writes(tmp_path):
    with store.open_store(tmp_path) as kept:
        kept.add([("a", Outcome(1, 2.0, 0.1 + 0.2, 4.0, 0.5)), ("b", Outcome(error="no", final=False))])
        with sqlite3.connect(tmp_path / "points.sqlite") as other:
            assert other.execute("SELECT count(*) FROM points").fetchone() == (2,)
        other.close()
    with store.open_store(tmp_path) as kept:
        found = kept.read_outcomes(["a", "b", "c"])
        assert found == {"a": Outcome(1, 2.0, 0.1 + 0.2, 4.0, 0.5), "b": Outcome(error="no", final=False)}


def test_ctrl_c_is_status_130_and_keeps_what_is_done(command, spec, tmp_path, monkeypatch):
    monkeypatch.setattr(run_sweep, "MOST_CHUNK", 4)
    real = store.Store.add
    added = []

    def interrupted(self, outcomes):
        if added:
            raise KeyboardInterrupt
        added.append(1)
        real(self, outcomes)

    monkeypatch.setattr(store.Store, "add", interrupted)
    assert command("sweep", spec, "--out", tmp_path / "out", "--workers", 1)[0] == 130
    monkeypatch.undo()
    assert accelsim.sweep(spec, tmp_path / "out", workers=1).summary["reused"] == 4


def test_a_folder_of_another_version_is_refused_and_stays_as_it_is(command, spec, tmp_path):
    folder = tmp_path / "out"
    assert command("sweep", spec, "--out", folder, "--workers", 1)[0] == 0
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
        code, out, err = command("sweep", spec, "--out", folder, "--workers", 1)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"points.sqlite is of another version of accelsim (format {version}," in err
        assert "choose another folder, or delete points.sqlite" in err
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == before
    path.unlink()
    assert command("sweep", spec, "--out", folder, "--workers", 1)[0] == 0


def test_keys_depend_on_all_of_the_code_and_the_tables():
    named = {f"{folder.name}/{path.relative_to(folder).as_posix()}" for folder, path in worker.list_code()}
    for name in ("kernels/schedule.py", "engines/systolic.py", "studies/sweep/worker.py", "memory/schedule.py"):
        assert f"accelsim/{name}" in named
    assert "hwconfigs/technology/cmos45.yaml" in named
    assert "hwconfigs/dram/lpddr5_6400.yaml" in named


# --- workers


def fragile(items):
    """A task in which some items kill the worker."""
    if 13 in items:
        os._exit(1)
    return [item * item for item in items]


def test_a_worker_that_dies_fails_its_point_and_no_other():
    force = executors.Workforce(lambda: executors.spawn_processes(1), 2, 1)
    chunks = [list(range(start, start + 4)) for start in range(0, 24, 4)]
    found = {}
    for chunk, result in executors.map_chunks(force, fragile, chunks):
        found |= dict.fromkeys(chunk, result) if isinstance(result, str) else dict(zip(chunk, result, strict=True))
    assert found == {item: executors.DIED if item == 13 else item * item for item in range(24)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_dask_cluster_gives_the_same_bits(spec, tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp") as cluster:
        accelsim.sweep(spec, tmp_path / "there", scheduler=cluster.scheduler_address)
    accelsim.sweep(spec, tmp_path / "here", workers=1)
    assert (tmp_path / "there" / "points.csv").read_bytes() == (tmp_path / "here" / "points.csv").read_bytes()


# --- the front


def test_pareto_prints_and_draws_the_front(command, spec, tmp_path):
    code, out, err = command("sweep", spec, "--out", tmp_path / "out", "--workers", 1)
    assert (code, err) == (0, "")
    for words in ("points", "failed", "reused", "points/s", "layers reused", "latency", "energy", "EDP"):
        assert words in out
    code, out, err = command("pareto", tmp_path / "out", "--x", "latency_ms", "--y", "energy_uj")
    assert (code, err) == (0, "")
    assert "resnet8" in out
    assert (tmp_path / "out" / "pareto.png").stat().st_size > 10_000
    assert "latency [ms]" in (tmp_path / "out" / "pareto.svg").read_text()
    code, out, err = command("pareto", tmp_path / "out", "--x", "latency_mz", "--y", "energy_uj")
    assert (code, out) == (2, "")
    assert "did you mean 'latency_ms'?" in err
    code, _, err = command("pareto", tmp_path / "nowhere")
    assert (code, err.count("\n")) == (2, 1)


def test_fronts_hold_what_no_other_point_beats():
    from accelsim.studies.pareto import find_fronts

    source = random.Random(1)
    records = [
        {"workload": source.choice("ab"), "x": source.randrange(12), "y": source.randrange(12)} for _ in range(200)
    ]

    def beaten(point):
        rivals = [other for other in records if other["workload"] == point["workload"]]
        return any(
            o["x"] <= point["x"] and o["y"] <= point["y"] and (o["x"], o["y"]) != (point["x"], point["y"])
            for o in rivals
        )

    for workload, front in find_fronts(records, "x", "y").items():
        wanted = [point for point in records if point["workload"] == workload and not beaten(point)]
        assert sorted(front, key=lambda p: p["x"]) == front
        assert sorted(map(str, front)) == sorted(map(str, wanted))


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
