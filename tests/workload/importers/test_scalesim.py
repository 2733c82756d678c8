"""SCALE-Sim's topologies and configurations through the ordinary loader, and mistakes in them."""

from pathlib import Path

import pytest

from accelsim.config import UserError, parse_yaml
from accelsim.load import load_hardware, load_workload
from accelsim.simulation.network import simulate
from accelsim.workload.importers import format_yaml
from accelsim.workload.importers.scalesim import read_configuration, read_topology
from accelsim.workload.network import build_workload

CONV_HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"


# topologies/conv_nets/alexnet.csv of SCALE-Sim 2, and M, N, K of its layers as SCALE-Sim 3.0.0 reports them
ALEXNET = CONV_HEADER + (
    "Conv1     ,224         ,224        ,11           ,11          ,3       ,96        ,4      ,\n"
    "Conv2     ,27         ,27        ,5            ,5           ,96      ,256       ,1      ,\n"
    "Conv3     ,13          ,13         ,3            ,3           ,256     ,384       ,1      ,\n"
)


ALEXNET_MNK = {"Conv1": (3025, 96, 363), "Conv2": (529, 256, 2400), "Conv3": (121, 384, 2304)}


ALEXNET_OS_LAST_CYCLES = [121124, 334831, 113567]  # what SCALE-Sim 3.0.0 prints for 32 x 32


# configs/scale.cfg of SCALE-Sim 3
SCALE_CFG = """[general]
run_name = scale_example_run_32x32_ws

[architecture_presets]
ArrayHeight:    32
ArrayWidth:     16
IfmapSramSzkB:   64
FilterSramSzkB:  128
OfmapSramSzkB:   32
IfmapOffset:    0
Bandwidth : 10
Dataflow : ws

[sparsity]
SparsitySupport : false

[run_presets]
InterfaceBandwidth: USER
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_convolutions_have_scale_sims_shapes(tmp_path):
    workload = load_workload(write(tmp_path, "alexnet.csv", ALEXNET))
    assert workload.name == "alexnet"
    for node in workload.nodes:
        m, n, k = ALEXNET_MNK[node.layer.name]
        assert node.output.height * node.output.width == m
        assert node.macs == m * n * k
        assert node.params == n * k
        assert node.producers == (None,)


def test_strides_in_both_directions_and_no_last_comma(tmp_path):
    path = write(tmp_path, "a.csv", CONV_HEADER + "\nc,8,9,2,3,4,5,2,1\n\n")
    (node,) = load_workload(path).nodes
    assert (node.output.height, node.output.width, node.macs) == (4, 7, 4 * 7 * 5 * 2 * 3 * 4)


def test_depthwise_rows_keep_their_channels_apart(tmp_path):
    """'DP' in a name: each channel is a layer of one channel."""
    path = write(tmp_path, "a.csv", CONV_HEADER + "DP1, 10, 10, 3, 3, 16, 1, 1, #dw\n")
    (node,) = load_workload(path).nodes
    assert (node.layer.groups, node.output.channels, node.macs) == (16, 16, 16 * 64 * 9)


def test_gemms(tmp_path):
    path = write(tmp_path, "llm.csv", "\ufeffLayer,M,N,K,\nqkv 1,128,1536,512,\nqkv 1,7,5,3\nheads,4,5,6,12,\n")
    nodes = load_workload(path).nodes
    assert [node.layer.name for node in nodes] == ["qkv_1", "qkv_1_2", "heads"]
    assert [node.macs for node in nodes] == [128 * 1536 * 512, 7 * 5 * 3, 12 * 4 * 5 * 6]
    assert [node.params for node in nodes] == [1536 * 512, 5 * 3, 12 * 5 * 6]


def test_sparsity_column(tmp_path):
    """2 of 4 weights kept; a dense 1:1 says nothing."""
    header = CONV_HEADER.replace("Strides,", "Strides, Sparsity,")
    path = write(tmp_path, "a.csv", header + "a, 5, 5, 3, 3, 2, 6, 1, 2:4,\nb, 5, 5, 3, 3, 2, 6, 1, 1:1,\n")
    assert [layer.get("weight_sparsity") for layer in read_topology(path)["layers"]] == [0.5, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a.csv: is empty; expected a header line"),
        (CONV_HEADER, "a.csv: has a header but no layer"),
        ("Conv1, 224, 224, 11, 11, 3, 96, 4,\n", "a.csv:1: not the header of a topology table; allowed: 'Layer name, "),
        (CONV_HEADER + "\nc, 8, 8, 3, 3, 4, 5,\n", "a.csv:3: column 'Strides' is missing"),
        (CONV_HEADER + "AlexNet,\n", "a.csv:2: column 'IFMAP Height' is missing"),
        (CONV_HEADER + "c, 8, 8, 3, x3, 4, 5, 1,\n", "a.csv:2: column 'Filter Width': should be an integer from 1 to"),
        (CONV_HEADER + "c, 8, 8, 3, 3, 0, 5, 1,\n", "a.csv:2: column 'Channels': should be an integer from 1 to"),
        (CONV_HEADER + "c, 8, 8, 3, 9, 4, 5, 1,\n", "a.csv:2: column 'Filter Width': should be at most the ifmap's 8"),
        (CONV_HEADER + "c, 8, 8, 3, 3, 4, 5, 1, 2:4, 1, 7,\n", "a.csv:2: nothing may follow column 'Strides W'"),
        (CONV_HEADER + "c, 8, 8, 3, 3, 4, 5, 1, 4:2,\n", "a.csv:2: column 'Sparsity': N of N:M is at most M"),
        ("Layer,M,N,K\na,4,5,99999999999\n", "a.csv:2: column 'K': should be an integer from 1 to 2147483647"),
        ("Layer,M,N,K\n,4,5,6\n", "a.csv:2: column 'Layer' is empty"),
    ],
)
def test_mistakes_in_a_topology(tmp_path, text, told):
    path = write(tmp_path, "a.csv", text)
    with pytest.raises(UserError) as error:
        read_topology(path)
    assert str(error.value).startswith(str(tmp_path / told))
    assert "\n" not in str(error.value)


def test_configuration(tmp_path):
    """10 words of a byte each cycle at the base file's clock."""
    hardware = load_hardware(write(tmp_path, "scale.cfg", SCALE_CFG))
    engine, sram = hardware.engine, hardware.sram
    assert hardware.name == "scale_example_run_32x32_ws"
    assert (engine.rows, engine.cols, engine.dataflow) == (32, 16, "ws")
    assert engine.charge_full_array
    assert engine.output_drain == "none"
    assert [buffer.capacity_kib for buffer in (sram.ifmap, sram.weight, sram.ofmap)] == [64, 128, 32]
    assert hardware.dram.bandwidth_gb_s == 10 * hardware.clock_mhz / 1000


def test_calculated_bandwidth_leaves_the_base_dram(tmp_path):
    path = write(tmp_path, "scale.cfg", SCALE_CFG.replace("USER", "CALC").replace("Bandwidth : 10", "Bandwidth : 77"))
    assert load_hardware(path).dram == load_hardware("scalesim_default").dram


def test_both_together_count_scale_sims_cycles(tmp_path):
    """It prints the index of the last cycle, one less than a count."""
    square = SCALE_CFG.replace("ArrayWidth:     16", "ArrayWidth:     32").replace("Dataflow : ws", "Dataflow : os")
    hardware = load_hardware(write(tmp_path, "scale.cfg", square))
    result = simulate(hardware, load_workload(write(tmp_path, "alexnet.csv", ALEXNET)))
    assert [cycles - 1 for cycles in result.layers["compute_cycles"]] == ALEXNET_OS_LAST_CYCLES


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[general]\n", "", "s.cfg:1: expected a [section] before the first key"),
        ("ArrayHeight:    32", "ArrayHeight 32", "s.cfg:5: should be 'Key : value' or '[section]'"),
        ("ArrayHeight:    32", "ArrayHeight: 3.5", "s.cfg:5: ArrayHeight: should be an integer from 1 to"),
        ("ArrayHeight:    32", "ArrayHight: 32", "s.cfg: missing key 'ArrayHeight' in section [architecture_p"),
        ("ArrayWidth: ", "ArrayHeight: ", "s.cfg:6: arrayheight is given twice"),
        ("Dataflow : ws", "Dataflow : rs", "s.cfg:12: Dataflow: should be one of os, ws, is, got 'rs'"),
        ("SparsitySupport : false", "SparsitySupport : true", "s.cfg:15: SparsitySupport: sparse arrays are not"),
        ("Bandwidth : 10", "Bandwidth : fast", "s.cfg:11: Bandwidth: should be an integer"),
    ],
)
def test_mistakes_in_a_configuration(tmp_path, old, new, told):
    path = write(tmp_path, "s.cfg", SCALE_CFG.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        read_configuration(path)
    assert str(error.value).startswith(str(tmp_path / told))
    assert "\n" not in str(error.value)


def test_dump_is_readable(tmp_path):
    data = read_topology(write(tmp_path, "alexnet.csv", ALEXNET))
    text = format_yaml(data)
    assert text.splitlines()[:4] == [
        "name: alexnet",
        'source: "SCALE-Sim topology alexnet.csv"',
        "layers:",
        "  - {name: Conv1, type: conv2d, input_shape: {channels: 3, height: 224, width: 224}, out_channels: 96,"
        " kernel: 11, stride: 4, padding: [0, 0, 3, 3], bias: false}",
    ]
    assert build_workload(parse_yaml(text, "text")) == load_workload(tmp_path / "alexnet.csv")
