"""Names and paths: shipped files, files that extend others, other tools' files, settings."""

import os
import time
from pathlib import Path

import pytest
from strategies.messages import refusal

from accelsim.config.places import locate_hwconfigs, locate_workloads
from accelsim.engines.table import build_engine
from accelsim.load import (
    DEFAULT_HARDWARE,
    import_file,
    list_names,
    load_hardware,
    load_workload,
    read_hardware_document,
    read_workload_document,
    split_settings,
)

SLEEP = "name: sleep\nlayers: [{name: a, type: linear, out_features: 2, input_shape: {features: 3}}]\n"
TOPOLOGY = "Layer, M, N, K,\nfc, 2, 3, 4,\n"
CONFIGURATION = """[general]
run_name = tiny
[architecture_presets]
ArrayHeight : 4
ArrayWidth : 8
IfmapSramSzkB : 16
FilterSramSzkB : 16
OfmapSramSzkB : 16
Dataflow : os
Bandwidth : 10
[run_presets]
InterfaceBandwidth: CALC
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


# shipped


@pytest.mark.parametrize("name", list_names(locate_hwconfigs()))
def test_every_hardware_file_loads_under_its_name_from_anywhere(name, folder):
    assert load_hardware(name).name == name
    assert load_hardware(locate_hwconfigs() / f"{name}.yaml") == load_hardware(name)


@pytest.mark.parametrize("name", list_names(locate_workloads()))
def test_every_network_loads_under_its_name_from_anywhere(name, folder):
    network = load_workload(name)
    assert network.name == name
    assert load_workload(str(locate_workloads() / f"{name}.yaml")) == network


def test_the_default_hardware_ships():
    assert load_hardware().name == DEFAULT_HARDWARE in list_names(locate_hwconfigs())


@pytest.mark.parametrize(
    ("load", "name", "told"),
    [
        (load_hardware, "edge_npv", "no hardware called 'edge_npv'; did you mean 'edge_npu'?"),
        (load_hardware, "EDGE_NPU", "no hardware called 'EDGE_NPU'; did you mean 'edge_npu'?"),
        (load_workload, "resnet5O", "no workload called 'resnet5O'; did you mean 'resnet50'?"),
        (load_workload, "mobilenet.v2", "no workload called 'mobilenet.v2'; did you mean 'mobilenet_v2'?"),
        (load_hardware, "", "no hardware called ''; allowed: "),
        (load_hardware, "..", "no hardware called '..'; allowed: "),
        (load_workload, "q" * 5000, "; allowed: "),
        (load_workload, "a\0b\n", "no workload called 'a\\x00b\\n'; allowed: "),
        (load_workload, "none.yaml", "none.yaml: cannot be read: no such file or directory"),
        (load_workload, "./none", "none: cannot be read: no such file or directory"),
        (load_workload, Path("resnet50"), "resnet50: cannot be read: no such file or directory"),
        (load_workload, "none.onnx", "none.onnx: cannot be read: no such file or directory"),
        (load_workload, "none.csv", "none.csv: cannot be read: no such file or directory"),
        (load_hardware, "none.cfg", "none.cfg: cannot be read: no such file or directory"),
        (load_workload, ".", "no workload called '.'; allowed: "),
        (load_workload, "./", ".: cannot be read: is a directory"),
        (
            load_hardware,
            str(locate_workloads() / "resnet50.yaml"),
            "resnet50.yaml:8: 'layers' belongs to workload files, expected hardware",
        ),
    ],
)
def test_what_does_not_exist_is_told_with_the_nearest(load, name, told, folder):
    assert told in refusal(load, name)


# extends


def test_a_file_extends_a_shipped_one(folder):
    write("mine.yaml", "extends: edge_npu\nname: mine\nengine: {rows: 8}\n")
    mine, base = load_hardware("mine.yaml"), load_hardware("edge_npu")
    assert (mine.name, mine.engine.rows, mine.engine.cols, mine.dram) == ("mine", 8, base.engine.cols, base.dram)


def test_a_chain_of_files_extends_by_paths_relative_to_each(folder):
    write("sub/a.yaml", "extends: ../b.yaml\nname: a\n")
    write("b.yaml", "extends: deep/c.yaml\nname: b\nengine: {rows: 3}\n")
    write("deep/c.yaml", "extends: edge_npu\nname: c\nengine: {rows: 5, cols: 7}\n")
    hardware = load_hardware("sub/a.yaml")
    assert (hardware.name, hardware.engine.rows, hardware.engine.cols) == ("a", 3, 7)
    assert read_hardware_document(folder / "sub" / "a.yaml").place(("engine", "cols")).endswith("c.yaml:3")


def test_a_workload_extends_another(folder):
    write("mine.yaml", "extends: resnet8\nname: mine\nbatch: 4\n")
    mine, base = load_workload("mine.yaml"), load_workload("resnet8")
    assert (mine.file.batch, mine.macs, mine.nodes) == (4, base.macs, base.nodes)


def test_a_section_is_taken_away_by_null(folder):
    write(
        "mine.yaml", "extends: edge_npu\nsram: {ifmap: null, weight: null, ofmap: null, shared: {capacity_kib: 64}}\n"
    )
    assert load_hardware("mine.yaml").sram.capacity_bytes == 64 * 1024


def test_many_files_may_extend_one_another(folder):
    write("f0.yaml", "extends: edge_npu\n")
    for i in range(1, 41):
        write(f"f{i}.yaml", f"extends: f{i - 1}.yaml\n")
    named = load_hardware("edge_npu").model_copy(update={"name": "f40"})
    assert load_hardware("f40.yaml") == named


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["extends: f0.yaml"], "f0.yaml:1: extends: f0.yaml:1: extends: goes in a circle; f0.yaml is extended already"),
        (
            ["extends: f1.yaml", "\nextends: ./f0.yaml"],
            "f0.yaml:1: extends: f1.yaml:2: extends: f0.yaml:1: extends: goes in a circle; f0.yaml is extended already",
        ),
        (
            ["extends: f1.yaml", "extends: f1.yaml"],
            "f0.yaml:1: extends: f1.yaml:1: extends: f1.yaml:1: extends: goes in a circle; f1.yaml is extended already",
        ),
        (["name: x\nextends: none.yaml"], "f0.yaml:2: extends: none.yaml: cannot be read: no such file or directory"),
        (["extends: edge_npv"], "f0.yaml:1: extends: no hardware called 'edge_npv'; did you mean 'edge_npu'?"),
        (["extends: [a]"], "f0.yaml:1: extends: should be a name or a path, got ['a']"),
        (["extends: true"], "f0.yaml:1: extends: should be a name or a path, got true"),
        (["extends: f1.yaml", "a: 1\na: 2"], "f0.yaml:1: extends: f1.yaml:2: duplicate key 'a'"),
        (
            ["extends: f1.yaml", "extends: edge_npu\nengine: {rows: 0}"],
            "f1.yaml:2: engine.rows: should be greater than 0, got 0",
        ),
        (["extends: edge_npu\nengine: {rows: 0}"], "f0.yaml:2: engine.rows: should be greater than 0, got 0"),
        (["extends: net.csv"], "f0.yaml:1: extends: net.csv: expected hardware, but .csv files give workload"),
    ],
)
def test_what_cannot_be_extended_is_told_in_one_line_at_once(files, told, folder):
    for i, text in enumerate(files):
        write(f"f{i}.yaml", text)
    start = time.perf_counter()
    assert refusal(load_hardware, "f0.yaml") == told
    assert time.perf_counter() - start < 0.5


def test_a_circle_is_found_through_links(folder):
    write("a.yaml", "extends: b.yaml")
    os.symlink("a.yaml", "b.yaml")
    assert "goes in a circle" in refusal(load_hardware, "a.yaml")


# other tools' files


@pytest.mark.parametrize("name", ["net.csv", "NET.CSV", "./net.csv"])
def test_a_topology_table_is_a_workload(name, folder):
    write(name, TOPOLOGY)
    network = load_workload(name, ["batch=2"])
    assert (network.macs, network.file.batch, len(network.nodes)) == (24, 2, 1)
    assert import_file(Path(name))["layers"][0]["name"] == "fc"


def test_a_configuration_is_hardware_upon_a_shipped_file(folder):
    write("tiny.cfg", CONFIGURATION)
    hardware = load_hardware("tiny.cfg", ["engine.cols=6"])
    assert (hardware.name, hardware.engine.rows, hardware.engine.cols) == ("tiny", 4, 6)
    assert hardware.dram == load_hardware("scalesim_default").dram


@pytest.mark.parametrize(
    ("load", "name", "told"),
    [
        (load_hardware, "x.csv", "x.csv: expected hardware, but .csv files give workload"),
        (load_hardware, "x.ONNX", "x.ONNX: expected hardware, but .onnx files give workload"),
        (load_workload, "x.cfg", "x.cfg: expected workload, but .cfg files give hardware"),
        (import_file, Path("x.yaml"), "x.yaml: nothing imports '.yaml' files; allowed: .csv, .cfg, .onnx"),
        (import_file, Path("x"), "x: nothing imports '' files; allowed: .csv, .cfg, .onnx"),
    ],
)
def test_a_file_of_the_wrong_kind_is_told_for_what_it_is(load, name, told, folder):
    assert refusal(load, name) == told


def test_a_broken_onnx_file_goes_to_its_importer(folder):
    write("net.onnx", "no protobuf")
    assert refusal(load_workload, "net.onnx").startswith("net.onnx: ")


# settings


def test_settings_of_the_workload_have_a_prefix():
    settings = ["engine.rows=4", "workload.batch=2", "workload.layers.a.bias=false", "workloads=3"]
    assert split_settings(settings) == (["engine.rows=4", "workloads=3"], settings[1:3])
    assert split_settings(iter([])) == ([], [])


def test_settings_change_what_is_loaded(folder):
    write("sleep.yaml", SLEEP)
    network = load_workload("sleep.yaml", ["layers.a.out_features=5", "batch=3"])
    assert (network.macs, network.file.batch) == (15, 3)
    assert read_workload_document("sleep.yaml", ["workload.batch=3"]).place(("batch",)) == "--set workload.batch=3"
    hardware = load_hardware(
        "edge_npu", ["engine={kind: systolic, rows: 4, cols: 4, dataflow: os}", "dram.latency_ns=7"]
    )
    assert (build_engine(hardware.engine).pes, hardware.engine.overlap_folds, hardware.dram.latency_ns) == (
        16,
        False,
        7,
    )


@pytest.mark.parametrize(
    ("load", "name", "setting", "told"),
    [
        (load_hardware, "edge_npu", "engine.rowz=4", "unknown key 'engine.rowz'; did you mean 'rows'?"),
        (load_hardware, "edge_npu", "engin.rows=4", "unknown key 'engin'; did you mean 'engine'?"),
        (
            load_hardware,
            "edge_npu",
            "engine.dataflow=so",
            "engine.dataflow: should be 'os', 'ws', 'is' or 'auto', got 'so'",
        ),
        (load_hardware, "edge_npu", "clock_mhz=.inf", "clock_mhz: should be a finite number, got inf"),
        (
            load_hardware,
            "edge_npu",
            "engine.overlap_folds=yes",
            "engine.overlap_folds: should be true or false, got 'yes'",
        ),
        (load_workload, "resnet8", "layers.conv9.kernel=1", "'conv9' is no item's name, nor its number (below "),
        (load_workload, "resnet8", "layers.0.kernel=0", "layers.0.kernel: should be greater than 0, got 0"),
        (load_workload, "resnet8", "batch=0", "batch: should be greater than 0, got 0"),
    ],
)
def test_a_wrong_setting_is_told_as_it_was_given(load, name, setting, told):
    assert refusal(load, name, [setting]).startswith(f"--set {setting}: {told}")
