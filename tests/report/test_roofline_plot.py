"""The figure of a roofline as a file: words apart, the same bytes each time."""

import re
import struct
import sys
from xml.etree import ElementTree

import pytest
from matplotlib.text import Text
from strategies.rooflines import line_of

from accelsim.report.figures import style
from accelsim.report.roofline_plot import drawing, hover, roofline_image
from accelsim.report.roofline_scene import scene_of, tied_levels

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def svg(resnet8_roofline):
    return roofline_image(resnet8_roofline, "resnet8 on edge_npu", ".svg")


@pytest.mark.parametrize(
    ("network", "name", "sparsity"),
    [
        pytest.param("mobilenet_v2", "edge_npu", None, marks=pytest.mark.slow),
        pytest.param("resnet50", "edge_sparse_npu", "2:4", marks=pytest.mark.slow),
        pytest.param("alexnet_grouped", "stripes", None, marks=pytest.mark.slow),
        pytest.param("bert_base_s128", "a100", None, marks=pytest.mark.slow),
        pytest.param("mobilenet_v1", "mcu_npu", None, marks=pytest.mark.slow),
        pytest.param("resnet8", "pragmatic", None, marks=pytest.mark.slow),
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


def test_the_svg_is_well_formed_with_a_title_for_each_layer(resnet8_roofline, svg):
    root = ElementTree.fromstring(svg)
    groups = [group for group in root.iter(f"{SVG}g") if re.fullmatch(r"layer-\d+", group.get("id", ""))]
    titles = {group.get("id"): group[0].text for group in groups if group[0].tag == f"{SVG}title"}
    assert titles == {
        f"layer-{index}": hover(point, resnet8_roofline) for index, point in enumerate(resnet8_roofline.points)
    }
    assert titles["layer-0"].startswith("conv1 (conv2d, bound by ")
    assert all(list(group.iter(f"{SVG}use")) for group in groups)  # a marker is there


def test_the_same_bytes_each_time_and_no_date(resnet8_roofline, svg):
    assert roofline_image(resnet8_roofline, "resnet8 on edge_npu", ".svg") == svg
    assert b"date" not in svg


@pytest.mark.slow
def test_a_caller_s_matplotlib_is_left_alone(resnet8_roofline, svg, monkeypatch):
    import matplotlib

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        names = [name for name in matplotlib.rcParams if name != "backend"]  # asking for it would choose one
        before = {name: matplotlib.rcParams[name] for name in names}
        assert roofline_image(resnet8_roofline, "resnet8 on edge_npu", ".svg") == svg
        assert {name: matplotlib.rcParams[name] for name in names} == before


@pytest.mark.slow
def test_a_png_has_its_size(resnet8_roofline):
    png = roofline_image(resnet8_roofline, "resnet8 on edge_npu", ".png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (1600, 1000)


@pytest.mark.slow
def test_names_cannot_break_the_picture(resnet8_roofline):
    odd = resnet8_roofline.points[0]._replace(layer="a<b>&$x_$\"'", share=0.5)
    image = roofline_image(
        resnet8_roofline._replace(points=(odd, *resnet8_roofline.points[1:])), "100 % <of> $all$ " * 20, ".svg"
    )
    assert any(title.text.startswith("a<b>&$x_$") for title in ElementTree.fromstring(image).iter(f"{SVG}title"))
