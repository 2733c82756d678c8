"""The command sweep: mistakes of one line, one writer in a folder, and Ctrl-C."""

import pytest
from strategies.sweeps import edited

import accelsim
from accelsim.studies.sweep import run_sweep, store

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
    pytest.param(
        "[8, 16]", "{from: 1, to: 900000}", "10800000 points in all; allowed: at most 1000000", marks=pytest.mark.slow
    ),
    ("workload:", "method: sobol\nworkload:", "method: sobol needs points"),
    ("workload:", "method: random\npoints: 99\nworkload:", "99 of a grid that has 12; allowed: at most 12"),
    ("workload:", "method: sobool\nworkload:", "did you mean 'sobol'?"),
    ("workload:", "points: 9\nworkload:", "points belongs to method"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_in_the_file_is_one_line_and_nothing_is_written(command, sweep_file, tmp_path, old, new, said):
    code, out, err = command("sweep", edited(sweep_file, old, new), "--out", tmp_path / "out", "--workers", 1)
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
def test_workers_that_cannot_be(command, sweep_file, tmp_path, monkeypatch, options, said):
    cluster = pytest.importorskip("accelsim.studies.sweep.cluster")
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    code, out, err = command("sweep", sweep_file, "--out", tmp_path / "out", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_has_one_writer(command, sweep_file, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    with store.open_store(folder):
        code, _, err = command("sweep", sweep_file, "--out", folder, "--workers", 1)
    assert code == 2
    assert "another sweep writes there" in err
    assert command("sweep", sweep_file, "--out", folder, "--workers", 1)[0] == 0


def test_what_is_no_store_is_told(command, sweep_file, tmp_path):
    (tmp_path / "points.sqlite").write_text("no database, but long enough to be looked at" * 100)
    code, _, err = command("sweep", sweep_file, "--out", tmp_path, "--workers", 1)
    assert (code, err.count("\n")) == (1, 1)
    assert "points.sqlite: file is not a database" in err


def test_ctrl_c_is_status_130_and_keeps_what_is_done(command, sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr(run_sweep, "MOST_CHUNK", 4)
    real = store.Store.add
    added = []

    def interrupted(self, outcomes):
        if added:
            raise KeyboardInterrupt
        added.append(1)
        real(self, outcomes)

    monkeypatch.setattr(store.Store, "add", interrupted)
    assert command("sweep", sweep_file, "--out", tmp_path / "out", "--workers", 1)[0] == 130
    monkeypatch.undo()
    assert accelsim.sweep(sweep_file, tmp_path / "out", workers=1).summary["reused"] == 4
