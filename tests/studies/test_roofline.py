"""Rooflines: roofs and ridge points by hand, nothing above its roof, and the figure as a file."""

import json
import os
import re
import struct
import sys
from xml.etree import ElementTree

import pytest
from matplotlib.text import Text
from strategies.sizes import UNJITTED

from accelsim import load_hardware, load_workload, simulate
from accelsim.compress import apply_precision, apply_sparsity
from accelsim.config.places import locate_hwconfigs
from accelsim.engines.table import engine_of
from accelsim.load import list_names
from accelsim.report.figures import style
from accelsim.report.roofline_plot import drawing, hover, roofline_image
from accelsim.report.roofline_scene import Stack, blocks, marker_size, scene_of, stacks, tied_levels, tied_roofs
from accelsim.simulation.result import InvariantError
from accelsim.studies.roofline import check_point, roofline
from accelsim.workload.gemm import apply_pattern, find_operand_widths, lower_to_gemm

JITTED_ONLY = ("pragmatic",)  # values decide about its cycles: too slow without numba
SVG = "{http://www.w3.org/2000/svg}"


def skip_if_slow(name):
    if UNJITTED and name in JITTED_ONLY:
        pytest.skip("small sizes only without numba")


def line_of(network, name="edge_npu", settings=(), sparsity=None, precision=None):
    skip_if_slow(name)
    hardware, workload = load_hardware(name, settings), load_workload(network)
    if precision:
        hardware, workload = apply_precision(hardware, workload, precision)
    if sparsity:
        hardware, workload = apply_sparsity(hardware, workload, sparsity)
    return roofline(simulate(hardware, workload), hardware, workload)


def roofs_of(line):
    return {roof.name: roof.macs_per_s for roof in line.roofs}


@pytest.fixture(scope="module")
def resnet8():
    return line_of("resnet8")


@pytest.fixture(scope="module")
def svg(resnet8):
    return roofline_image(resnet8, "resnet8 on edge_npu", ".svg")


def test_an_array_has_one_roof_and_its_ridge_points_by_hand(resnet8):
    """1024 PEs at 500 MHz; 12.8 GB/s of DRAM; 4 banks x 256 bit (ofmap: 8) at 500 MHz on chip."""
    assert roofs_of(resnet8) == {"int8": 512e9}
    assert {level.name: level.bytes_per_s for level in resnet8.levels} == {
        "DRAM": 12.8e9,
        "ifmap SRAM": 64e9,
        "weight SRAM": 64e9,
        "ofmap SRAM": 128e9,
    }
    assert [level.ridge(resnet8.roofs[0]) for level in resnet8.levels] == [40, 8, 8, 4]


def test_narrow_operands_gain_an_array_nothing():
    assert roofs_of(line_of("resnet8", precision="int4")) == {"int4": 512e9}


def test_serial_activations_have_a_roof_per_width():
    """65,536 lanes at 980 MHz, a bit a cycle."""
    line = line_of("alexnet_grouped", "stripes", precision="int8")
    lanes = 16**4 * 980e6
    assert roofs_of(line) == {f"{bits}-bit activations": lanes / bits for bits in (4, 8, 16)}
    assert [roof.name for roof in line.roofs if roof.used] == ["8-bit activations"]


def test_a_width_that_only_a_layer_has_gets_its_roof():
    hardware = load_hardware("stripes")
    workload = load_workload("resnet8", ["workload.layers.conv1.activation_bits=11"])
    line = roofline(simulate(hardware, workload), hardware, workload)
    assert [roof.name for roof in line.roofs if roof.used] == ["8-bit activations", "11-bit activations"]
    assert next(p for p in line.points if p.layer == "conv1").roof.macs_per_s == 16**4 * 980e6 / 11


@pytest.mark.parametrize(
    ("name", "roofs"),
    [
        ("dadiannao", {"16 bit": 4096 * 980e6}),
        ("loom", {f"{bits} x {bits} bit": 16**3 * 256 * 980e6 / bits**2 for bits in (4, 8, 16)}),
        ("unpu", {f"{bits}-bit weights": 13824 * 200e6 / bits for bits in (4, 8, 16)}),
        ("pragmatic", {"one bit an activation": 16**4 * 980e6}),
        ("sparseloop_stc", {"int8": 1024e9, "int8 2:4": 2048e9}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_roofs_of_other_engines(name, roofs):
    assert roofs_of(line_of("resnet8", name)) == pytest.approx(roofs, rel=1e-15)


def test_a_gpu_has_a_roof_per_precision_dense_and_sparse():
    """NVIDIA A100 whitepaper, Table 1: 312 TFLOPS, 624 TOPS, 1248 TOPS, twice that at 2:4; a MAC is two operations."""
    line = line_of("resnet8", "a100")
    tera = {"fp16": 312, "bf16": 312, "int8": 624, "int4": 1248}
    expected = {name: rate / 2 * 1e12 for name, rate in tera.items()}
    expected |= {f"{name} 2:4": 2 * rate for name, rate in expected.items()}
    assert roofs_of(line) == pytest.approx(expected, rel=1e-3)  # as rounded there
    assert [roof.name for roof in line.roofs if roof.used] == ["fp16"]


def test_layers_whose_weights_are_pruned_lie_under_the_pattern_s_roof():
    line = line_of("bert_base_s128", "edge_sparse_npu", sparsity="1:4")
    wide = {"int16": 256e9, "int16 2:4": 512e9, "int16 1:4": 1024e9}
    assert roofs_of(line) == wide | {"int8": 512e9, "int8 2:4": 1024e9, "int8 1:4": 2048e9}
    assert {(point.kind, point.roof.name) for point in line.points} == {("linear", "int8 1:4"), ("matmul", "int8")}


def test_points_are_the_layers_rows(resnet8):
    hardware = load_hardware("edge_npu")
    result = simulate(hardware, load_workload("resnet8"))
    rows = [row for row in result.rows if row.macs]
    total = result.summary["total_cycles"]
    assert [point.layer for point in resnet8.points] == [row.layer for row in rows]
    for point, row in zip(resnet8.points, rows, strict=True):
        assert point.macs_per_byte == row.arithmetic_intensity
        assert point.macs_per_s == pytest.approx(row.macs / row.total_cycles * 500e6)
        assert point.share == row.total_cycles / total
    rest = [row for row in result.rows if not row.macs and row.total_cycles]
    assert resnet8.left_out == len(rest) > 0
    assert sum(p.share for p in resnet8.points) + resnet8.left_out_share == pytest.approx(1)


@pytest.mark.parametrize("name", list_names(locate_hwconfigs()))
@pytest.mark.parametrize("network", ["resnet8", "alexnet_grouped"])
def test_no_point_lies_above_its_roof(name, network):
    """In whole numbers, from the rows: MACs <= peak x cycles, bytes x clock <= bandwidth x cycles."""
    skip_if_slow(name)
    hardware, workload = load_hardware(name), load_workload(network)
    result = simulate(hardware, workload)
    line = roofline(result, hardware, workload)
    engine = hardware.engine
    bandwidth, clock = round(hardware.dram.bandwidth_gb_s * 1e9), round(hardware.clock_mhz * 1e6)
    points = {point.layer: point for point in line.points}
    for row, node, bits in zip(
        result.rows, workload.nodes, find_operand_widths(workload, engine.operand_bits), strict=True
    ):
        if row.macs:
            gemm = apply_pattern(lower_to_gemm(node, workload.file.batch, bits), engine.sparse_pattern)
            peak = engine_of(engine).peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits)
            assert row.macs <= peak * row.total_cycles
            moved = row.dram_read_bytes + row.dram_write_bytes - row.prefetched_bytes
            assert moved * clock <= bandwidth * row.total_cycles
            assert points[row.layer].roof.macs_per_s == peak * clock
            assert 0 < points[row.layer].reached <= 1 + 1e-12
    assert len(points) == sum(row.macs > 0 for row in result.rows)


@pytest.mark.parametrize(("factor", "told"), [(1.001, "its roof"), (0.5, "DRAM at")], ids=["roof", "diagonal"])
def test_a_point_above_is_a_defect(resnet8, factor, told):
    point = max(resnet8.points, key=lambda p: p.macs_per_byte)
    check_point(point, resnet8.dram)
    roof = point.roof.macs_per_s
    above = point._replace(macs_per_s=roof * factor, macs_per_byte=1e9 if told == "its roof" else 1.0)
    with pytest.raises(InvariantError, match=f"layer {point.layer}: .*{told}"):
        check_point(above, resnet8.dram)


def test_layers_on_one_place_are_one_stack_with_a_common_name():
    line = line_of("bert_base_s128", "a100")
    found = stacks(line.points)
    assert len(line.points) == 96
    assert [(stack.name, len(stack.points)) for stack in found][:2] == [("layer… x48", 48), ("layer…_output x12", 12)]
    assert sum(stack.share for stack in found) == pytest.approx(1 - line.left_out_share)


@pytest.mark.parametrize(
    ("names", "name"),
    [(["fc"], "fc"), (["block1_dw", "block12_dw"], "block…_dw x2"), (["a", "b"], "a… x2"), (["c", "c"], "c… x2")],
)
def test_names_of_stacks(resnet8, names, name):
    assert Stack(tuple(resnet8.points[0]._replace(layer=layer) for layer in names)).name == name


def test_lines_of_one_height_share_a_label():
    line = line_of("resnet8", "a100")
    assert [roof.label for roof in tied_roofs(line)] == [
        "int4 2:4: 1,250 TMAC/s",
        "int4, int8 2:4: 624 TMAC/s",
        "int8, fp16/bf16 2:4: 312 TMAC/s",
        "fp16/bf16: 156 TMAC/s",
    ]
    assert [level.label for level in tied_levels(line)] == ["DRAM 1.56 TB/s", "SRAM 28.9 TB/s"]
    names = [level.label for level in tied_levels(line_of("resnet8"))]
    assert names == ["DRAM 12.8 GB/s", "ofmap SRAM 128 GB/s", "ifmap, weight SRAM 64 GB/s"]


def test_labels_of_roofs_too_close_stand_together():
    settings = [
        f"workload.layers.{name}.activation_bits={bits}"
        for name, bits in (("conv1", 9), ("stack1_conv1", 10), ("stack1_conv2", 11))
    ]
    hardware, workload = load_hardware("stripes"), load_workload("resnet8", settings)
    scene = scene_of(roofline(simulate(hardware, workload), hardware, workload))
    sizes = [len(block) for block in blocks(scene)]
    assert sum(sizes) == len(scene.roofs) == 6
    assert max(sizes) > 1
    assert scene.left < min(stack.points[0].macs_per_byte for stack in scene.stacks)


@pytest.mark.parametrize("kind", ["conv2d", "depthwise", "grouped", "linear", "matmul", "another"])
def test_markers_of_all_shapes_have_the_area_that_tells_their_share(kind):
    assert marker_size(kind, 0.2) == pytest.approx(4 * marker_size(kind, 0.05))
    assert marker_size(kind, 0.001) == marker_size(kind, 0.01)


@pytest.mark.parametrize(
    ("network", "name", "sparsity"),
    [
        ("mobilenet_v2", "edge_npu", None),
        ("resnet50", "edge_sparse_npu", "2:4"),
        ("alexnet_grouped", "stripes", None),
        ("bert_base_s128", "a100", None),
        ("mobilenet_v1", "mcu_npu", None),
        ("resnet8", "pragmatic", None),
        ("resnet8", "h100", None),
    ],
)
def test_no_words_overlap_or_leave_the_picture(network, name, sparsity):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    line = line_of(network, name, sparsity=sparsity)
    with style():
        drawn = drawing(line, f"{network} on {name}")
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        axes, renderer = drawn.axes[0], canvas.get_renderer()
        keys = [text for legend in drawn.legends for text in legend.get_texts()]
        for text in (*drawn.texts, *axes.texts, *keys, axes.xaxis.label, axes.yaxis.label):
            left, bottom, right, top = Text.get_window_extent(text, renderer).extents
            assert 0 <= left < right <= drawn.bbox.width, text.get_text()
            assert 0 <= bottom < top <= drawn.bbox.height, text.get_text()
        level = [(text, Text.get_window_extent(text, renderer)) for text in axes.texts if not text.get_rotation()]
        for index, (text, box) in enumerate(level):
            assert not [other.get_text() for other, its in level[index + 1 :] if box.overlaps(its)], text.get_text()
        heights = [axes.transData.transform((1, scene_of(line).height(roof.macs_per_s)))[1] for roof in line.roofs]
        boxes = [box for text, box in level if "MAC/s" in text.get_text()]
        assert boxes
        assert not [box for box in boxes for height in heights if box.y0 < height < box.y1]  # no line through a label
        assert {level.label for level in tied_levels(line)} <= {text.get_text() for text in axes.texts}


def test_the_svg_is_well_formed_with_a_title_for_each_layer(resnet8, svg):
    root = ElementTree.fromstring(svg)
    groups = [group for group in root.iter(f"{SVG}g") if re.fullmatch(r"layer-\d+", group.get("id", ""))]
    titles = {group.get("id"): group[0].text for group in groups if group[0].tag == f"{SVG}title"}
    assert titles == {f"layer-{index}": hover(point, resnet8) for index, point in enumerate(resnet8.points)}
    assert titles["layer-0"].startswith("conv1 (conv2d, bound by ")
    assert all(list(group.iter(f"{SVG}use")) for group in groups)  # a marker is there


def test_the_same_bytes_each_time_and_no_date(resnet8, svg):
    assert roofline_image(resnet8, "resnet8 on edge_npu", ".svg") == svg
    assert b"date" not in svg


def test_a_caller_s_matplotlib_is_left_alone(resnet8, svg, monkeypatch):
    import matplotlib

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        names = [name for name in matplotlib.rcParams if name != "backend"]  # asking for it would choose one
        before = {name: matplotlib.rcParams[name] for name in names}
        assert roofline_image(resnet8, "resnet8 on edge_npu", ".svg") == svg
        assert {name: matplotlib.rcParams[name] for name in names} == before


def test_a_png_has_its_size(resnet8):
    png = roofline_image(resnet8, "resnet8 on edge_npu", ".png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (1600, 1000)


def test_names_cannot_break_the_picture(resnet8):
    odd = resnet8.points[0]._replace(layer="a<b>&$x_$\"'", share=0.5)
    image = roofline_image(resnet8._replace(points=(odd, *resnet8.points[1:])), "100 % <of> $all$ " * 20, ".svg")
    assert any(title.text.startswith("a<b>&$x_$") for title in ElementTree.fromstring(image).iter(f"{SVG}title"))


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
