"""What a person reads: tables at any width, figures, and files that appear whole or not at all."""

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from accelsim import load_hardware, load_workload, simulate
from accelsim.config import UserError, files
from accelsim.energy.technology import load_technology
from accelsim.load import read_hardware_document
from accelsim.report import run_files
from accelsim.report.gemm import gemm_report
from accelsim.report.list import list_report, list_shipped, show_named
from accelsim.report.run import layers_table, run_report
from accelsim.report.run_perfetto import trace_text
from accelsim.report.show import hardware_report, technology_report, workload_report
from accelsim.report.text import Facts, Grid, Paragraph, SideBySide, figure, kib, scaled
from accelsim.report.validate import validate_report
from accelsim.simulation.network import count_gemm
from accelsim.studies.validate import anchors as validate

WIDTHS = (40, 60, 80, 100, 200)


def printed(report, width, **options):
    """The lines of a report on a console of some width."""
    out = StringIO()
    Console(file=out, width=width, highlight=False, **options).print(report, crop=False)
    return out.getvalue().splitlines()


@pytest.fixture(scope="module", params=[("mobilenet_v2", "edge_npu"), ("resnet8", "mcu_npu")], ids=lambda p: p[0])
def result(request):
    network, hardware = request.param
    return simulate(load_hardware(hardware), load_workload(network))


@pytest.fixture(scope="module")
def resnet8():
    return simulate(load_hardware("edge_npu"), load_workload("resnet8"))


def large(row):
    """A row with figures and a name as large networks have them."""
    return replace(
        row,
        layer=f"encoder_{row.layer}_of_a_network_with_long_names",
        total_cycles=row.total_cycles * 10**6,
        stall_cycles=row.stall_cycles * 10**6,
        dram_read_bytes=row.dram_read_bytes * 10**4,
        energy_pj=row.energy_pj * 10**4,
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("grow", [lambda row: row, large], ids=["as it is", "large"])
def test_no_digit_and_no_bound_is_cut(result, width, grow):
    rows = [grow(row) for row in result.rows]
    lines = printed(layers_table(rows), width)
    there = [row for row in rows if row.bound != "none"]
    for row, line in zip(there, lines[2:], strict=False):
        assert f"{row.total_cycles:,}" in line.split()
        assert f"{row.stall_cycles:,}" in line.split()
        assert line.endswith(row.bound)
    numbers = 80 if grow is large else 60  # more than numbers and bounds need by themselves, with a short name
    assert max(map(len, lines)) <= max(width, numbers)


def test_columns_go_in_order_then_the_name_is_shortened():
    row = ["first_layer_of_all_layers", "convolution", "12544x147x64 *32", "1,234,567,890"]
    grid = Grid(("layer", "kind", "shape", "cycles"), [row], ("layer",), drop=("kind", "shape"), shorten="layer")
    assert printed(grid, 71)[2] == "  ".join(row)
    assert printed(grid, 70)[2] == " ".join(row)
    assert printed(grid, 67)[2] == "  ".join([row[0], *row[2:]])
    assert printed(grid, 55)[2] == "  ".join([row[0], row[3]])
    grid = Grid(("layer", "cycles"), [[row[0], row[3] * 2]], ("layer",), shorten="layer")
    assert printed(grid, 40)[2] == "first_…layers " + row[3] * 2
    grid = Grid(("layer", "cycles"), [[row[0], row[3] * 3]], ("layer",), shorten="layer")
    assert printed(grid, 40)[2] == "firs…ers " + row[3] * 3  # wider than asked: no digit is cut


def test_a_width_below_40_counts_as_40(resnet8):
    assert printed(layers_table(resnet8.rows), 10) == printed(layers_table(resnet8.rows), 40)
    assert printed(Paragraph("word " * 20), 1) == printed(Paragraph("word " * 20), 40)


def test_headings_say_what_they_count_and_a_legend_explains_them(resnet8):
    lines = printed(layers_table(resnet8.rows), 100)
    assert "DRAM KiB" in lines[0]
    legend = " ".join(lines[lines.index(next(line for line in lines if line.startswith("M x K x N:"))) :])
    for word in ("*groups", "cycles:", "stalled:", "util:", "bound:"):
        assert word in legend
    assert not any("*groups" in line for line in printed(layers_table(resnet8.rows), 50))  # gone with its column


def test_no_exponent_in_a_table(result):
    text = "\n".join(printed(run_report([large(row) for row in result.rows], result.summary), 200))
    assert not re.search(r"\de[+-]\d", text)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_run_report_fits_and_trails_no_blanks(result, width):
    lines = printed(run_report(result.rows, result.summary), width)
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_notes_stand_under_the_title():
    result = simulate(load_hardware("mcu_npu"), load_workload("vgg16"))
    lines = printed(run_report(result.rows, result.summary), 100)
    assert lines[0].startswith("vgg16 on mcu_npu")
    assert lines[1].startswith("note: ")
    assert any("OUT OF MEMORY" in line for line in lines[1 : 1 + len(result.summary["notes"])])


def test_costliest_layers_take_a_line_each_at_100_columns():
    result = simulate(load_hardware("eyeriss_os"), load_workload("resnet50"))
    lines = printed(run_report(result.rows, result.summary), 100)
    below = lines[lines.index("costliest layers, with their share of the cycles") + 1 :]
    assert len(below) == 3
    assert all(re.match(r"  \w+ +\d+\.\d%  (compute|memory) +\d", line) for line in below)
    assert any("compulsory bytes" in line for line in below)
    lines = printed(run_report(result.rows, result.summary), 80)
    below = lines[lines.index("costliest layers, with their share of the cycles") + 1 :]
    assert len(below) == 6  # what bounds them goes to lines of its own, whole
    assert all(re.match(r"    \d", line) for line in below[1::2])


def test_title_shows_settings_and_verification(resnet8):
    summary = {**resnet8.summary, "settings": ["engine.rows=64", "workload.batch=2"], "verified": True}
    title = printed(run_report(resnet8.rows, summary), 200)[0]
    assert title == (
        "resnet8 on edge_npu (int8, batch 1) with engine.rows=64, workload.batch=2; every product stepped and checked"
    )
    assert " with " not in printed(run_report(resnet8.rows, {**resnet8.summary, "settings": []}), 200)[0]


@pytest.mark.parametrize(
    ("hardware", "bits", "told"),
    [
        ("edge_npu", "8", "int8, batch 1"),
        ("stripes", "16", "int16, batch 1"),
        ("stripes", "4", "int16, activations 4 bit, weights 8 bit, batch 1"),
    ],
)
def test_title_says_what_widths_there_are(hardware, bits, told):
    settings = [f"workload.activation_bits={bits}"] + (["workload.weight_bits=16"] if bits == "16" else [])
    result = simulate(load_hardware(hardware), load_workload("resnet8", settings))
    assert printed(run_report(result.rows, result.summary), 200)[0] == f"resnet8 on {hardware} ({told})"


def test_operand_bits_are_those_of_products():
    narrow = load_workload("resnet8", ["workload.layers.conv1.activation_bits=5"])
    result = simulate(load_hardware("stripes"), narrow)
    assert result.summary["precision"] == "int16"
    assert result.summary["operand_bits"] == {"activations": [5, 8], "weights": [8, 8]}
    assert "activations 5 to 8 bit" in printed(run_report(result.rows, result.summary), 200)[0]


def test_reports_without_layers_to_show(resnet8):
    views = [row for row in resnet8.rows if row.bound == "none"]
    assert printed(layers_table(views), 80)[0].startswith("layer")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2943.7, "2,940"),
        (22_480, "22,500"),
        (9.996, "10.0"),
        (0.04, "0.0400"),
        (1.449, "1.45"),
        (-2, "-2.00"),
        (999.6, "1,000"),
        (1.2e9, "1,200,000,000"),
    ],
)
def test_figures_have_no_exponent(value, text):
    assert figure(value) == text


def test_units():
    assert scaled(1.024e12, "OPS") == "1.02 TOPS"
    assert scaled(67.2e9, "OPS") == "67.2 GOPS"
    assert scaled(999.7e9, "OPS") == "1.00 TOPS"
    assert scaled(0, "J") == "0 J"
    assert scaled(3e-13, "J") == "0.300 pJ"
    assert scaled(2.196, "W") == "2.20 W"
    assert kib(768 * 1024) == "768 KiB"
    assert kib(2048 * 2**20) == "2,048 MiB"
    assert kib(1500) == "1.465 KiB"


def test_one_unit_of_throughput_everywhere(resnet8):
    hardware = load_hardware("edge_npu")
    texts = [
        run_report(resnet8.rows, resnet8.summary),
        list_report(list_shipped("hw")),
        hardware_report(read_hardware_document("edge_npu"), hardware),
    ]
    for text in ("\n".join(printed(report, 100)) for report in texts):
        assert re.search(r"\d [TGM]OPS", text)
        assert "op/s" not in text


def test_gemm_counts_name_their_unit():
    hardware = load_hardware("edge_npu")
    lines = printed(gemm_report(count_gemm(hardware, 64, 64, 64), hardware), 100)
    assert [line for line in lines if "reads" in line or "sums" in line] == [
        "activation reads   8,192 elements",
        "weight reads       4,096 elements",
        "partial sums       8,192 elements written, 4,096 read back",
    ]


def test_lists_hold_plain_numbers_under_names_with_units():
    npu = next(entry for entry in list_shipped("hw") if entry["name"] == "edge_npu")
    assert list(npu) == ["name", "engine", "clock_mhz", "peak_tops", "sram_kib", "dram_gb_s", "description"]
    assert (npu["clock_mhz"], npu["peak_tops"], npu["sram_kib"], npu["dram_gb_s"]) == (500, 1.024, 768, 12.8)
    network = next(entry for entry in list_shipped("workloads") if entry["name"] == "mobilenet_v2")
    assert network["macs"] == 300_774_272
    assert network["input"] == {"channels": 3, "height": 224, "width": 224}
    assert next(entry for entry in list_shipped("technologies") if entry["name"] == "cmos45")["node_nm"] == 45
    for kind in ("hw", "workloads", "technologies"):
        assert all(key == key.lower() and " " not in key for entry in list_shipped(kind) for key in entry)


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("kind", ["hw", "workloads", "technologies"])
def test_lists_fit_with_every_number(kind, width):
    lines = printed(list_report(list_shipped(kind)), width)
    assert max(map(len, lines)) <= width
    for entry, line in zip(list_shipped(kind), lines[2:], strict=False):
        assert line.split()[0] == entry["name"]
        assert "…" not in "".join(line.split()[-4:])


@pytest.mark.parametrize("width", [60, 80, 100])
def test_show_fits_with_every_number(width):
    hardware, network = load_hardware("edge_npu"), load_workload("mobilenet_v2")
    lines = printed(workload_report(network, hardware), width)
    assert max(map(len, lines)) <= width
    assert any(re.search(r" 1,280,000 +1,281,000 +1,281,000$", line) for line in lines)
    for report in (
        hardware_report(read_hardware_document("edge_npu"), hardware),
        technology_report(load_technology("cmos45")),
    ):
        assert max(map(len, printed(report, width))) <= width


def test_show_gives_plain_data_beside_the_report():
    sizes, _ = show_named("mobilenet_v2", "edge_npu", [])
    assert sizes["params"] == 3_504_872


def test_remarks_go_below_where_there_is_no_room_beside():
    facts = Facts([("engine.rows", "32", "chosen: square, so that no shape is favoured")])
    assert len(printed(facts, 100)) == 1
    assert printed(facts, 40) == ["engine.rows  32", "    chosen: square, so that no shape is", "    favoured"]


def test_blocks_stand_side_by_side_or_below_each_other():
    blocks = SideBySide(["a" * 30, "b"], ["c" * 30])
    assert printed(blocks, 80) == ["a" * 30 + "    " + "c" * 30, "b"]
    assert printed(blocks, 61) == ["a" * 30, "b", "c" * 30]


def test_plain_ascii_where_the_terminal_has_no_more():
    grid = Grid(("name", "n"), [["a_long_name_" * 5, "1"]], ("name",), shorten="name")
    console = Console(file=StringIO(), width=40)
    options = console.options.copy()
    options.encoding = "ascii"
    lines = ["".join(segment.text for segment in line) for line in console.render_lines(grid, options, pad=False)]
    assert all(line.isascii() for line in lines)
    assert "..." in lines[2]


@pytest.fixture(scope="module")
def checked():
    return list(validate.validate().anchors)


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100, 200])
def test_validate_lists_small_groups_whole_and_large_ones_in_a_line(checked, width):
    lines = printed(validate_report(checked), width)
    assert max(map(len, lines)) <= width
    for anchor in checked:
        if anchor.group in ("RTL cycles", "published macs", "published params"):
            figures = rf" {anchor.expected:,} +{anchor.simulated:,} .*yes$"
            assert any(re.search(figures, line) for line in lines), anchor
    assert [line for line in lines if re.match(r"SCALE-Sim cycles +226 +226 +226 +0$", line)]
    text = " ".join(" ".join(lines).split())
    assert all(" ".join(anchor.source.split()) in text for anchor in checked)
    assert "--json" in text
    assert lines[-1] == "every anchor is in its band"


@pytest.mark.slow
def test_validate_shows_errors_however_small_and_bands(checked):
    lines = printed(validate_report(checked), 100)
    resnet50 = next(line for line in lines if line.startswith("resnet50 ") and "4,089," in line)
    assert re.search(r"\+0\.0045% +0\.\d+% +yes$", resnet50)
    wrong = checked[0]._replace(simulated=checked[0].expected + 1)
    lines = printed(validate_report([wrong, *checked[1:]]), 100)
    assert any(line.startswith("OUTSIDE RTL cycles") for line in lines)
    assert any(line.endswith("NO") for line in lines)
    assert lines[-1] == "1 anchors outside their band"


def test_prepared_leaves_nothing_and_write_makes_the_folder(tmp_path):
    folder = tmp_path / "a" / "b"
    assert files.prepare_folder(str(folder), ("x.csv",)) == folder
    assert os.listdir(tmp_path) == []
    files.write_file(folder / "x.csv", "text\n")
    assert (folder / "x.csv").read_text() == "text\n"
    assert os.listdir(folder) == ["x.csv"]


@pytest.mark.parametrize("below", ["", "/below", "/far/below"])
def test_a_folder_that_is_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("here before")
    with pytest.raises(UserError, match=r"cannot be written: (is a file, not a folder|not a directory)$"):
        files.prepare_folder(f"{tmp_path}/file{below}")
    assert (tmp_path / "file").read_text() == "here before"


def test_no_folder_at_all_is_refused():
    with pytest.raises(UserError, match=r"^--out: should be a folder, got ''$"):
        files.prepare_folder("")


def test_a_target_that_is_a_folder_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "layers.csv").mkdir()
    with pytest.raises(UserError, match=r"layers\.csv: cannot be written: is a folder$"):
        files.prepare_folder(tmp_path, run_files.RESULT_FILES)
    assert os.listdir(tmp_path) == ["layers.csv"]
    with pytest.raises(UserError, match="is no regular file"):
        files.prepare_folder("/dev", ("null",))


def test_a_failed_write_names_its_file_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere/else")

    monkeypatch.setattr(files.os, "fsync", full)
    target = tmp_path / "a" / "b" / "x.csv"
    with pytest.raises(OSError, match="No space left on device") as raised:
        files.write_file(target, "text")
    assert raised.value.filename == str(target)
    assert os.listdir(tmp_path) == []


def test_a_failed_write_keeps_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("before")

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "replace", denied)
    with pytest.raises(PermissionError) as raised:
        files.write_file(tmp_path / "x.csv", "after")
    assert raised.value.filename == str(tmp_path / "x.csv")
    assert os.listdir(tmp_path) == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "before"


def test_a_write_onto_a_folder_names_it(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(OSError, match=r"x\.csv") as raised:
        files.write_file(tmp_path / "x.csv", "text")
    assert raised.value.filename == str(tmp_path / "x.csv")
    assert os.listdir(tmp_path) == ["x.csv"]


def test_a_long_name_is_no_hindrance(tmp_path):
    files.write_file(tmp_path / ("x" * 250), "text")
    assert os.listdir(tmp_path) == ["x" * 250]


def test_write_result_makes_its_files(resnet8, tmp_path):
    paths = run_files.write_result(tmp_path / "out", resnet8)
    assert [path.name for path in paths] == ["layers.csv", "summary.json"]
    assert [path.name for path in run_files.write_result(tmp_path / "out", resnet8, b"<svg/>")] == list(
        run_files.RESULT_FILES
    )
    assert json.loads(paths[1].read_text())["workload"] == "resnet8"


def test_a_trace_has_every_layer_and_every_busy_interval(resnet8, command, tmp_path):
    clock_mhz = 500
    trace = json.loads(trace_text(resnet8, clock_mhz))["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in trace if event["name"] == "thread_name"}
    assert list(names.values())[:2] == ["layers", "engine"]
    spans = [event for event in trace if event["ph"] == "X"]
    layers = [event for event in spans if event["tid"] == 0]
    assert [event["name"] for event in layers] == [row.layer for row in resnet8.rows if row.total_cycles]
    assert sum(event["dur"] for event in layers) == pytest.approx(resnet8.summary["total_cycles"] / clock_mhz)
    for track, (unit, busy) in enumerate(resnet8.timeline._asdict().items(), start=1):
        found = [(event["ts"] * clock_mhz, event["dur"] * clock_mhz) for event in spans if event["tid"] == track]
        assert np.allclose(found, [(begin, end - begin) for begin, end in busy.tolist()]), unit
    out = tmp_path / "trace.json"
    status, shown, _ = command("run", "ad_autoencoder", "--set", "dram.fidelity=ideal", "--trace", out)
    assert status == 0
    assert f"wrote {out}" in " ".join(shown.split()) or "trace.json" in shown
    assert json.loads(out.read_text())["traceEvents"]
    assert command("run", "ad_autoencoder", "--trace", tmp_path / "trace.txt")[0] == 2
    assert not (tmp_path / "trace.txt").exists()


class Balanced(HTMLParser):
    """Whether every element that is opened is closed, and the texts inside."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.images = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.images += tag == "img"
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_a_page_holds_what_a_command_wrote(command, tmp_path):
    run = ("run", "ad_autoencoder", "--set", "dram.fidelity=ideal", "--out", tmp_path / "a<b>")
    assert command(*run)[0] == 0
    status, shown, _ = command("report", tmp_path / "a<b>")
    assert (status, "report.html" in shown) == (0, True)
    page = Balanced((tmp_path / "a<b>" / "report.html").read_text())
    assert page.open == []
    assert "ad_autoencoder on edge_npu" in page.texts
    assert {"encoder1", "energy [pJ] by component", "layers.csv", "timeline"} <= set(page.texts)
    assert page.images == 1
    summary = json.loads((tmp_path / "a<b>" / "summary.json").read_text())
    assert f"{summary['macs']:,}" in page.texts
    assert command("report", tmp_path / "a<b>")[0] == 0  # once more


@pytest.mark.slow
def test_a_page_of_gating_and_of_strange_text(command, tmp_path):
    assert command("gating", "ad_autoencoder", "--set", "dram.fidelity=ideal", "--out", tmp_path)[0] == 0
    strange = {"note": "<script>alert(1)</script>", "notes": ["a & b"], "n": 1e-9}
    (tmp_path / "more.json").write_text(json.dumps(strange))
    assert command("report", tmp_path)[0] == 0
    text = (tmp_path / "report.html").read_text()
    assert "<script>" not in text
    assert Balanced(text).open == []


def test_what_is_no_such_folder_is_told(command, tmp_path):
    for folder, told in ((tmp_path / "none", "no such folder"), (tmp_path, "holds no JSON or CSV")):
        status, _, error = command("report", folder)
        assert (status, error.count("\n")) == (2, 1)
        assert told in error
    (tmp_path / "broken.json").write_text("{")
    status, _, error = command("report", tmp_path)
    assert (status, error.count("\n")) == (2, 1)
    assert "broken.json: no JSON" in error
    assert not (tmp_path / "report.html").exists()
