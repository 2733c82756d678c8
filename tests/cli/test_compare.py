"""The command compare: its files, its sentences, and mistakes of one line."""

import csv
import json
import re

import pytest
from strategies.comparisons import MIXED
from strategies.pages import PAGES


@pytest.fixture
def written(command, tmp_path):
    """What ``compare --out`` leaves, and what it printed."""
    workload = tmp_path / "mixed.yaml"
    workload.write_text(MIXED, encoding="utf-8")
    options = ("--precision", "fp32,int8", "--sparsity", "dense,0.5", "--out", tmp_path / "out", "--json")
    code, out, err = command("compare", workload, "--hw", "edge_npu", "--hw", "stripes", *options)
    assert code == 0
    return tmp_path / "out", json.loads(out), err


def test_files_of_a_comparison(written):
    folder, told, errors = written
    assert errors == ""
    assert sorted(path.name for path in folder.iterdir()) == ["compare.csv", "compare.png", "compare.svg"]
    assert told.keys() == {"workload", "settings", "rows"}
    with (folder / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(told["rows"]) == 8
    assert rows[0].keys() == told["rows"][0].keys()
    assert [row["total_cycles"] for row in rows] == [str(row["total_cycles"] or "") for row in told["rows"]]


def test_the_page_of_results_names_every_column_in_order(written):
    with (written[0] / "compare.csv").open(newline="") as file:
        columns = next(csv.reader(file))
    table = PAGES["hwconfigs/README.md"].partition("### compare.csv")[2].partition("\nThe parts of a gap")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == columns


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give a WORKLOAD, or --claims"),
        (("resnet8", "--claims"), "brings its own networks"),
        (("resnet8", "--precision", "int8,,int4"), "commas between them"),
        (("resnet8", "--precision", "int9"), "--precision int9: allowed"),
        (("resnet8", "--sparsity", "half"), "--sparsity half: allowed"),
        (("resnet8", "--hw", "stripes", "--precision", "fp32"), "nothing runs"),
        (("resnet8", "--hw", "egde_npu"), "did you mean 'edge_npu'"),
        (("resnet8", "--set", "engine.row=3"), "did you mean 'rows'"),
        (("resnet8", "--out", "/proc/nowhere"), "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(command, tmp_path, arguments, told):
    folder = () if "--out" in arguments else ("--out", tmp_path / "out")
    code, out, err = command("compare", *arguments, *folder)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert told in err
    assert list(tmp_path.iterdir()) == []


def test_command_for_people(command):
    code, out, err = command("compare", "ad_autoencoder", "--precision", "int16,int8")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    assert "int8 dense gains most" in " ".join(out.split())
