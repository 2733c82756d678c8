"""Operations of ONNX as layers: their shapes and MACs after the ordinary loader."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from strategies.onnx_models import layers, node, norm_inputs, save, scalar, values, weights

from accelsim.config import parse_yaml
from accelsim.load import load_workload
from accelsim.workload.importers import format_yaml
from accelsim.workload.importers.onnx import read_onnx
from accelsim.workload.network import build_workload


def test_classifier(tmp_path):
    """Conv, batch norm and ReLU become one layer; the open batch is one; flattening is the linear layer's own."""
    names, stored = norm_inputs("bn", 8)
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="/stem/Conv", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", *names], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("MaxPool", ["c"], ["d"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["d"], ["e"]),
        node("Gemm", ["e", "fc", "fcb"], ["f"], name="fc", transB=1),
        node("Softmax", ["f"], ["y"], name="probabilities"),
    ]
    stored += [weights("w", 8, 3, 3, 3), weights("fc", 10, 8 * 8 * 8), weights("fcb", 10)]
    path = save(tmp_path, nodes, ["N", 3, 32, 32], stored)
    data = read_onnx(path)
    assert data["input"] == {"channels": 3, "height": 32, "width": 32}
    assert data["layers"] == [
        {
            "name": "stem_Conv",
            "type": "conv2d",
            "out_channels": 8,
            "kernel": 3,
            "stride": 2,
            "padding": 1,
            "bias": False,
            "batch_norm": True,
            "activation": "relu",
        },
        {"name": "pool", "type": "max_pool", "kernel": 2},
        {"name": "fc", "type": "linear", "out_features": 10, "bias": True},
        {"name": "probabilities", "type": "softmax"},
    ]
    workload = load_workload(path)
    assert workload.macs == 16 * 16 * 8 * 27 + 512 * 10
    assert workload.params == 8 * 27 + 2 * 8 + 512 * 10 + 10
    assert build_workload(parse_yaml(format_yaml(data), "net.yaml")).nodes == workload.nodes


def inverted_residual(opset):
    """1x1 expansion, 3x3 depthwise, 1x1 projection, and the sum with the block's input."""
    limits = {"min": 0.0, "max": 6.0} if opset < 11 else {}
    clip = ["zero", "six"] if opset >= 11 else []
    nodes = [
        node("Conv", ["x", "w1"], ["a"], name="expand"),
        node("Clip", ["a", *clip], ["b"], **limits),
        node("Conv", ["b", "w2", "b2"], ["c"], name="depthwise", group=24, pads=[1, 1, 1, 1]),
        node("Clip", ["c", *clip], ["d"], **limits),
        node("Conv", ["d", "w3"], ["e"], name="project"),
        node("Add", ["x", "e"], ["f"], name="sum"),
        node("Relu", ["f"], ["g"]),
        node("GlobalAveragePool", ["g"], ["y"], name="mean"),
    ]
    stored = [weights("w1", 24, 4, 1, 1), weights("w2", 24, 1, 3, 3), weights("b2", 24), weights("w3", 4, 24, 1, 1)]
    return nodes, stored + ([scalar("zero", 0.0), scalar("six", 6.0)] if clip else [])


@pytest.mark.parametrize("opset", [9, 21])
def test_inverted_residual(tmp_path, opset):
    nodes, stored = inverted_residual(opset)
    path = save(tmp_path, nodes, [1, 4, 14, 14], stored, opset=opset)
    expand, depthwise, project, add, mean = load_workload(path).nodes
    assert [n.layer.activation for n in (expand, depthwise, project, add)] == ["relu6", "relu6", "none", "relu"]
    assert [n.macs for n in (expand, depthwise, project)] == [196 * 4 * 24, 196 * 9 * 24, 196 * 24 * 4]
    assert (depthwise.layer.groups, depthwise.params) == (24, 24 * 9 + 24)
    assert add.layer.input == ("input", "project")
    assert str(mean.output) == "4"


def test_activation_is_a_layer_where_the_result_is_read_twice(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="c"),
        node("Tanh", ["a"], ["b"], name="t"),
        node("Add", ["a", "b"], ["y"]),
    ]
    path = save(tmp_path, nodes, [1, 4, 8, 8], [weights("w", 4, 4, 1, 1)])
    assert layers(path) == [("c", "conv2d"), ("t", "activation"), ("y", "add")]


@pytest.mark.parametrize("half_first", [False, True])
def test_gelu_in_pieces(tmp_path, half_first):
    first = [node("Mul", ["a", "half"], ["h"])] if half_first else []
    last = (
        [node("Mul", ["h", "d"], ["y"])]
        if half_first
        else [node("Mul", ["a", "d"], ["e"]), node("Mul", ["e", "half"], ["y"])]
    )
    nodes = [
        node("MatMul", ["x", "w"], ["m"], name="fc1"),
        node("Add", ["bias", "m"], ["a"]),
        *first,
        node("Div", ["a", "root"], ["b"]),
        node("Erf", ["b"], ["c"]),
        node("Add", ["c", "one"], ["d"]),
        *last,
    ]
    constants = [scalar("root", 2**0.5), scalar("one", 1.0), scalar("half", 0.5)]
    path = save(tmp_path, nodes, [1, 50, 16], [weights("w", 16, 64), weights("bias", 64), *constants])
    fused = {"name": "fc1", "type": "linear", "out_features": 64, "bias": True, "activation": "gelu"}
    assert read_onnx(path)["layers"] == [fused]
    assert load_workload(path).macs == 50 * 16 * 64


def test_swish_and_squeeze_and_excitation(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="conv"),
        node("Sigmoid", ["a"], ["s"]),
        node("Mul", ["a", "s"], ["b"], name="swish"),
        node("ReduceMean", ["b", "axes"], ["c"], name="squeeze"),
        node("Conv", ["c", "w2", "b2"], ["d"], name="fc"),
        node("HardSigmoid", ["d"], ["e"], name="gate"),
        node("Mul", ["b", "e"], ["y"], name="scale"),
    ]
    stored = [weights("w", 8, 3, 1, 1), weights("w2", 8, 8, 1, 1), weights("b2", 8), values("axes", 2, 3)]
    path = save(tmp_path, nodes, [1, 3, 10, 10], stored)
    found = {n.layer.name: n for n in load_workload(path).nodes}
    assert list(found) == ["conv", "squeeze", "squeeze_reshape", "fc", "scale"]
    assert found["conv"].layer.activation == "swish"
    assert found["fc"].layer.activation == "hard_sigmoid"
    assert (found["fc"].macs, str(found["scale"].output)) == (64, "8x10x10")


def test_attention(tmp_path):
    """Four heads of 16 over 50 tokens: rearrangements vanish, both products keep their sizes."""
    qkv = [node("MatMul", ["x", f"w{t}"], [t], name=f"to_{t}") for t in "qkv"]
    heads = [node("Reshape", [t, "split"], [f"{t}4"]) for t in "qkv"]
    turned = [node("Transpose", [f"{t}4"], [f"{t}h"], perm=[0, 2, 3, 1] if t == "k" else [0, 2, 1, 3]) for t in "qkv"]
    nodes = [
        *qkv,
        *heads,
        *turned,
        node("MatMul", ["qh", "kh"], ["s"], name="scores"),
        node("Div", ["s", "eight"], ["s8"]),
        node("Softmax", ["s8"], ["p"], name="soft", axis=-1),
        node("MatMul", ["p", "vh"], ["o"], name="mix"),
        node("Transpose", ["o"], ["ot"], perm=[0, 2, 1, 3]),
        node("Reshape", ["ot", "join"], ["oj"]),
        node("MatMul", ["oj", "wo"], ["z"], name="out"),
        node("LayerNormalization", ["z", "scale"], ["y"], name="norm"),
    ]
    stored = [weights(f"w{t}", 64, 64) for t in "qkvo"] + [scalar("eight", 8.0), weights("scale", 64)]
    stored += [values("split", 0, 0, 4, 16), values("join", 0, 0, 64)]
    found = {n.layer.name: n for n in load_workload(save(tmp_path, nodes, [1, 50, 64], stored)).nodes}
    assert list(found) == ["to_q", "to_k", "to_v", "scores", "soft", "mix", "out", "norm"]
    assert found["scores"].macs == found["mix"].macs == 4 * 50 * 16 * 50
    assert found["scores"].producers == (0, 1)
    assert found["soft"].layer.groups == 4
    assert found["out"].macs == 50 * 64 * 64
    assert str(found["norm"].output) == "50x64"


def test_channel_shuffle_and_split(tmp_path):
    nodes = [
        node("Split", ["x"], ["a", "b"], name="halves", axis=1, num_outputs=2),
        node("Conv", ["b", "w"], ["c"], name="conv"),
        node("Concat", ["a", "c"], ["d"], name="both", axis=1),
        node("Reshape", ["d", "groups"], ["e"]),
        node("Transpose", ["e"], ["f"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["f", "flat"], ["g"]),
        node("Resize", ["g", "", "scales"], ["h"], name="up", mode="nearest"),
        node("AveragePool", ["h"], ["y"], name="pool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    ]
    stored = [
        weights("w", 4, 4, 1, 1),
        values("groups", 1, 2, 4, 8, 8),
        values("flat", 1, 8, 8, 8),
        values("scales", 1, 1, 2, 2, dtype=np.float32),
    ]
    nodes = load_workload(save(tmp_path, nodes, [1, 8, 8, 8], stored)).nodes
    assert [n.layer.name for n in nodes] == ["halves", "halves_1", "conv", "both", "up", "pool"]
    assert [str(n.output) for n in nodes] == ["4x8x8", "4x8x8", "4x8x8", "8x8x8", "8x16x16", "8x8x8"]


def test_quantized_in_qdq_form(tmp_path):
    """int8 activations and int4 weights, said once for the network."""
    quantize = [node("QuantizeLinear", ["x", "s", "z8"], ["xq"]), node("DequantizeLinear", ["xq", "s", "z8"], ["xd"])]
    nodes = [*quantize, node("DequantizeLinear", ["wq", "s"], ["w"]), node("Conv", ["xd", "w"], ["y"], name="c")]
    int4 = helper.make_tensor("wq", TensorProto.INT4, [4, 4, 1, 1], [0] * 16)
    zero = helper.make_tensor("z8", TensorProto.INT8, [], [0])
    path = save(tmp_path, nodes, [1, 4, 8, 8], [scalar("s", 0.1), zero, int4])
    data = read_onnx(path)
    assert (data["activation_bits"], data["weight_bits"]) == (8, 4)
    assert data["layers"] == [{"name": "c", "type": "conv2d", "out_channels": 4, "kernel": 1, "bias": False}]


def test_embedding_of_token_numbers(tmp_path):
    nodes = [node("Gather", ["table", "x"], ["e"], name="words"), node("MatMul", ["e", "w"], ["y"], name="fc")]
    stored = [weights("table", 1000, 64), weights("w", 64, 10)]
    workload = load_workload(save(tmp_path, nodes, ["N", 12], stored, dtype=TensorProto.INT64))
    assert (workload.macs, workload.params) == (12 * 64 * 10, 1000 * 64 + 64 * 10)


def test_shapes_computed_in_the_graph(tmp_path):
    """x.view(x.shape[0], -1) as exporters write it."""
    nodes = [
        node("Shape", ["x"], ["dims"]),
        node("Gather", ["dims", "first"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["to"], axis=0),
        node("Reshape", ["x", "to"], ["flat"]),
        node("Gemm", ["flat", "w"], ["y"], name="fc"),
    ]
    stored = [numpy_helper.from_array(np.array(0), "first"), values("axis", 0), values("rest", -1), weights("w", 48, 5)]
    path = save(tmp_path, nodes, ["batch", 3, 4, 4], stored)
    assert layers(path) == [("fc", "linear")]
    assert load_workload(path).macs == 48 * 5
