"""The command roofline: what it prints and writes, and mistakes of one line."""

import json
import os
from xml.etree import ElementTree

import pytest


def test_the_command_prints_tables_and_writes_the_figure(command, tmp_path):
    path = tmp_path / "new" / "resnet8.svg"
    code, out, err = command("roofline", "resnet8", "--set", "engine.rows=16", "--out", path)
    assert (code, err) == (0, "")
    for words in ("with engine.rows=16", "256 G", "ridge points at", "12.8 GB/s", "layers", "left out:"):
        assert words in out
    assert out.splitlines()[-1] == f"wrote {path}"
    assert max(map(len, out.splitlines()[:-1])) <= 100
    assert os.listdir(path.parent) == ["resnet8.svg"]
    ElementTree.parse(path)


def test_json_is_one_object(command, tmp_path):
    path = tmp_path / "f.PNG"
    options = ("--hw", "edge_sparse_npu", "--sparsity", "2:4", "--json", "--out", path)
    code, out, err = command("roofline", "resnet8", *options)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["file"] == str(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [roof["name"] for roof in told["roofs"] if roof["used"]] == ["int8 2:4"]
    assert {"roof": "int8 2:4", "level": "DRAM", "macs_per_byte": 80.0} in told["ridge_points"]
    conv1 = told["layers"][0]
    assert (conv1["layer"], conv1["roof"], conv1["kind"]) == ("conv1", "int8 2:4", "conv2d")
    assert 0 < conv1["attained"] <= 1


@pytest.mark.slow
def test_a_profile_s_widths_have_their_roofs(command, tmp_path):
    options = ("--hw", "stripes", "--precision-profile", "stripes", "--out", tmp_path / "a.svg", "--json")
    roofs = json.loads(command("roofline", "alexnet_grouped", *options)[1])["roofs"]
    used = [roof["name"] for roof in roofs if roof["used"]]
    assert used == [f"{bits}-bit activations" for bits in (5, 7, 8, 9, 16)]


def test_a_network_without_a_product_is_drawn_as_well(command, tmp_path):
    network = tmp_path / "pool.yaml"
    network.write_text(
        "name: pool\ninput: {channels: 8, height: 8, width: 8}\nlayers:\n  - {name: pool, type: global_avg_pool}\n",
        encoding="utf-8",
    )
    code, out, err = command("roofline", network, "--out", tmp_path / "pool.svg")
    assert (code, err) == (0, "")
    assert "left out: 1 layer without a product, 100% of the time" in out


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("f.pdf", "--out {}: a figure is what is written; allowed: a name that ends in .svg or .png"),
        ("f", "--out {}: a figure is what is written"),
        ("file/f.svg", "cannot be written: is a file, not a folder"),
        ("folder.svg", "--out {}: cannot be written: is a folder"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(command, tmp_path, out, told):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.svg").mkdir()
    path = tmp_path / out
    code, printed, err = command("roofline", "resnet8", "--out", path)
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert told.format(path) in err
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.svg"]


def test_a_mistake_in_the_hardware_writes_nothing(command, tmp_path):
    code, _, err = command("roofline", "resnet8", "--hw", "edge_npx", "--out", tmp_path / "new" / "f.svg")
    assert (code, err.count("\n")) == (2, 1)
    assert os.listdir(tmp_path) == []


def test_out_is_needed(command):
    code, _, err = command("roofline", "resnet8")
    assert code == 2
    assert "--out" in err
