"""Comparisons: gains against promises, gaps that add up, rows that a machine does not take, and their files."""

import csv
import json
import re
import subprocess
import sys
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from strategies.messages import printed
from strategies.networks import read_network
from strategies.pages import PAGES
from strategies.sizes import UNJITTED

from accelsim import compare, load_hardware, simulate
from accelsim.config import UserError
from accelsim.memory.timeline import Timeline
from accelsim.report.compare import claims_report, comparison_report, verdicts
from accelsim.report.compare_plot import comparison_figure
from accelsim.studies import claims
from accelsim.studies.compare import Gap, _whole
from accelsim.studies.cycle_parts import CYCLE_PARTS, cycle_parts, waiting

MACHINES = ("edge_npu", "stripes", "edge_sparse_npu")
SPARSITIES = ["dense", "2:4", "0.5"]

CONVOLUTIONS = """
name: convolutions
input: {channels: 64, height: 16, width: 16}
layers:
  - {name: conv1, type: conv2d, out_channels: 256, kernel: 3, padding: 1}
  - {name: conv2, type: conv2d, out_channels: 256, kernel: 3, padding: 1, stride: 2}
"""
MIXED = """
name: mixed
input: {channels: 3, height: 14, width: 14}
layers:
  - {name: conv1, type: conv2d, out_channels: 20, kernel: 3, stride: 2, activation: relu}
  - {name: dw, type: conv2d, out_channels: 20, kernel: 3, padding: same, groups: 20, activation: gelu}
  - {name: stated, type: conv2d, out_channels: 33, kernel: 1, weight_sparsity: 0.25}
  - {name: pool, type: global_avg_pool}
  - {name: fc, type: linear, out_features: 70}
  - {name: scores, type: matmul, m: 9, k: 30, n: 9, repeat: 2}
"""


@pytest.fixture(scope="module")
def mixed():
    hardware = [load_hardware(name) for name in MACHINES]
    return compare(hardware, read_network(MIXED), ["fp32", "int16", "int8"], SPARSITIES)


def found(comparison, hardware, precision, sparsity):
    return next(
        record
        for record in comparison.records
        if (record["hardware"], record["precision"], record["sparsity"]) == (hardware, precision, sparsity)
    )


def parts_of(record, kind):
    names = Gap._fields if kind == "gap_" else CYCLE_PARTS
    return [record[f"{kind}{name}_cycles"] for name in names]


ALL = (*MACHINES, "textbook_os_32", "dadiannao", "loom", "pragmatic", "sparseloop_stc", "a100")


@pytest.mark.parametrize("name", ALL)
def test_parts_of_each_layer_add_up_to_its_cycles(name):
    hardware = load_hardware(name)
    result = simulate(hardware, read_network(MIXED))
    for row, parts, product in zip(result.rows, cycle_parts(result, hardware), result.products, strict=True):
        assert parts.total == row.total_cycles
        assert parts.engine == (row.compute_cycles if product else 0)
        assert min(parts.useful, parts.channels, parts.edge, parts.operands, parts.memory, parts.vector) >= 0
        if product:
            useful = row.compute_utilization * row.compute_cycles
            assert name == "pragmatic" or float(parts.useful) == pytest.approx(useful)


def test_gaps_add_up_exactly_and_so_do_cycles(mixed):
    for row, record in zip(mixed.rows, mixed.records, strict=True):
        if row.measured is None:
            continue
        baseline = found(mixed, row.hardware, *row.baseline.split())
        exact = record["total_cycles"] - baseline["total_cycles"] / row.measured.ideal_speedup
        assert sum(row.measured.gap) == exact
        assert sum(parts_of(record, "gap_")) == record["gap_cycles"]
        assert record["gap_cycles"] == record["total_cycles"] - record["ideal_cycles"]
        assert abs(record["gap_cycles"] - exact) <= Fraction(1, 2)
        assert sum(parts_of(record, "")) == record["total_cycles"]
        energy = sum(value for name, value in record.items() if name.startswith("energy_uj_"))
        assert energy == pytest.approx(record["energy_uj"])


def test_a_baseline_has_no_gap(mixed):
    for hardware in MACHINES:
        first = next(r for r in mixed.records if r["hardware"] == hardware and not r["not_run"])
        assert (first["speedup"], first["ideal_speedup"], first["energy_ratio"]) == (1, 1, 1)
        assert parts_of(first, "gap_") == [0] * len(Gap._fields)


def test_whole_parts_keep_their_sum():
    parts = [Fraction(1, 3), Fraction(-7, 3), Fraction(0), Fraction(10), Fraction(1, 2)]
    whole = _whole(parts)
    assert whole[2] == 0
    assert abs(sum(whole) - sum(parts)) <= Fraction(1, 2)
    assert all(abs(a - b) <= 1 for a, b in zip(whole, parts, strict=True))


def test_waits_are_told_apart():
    """Two layers of 10 cycles: engine 0-4, lanes 3-7, DRAM 2-6 with as much to do; then DRAM 11-13, lanes 12-20."""
    import numpy as np

    units = {"engine": [[0, 4]], "vector": [[3, 7], [12, 20]], "dram": [[2, 6], [11, 13]]}
    nothing = np.zeros((0, 2), np.int64)
    timeline = Timeline(**{name: np.array(units.get(name, nothing), np.int64) for name in Timeline._fields})
    # first layer: 4-6 both work, memory counts; 6-7 the lanes alone; 7-10 nothing, which is latency
    # second: the lanes have more to do, so that 12-20 is theirs, and 10-12 waits for memory
    assert waiting(timeline, [10, 10]) == [(5, 1), (2, 8)]


def test_half_the_bits_are_exactly_twice_as_fast_on_stripes():
    record = compare(load_hardware("stripes"), read_network(CONVOLUTIONS), ["int16", "int8"]).records[1]
    assert record["ideal_speedup"] == record["convolution_speedup"] == 2
    assert record["speedup"] < 2
    engine = ("first_layer", "channels", "edge", "operands", "uncovered", "pipeline")
    assert all(record[f"gap_{cause}_cycles"] == 0 for cause in engine)


def test_serial_in_both_operands_promises_the_product_of_the_ratios():
    record = compare(load_hardware("loom"), read_network(CONVOLUTIONS), ["int16", "int8"]).records[1]
    assert record["ideal_speedup"] == record["convolution_speedup"] == 4


def test_a_pattern_on_tensor_cores_gains_at_most_what_it_promises(mixed):
    dense, pruned = (
        compare(load_hardware("edge_sparse_npu"), read_network(CONVOLUTIONS), ["int8"], SPARSITIES).records
    )[:2]
    assert pruned["ideal_speedup"] == 2
    assert 1.7 < pruned["convolution_speedup"] <= 2
    assert pruned["gap_cycles"] > 0
    assert 0.5 < pruned["weight_bytes"] / dense["weight_bytes"] < 0.65
    partly = found(mixed, "edge_sparse_npu", "int8", "2:4")
    assert partly["gap_uncovered_cycles"] != 0  # attention, and a layer that states its own sparsity


def test_rates_by_precision_are_promised():
    record = compare(load_hardware("a100"), read_network(CONVOLUTIONS), ["fp16", "int8"], ["dense", "2:4"]).records
    assert [r["ideal_speedup"] for r in record] == [1, 2, 2, 4]


def test_engines_that_gain_nothing_promise_nothing(mixed):
    for name in ("edge_npu",):
        assert {r["ideal_speedup"] for r in mixed.records if r["hardware"] == name} == {1}
    narrow = found(mixed, "edge_npu", "int8", "dense")
    assert narrow["convolution_speedup"] == 1
    assert narrow["speedup"] >= 1
    assert narrow["gap_cycles"] == narrow["gap_memory_cycles"] + narrow["gap_vector_cycles"]


@pytest.mark.parametrize("name", MACHINES)
def test_zeros_anywhere_change_no_cycle_and_energy_only_where_they_are_gated(name):
    plain, gated = (
        compare(
            load_hardware(name, [f"engine.zero_gating={value}"]), read_network(CONVOLUTIONS), ["int8"], ["dense", "0.5"]
        )
        for value in ("false", "true")
    )
    for comparison, gating in ((plain, False), (gated, True)):
        dense, zeros = comparison.records
        assert dense["total_cycles"] == zeros["total_cycles"]
        assert parts_of(zeros, "gap_") == [0] * len(Gap._fields)
        assert zeros["zero_gating"] is gating
        assert zeros["weight_bytes"] == dense["weight_bytes"]
        assert (zeros["energy_uj"] < dense["energy_uj"]) is gating
        assert (zeros["energy_uj_mac"] == pytest.approx(dense["energy_uj_mac"] / 2, rel=1e-3)) is gating
    told = verdicts(gated.records)[0]
    assert "zeros change no cycle; gating them saves" in told
    assert "no energy without engine.zero_gating" in verdicts(plain.records)[0]


def test_what_a_machine_does_not_take_is_a_row_with_the_reason(mixed):
    refused = [record for record in mixed.records if record["not_run"]]
    assert [(r["hardware"], r["precision"], r["sparsity"]) for r in refused] == [
        (name, "fp32", sparsity) for name in ("stripes", "edge_sparse_npu") for sparsity in SPARSITIES
    ]
    without = "precision: fp32 has no macs_per_cycle; allowed: int8, int16"
    assert {r["not_run"] for r in refused} == {"takes integers only", without}
    assert all(r["total_cycles"] is None and r["energy_uj_dram"] is None for r in refused)
    assert found(mixed, "stripes", "int8", "dense")["baseline"] == "int16 dense"
    assert mixed.table["total_cycles"].isna().sum() == 6


def test_a_precision_without_a_rate_is_a_row():
    comparison = compare(load_hardware("a100"), read_network(CONVOLUTIONS), ["fp32", "fp16"])
    assert "no macs_per_cycle" in comparison.rows[0].not_run
    assert comparison.rows[1].baseline == "fp16 dense"


def test_too_wide_operands_are_a_row():
    narrow = load_hardware("stripes", ["engine.pe_bits=8"])
    assert "do not fit" in compare(narrow, read_network(CONVOLUTIONS), ["int16", "int8"]).rows[0].not_run


def test_the_baseline_is_dense_even_where_no_row_is():
    hardware, workload = load_hardware("edge_sparse_npu"), read_network(CONVOLUTIONS)
    alone = compare(hardware, workload, ["int8"], ["2:4"]).records
    assert alone == compare(hardware, workload, ["int8"], ["dense", "2:4"]).records[1:]


def test_without_precisions_hardware_and_network_state_them():
    own = compare(load_hardware("stripes"), read_network(CONVOLUTIONS)).rows[0]
    assert (own.precision, own.baseline) == ("int16", "int16 dense")
    other = read_network(CONVOLUTIONS.replace("layers:", "activation_bits: 9\nlayers:"))
    assert compare(load_hardware("stripes"), other).rows[0].precision == "own"


@pytest.mark.parametrize(
    ("names", "precisions", "sparsities", "told"),
    [
        (["edge_npu"], ["int7"], ["dense"], "--precision int7: allowed: int2"),
        (["edge_npu"], ["int8"], ["3:2"], "--sparsity 3:2: allowed"),
        (["edge_npu"], ["int8"], ["1.5"], "--sparsity 1.5: allowed"),
        (["edge_npu", "edge_npu"], None, ["dense"], "two of them"),
        (["stripes"], ["fp32"], ["dense"], "nothing runs: stripes: takes integers only"),
        ([], None, ["dense"], "needs hardware"),
        (["edge_npu"], None, [], "needs hardware"),
    ],
)
def test_mistakes(names, precisions, sparsities, told):
    with pytest.raises(UserError, match=re.escape(told)):
        compare([load_hardware(name) for name in names], read_network(CONVOLUTIONS), precisions, sparsities)


def test_values_of_other_kinds_are_told():
    hardware, workload = load_hardware("edge_npu"), read_network(CONVOLUTIONS)
    with pytest.raises(UserError, match="load_hardware"):
        compare(workload, hardware)
    with pytest.raises(UserError, match="load_hardware"):
        compare(["edge_npu"], workload)
    with pytest.raises(UserError, match="should be lists"):
        compare(hardware, workload, "int8")


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_tables_fit_and_name_all_machines(mixed, width):
    lines = printed(comparison_report(mixed.records, ["engine.zero_gating=true"]), width)
    assert max(map(len, lines)) <= max(width, 74)
    assert "not run: stripes fp32: takes integers only" in "\n".join(lines)
    assert all(line == line.rstrip() for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "paid most" in text
    assert sum(line.startswith("edge_npu: ") for line in lines) == 1


def test_verdicts_say_what_did_not_pay():
    records = compare(load_hardware("edge_npu"), read_network(CONVOLUTIONS), ["int8", "int16"]).records
    assert verdicts(records) == ["edge_npu: int16 did not pay"]


def test_verdict_of_a_single_row():
    records = compare(load_hardware("edge_npu"), read_network(CONVOLUTIONS)).records
    assert verdicts(records) == ["edge_npu: nothing to compare"]


def test_figure_is_drawn_and_the_same_each_time(mixed):
    svg, png = comparison_figure(mixed.records, ["svg", "png"])
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert png.startswith(b"\x89PNG")
    assert [svg, png] == comparison_figure(mixed.records, ["svg", "png"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What ``compare --out`` leaves, and what it printed."""
    folder = tmp_path_factory.mktemp("compare")
    workload = folder / "mixed.yaml"
    workload.write_text(MIXED, encoding="utf-8")
    command = [sys.executable, "-m", "accelsim", "compare", str(workload), "--hw", "edge_npu", "--hw", "stripes"]
    options = ["--precision", "fp32,int8", "--sparsity", "dense,0.5", "--out", str(folder / "out"), "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    return folder / "out", json.loads(done.stdout), done.stderr


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
    assert "int8 dense paid most" in " ".join(out.split())


def test_a_standard_network_in_place_of_a_separable_one():
    """Howard et al. 2017, arXiv:1704.04861, Table 4, Conv MobileNet: 4866 million mult-adds, 29.3 million weights."""
    workload = claims.standard("mobilenet_v1")
    assert workload.macs == pytest.approx(4866e6, rel=5e-4)
    assert round(workload.params / 1e6, 1) == 29.3
    assert not any(getattr(node.layer, "groups", 1) > 1 for node in workload.nodes)


@pytest.mark.skipif(UNJITTED, reason="whole networks")
def test_claims_and_their_fine_print():
    made = [claim() for claim in claims.CLAIMS]
    figures = {claim.name: claim.figures for claim in made}
    energy = figures["int8_energy"]
    assert energy["multiplication_ratio"] == pytest.approx(18.5)
    assert energy["multiplication_ratio"] > energy["mac_ratio"] > energy["total_ratio"] > energy["dram_ratio"] > 4
    assert figures["stripes"]["convolution_speedup"] == 2 > figures["stripes"]["speedup"]
    assert figures["two_of_four"]["speedup"] < figures["two_of_four"]["convolution_speedup"] < 2
    assert 0.625 < figures["two_of_four"]["stored_share"] < 0.63  # 4 of 8 bits and 2 x 2 of index, start values besides
    for name in MACHINES:
        assert figures["unstructured"][f"{name}_speedup"] == figures["unstructured"][f"{name}_energy_ratio"] == 1
        assert figures["unstructured"][f"{name}_energy_ratio_gated"] > 1.02
    separable = figures["separable"]
    assert separable["mac_ratio"] > 8
    assert separable["cycle_ratio"] < separable["mac_ratio"] / 3
    assert separable["depthwise_mac_share"] < 0.05 < 0.5 < separable["depthwise_cycle_share"]
    for width in (80, 100):
        report = claims_report([(claim.title, claim.text, claim.records) for claim in made])
        assert max(map(len, printed(report, width))) <= width
    json.dumps([claim.as_json() for claim in made], allow_nan=False)
