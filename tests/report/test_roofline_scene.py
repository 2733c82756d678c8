"""What a roofline shows: stacks of layers, lines of one height, labels and markers."""

import pytest
from strategies.rooflines import line_of

from accelsim import load_hardware, load_workload, simulate
from accelsim.report.roofline_scene import Stack, blocks, marker_size, scene_of, stacks, tied_levels, tied_roofs
from accelsim.studies.roofline import roofline


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
def test_names_of_stacks(resnet8_roofline, names, name):
    assert Stack(tuple(resnet8_roofline.points[0]._replace(layer=layer) for layer in names)).name == name


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
