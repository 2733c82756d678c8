"""ONNX files: mistakes, open and fixed sizes, external weights, what is no model."""

import math
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from strategies.onnx_models import layers, node, save, scalar, values, weights

from accelsim.config import UserError
from accelsim.load import load_workload
from accelsim.workload.importers.onnx import read_onnx


def test_fixed_batch(tmp_path):
    path = save(tmp_path, [node("Conv", ["x", "w"], ["y"], name="c")], [4, 3, 8, 8], [weights("w", 2, 3, 1, 1)])
    workload = load_workload(path)
    assert (workload.file.batch, workload.macs) == (4, 64 * 3 * 2)


def test_external_weights_are_not_opened(tmp_path):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2, 3, 1, 1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../nowhere.bin")
    path = save(tmp_path, [node("Conv", ["x", "w"], ["y"], name="c")], [1, 3, 8, 8], [tensor])
    assert load_workload(path).macs == 64 * 3 * 2


W = weights("w", 4, 3, 3, 3)


NO_LAYER = "there is no layer type for this operation"


MISTAKES = {
    "unknown": (node("LRN", ["x"], ["y"], name="n", size=5), f"node 'n' (LRN): {NO_LAYER}"),
    "own domain": (node("Magic", ["x"], ["y"], domain="my.ops"), f"node 'y' (my.ops.Magic): {NO_LAYER}"),
    "transposed": (node("ConvTranspose", ["x", "w"], ["y"]), f"node 'y' (ConvTranspose): {NO_LAYER}; transposed conv"),
    "groups": (node("Conv", ["x", "w"], ["y"], group=2), "node 'y' (Conv): groups: 2 do not divide the input's 3"),
    "kernel": (node("Conv", ["x", "big"], ["y"]), "node 'y' (Conv): kernel covers 9 pixels, more than the padded"),
    "no shape": (node("Gemm", ["x", "w"], ["y"]), "node 'y' (Gemm): the shape of 'y' cannot be inferred: "),
    "dangling": (node("Relu", ["none"], ["y"], name="r"), "node 'r' (Relu): nothing before it makes its input 'none'"),
    "clip": (node("Clip", ["x", "low"], ["y"], name="k"), "node 'k' (Clip): only limits 0 to 6 (relu6) and 0 to inf"),
    "concat": (node("Concat", ["x", "x"], ["y"], axis=2), "node 'y' (Concat): axis: only along channels has a layer"),
    "resize": (node("Upsample", ["x", "two"], ["y"], mode="linear"), "node 'y' (Upsample): mode: only whole pixels"),
    "constant": (node("Add", ["x", "image"], ["y"]), "node 'y' (Add): a constant of 192 values has no layer type"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_in_a_model(tmp_path, case):
    wrong, told = MISTAKES[case]
    stored = [W, weights("big", 4, 3, 9, 9), scalar("low", -1.0), values("two", 1, 1, 2, 2, dtype=np.float32)]
    stored.append(weights("image", 1, 3, 8, 8))
    path = save(tmp_path, [wrong], [1, 3, 8, 8], stored, opset=9 if case == "resize" else 21)
    with pytest.raises(UserError) as error:
        read_onnx(path)
    assert str(error.value).startswith(f"{path}: {told}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("dims", "told"),
    [
        ([1, 3, "height", 8], "input 'x': dimension 2 ('height') is open; give it a fixed size"),
        (None, "input 'x' has no shape"),
        ({}, "the graph has no input"),
    ],
)
def test_mistakes_in_the_inputs(tmp_path, dims, told):
    path = save(tmp_path, [node("Relu", ["x"], ["y"])], dims)
    with pytest.raises(UserError, match=told.replace("(", r"\(").replace(")", r"\)")):
        read_onnx(path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07", bytes(range(256))])
def test_other_files(tmp_path, content):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is not an ONNX model"):
        read_onnx(path)


def test_functions_of_the_model(tmp_path):
    """An operation that the model defines itself is its definition."""
    path = save(tmp_path, [node("Twice", ["x"], ["y"], domain="mine")], [1, 4, 8, 8])
    model = onnx.load(path)
    body = [node("Relu", ["a"], ["b"], name="r"), node("Add", ["a", "b"], ["c"], name="s")]
    opsets = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("mine", "Twice", ["a"], ["c"], body, opsets))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    path.write_bytes(model.SerializeToString())
    assert [kind for _, kind in layers(path)] == ["activation", "add"]


def test_too_large(tmp_path, monkeypatch):
    path = save(tmp_path, [node("Relu", ["x"], ["y"])], [1, 4, 8, 8])
    monkeypatch.setattr("accelsim.workload.importers.onnx.ONNX_MAX_BYTES", 10)
    with pytest.raises(UserError, match="larger than 2 GiB; export with the weights as external data"):
        read_onnx(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read: no such file"):
        read_onnx(tmp_path / "none.onnx")


def test_without_the_onnx_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"pip install 'accelsim\[onnx\]'"):
        read_onnx(tmp_path / "x.onnx")


def test_large_weights_take_no_memory(tmp_path):
    """Only their sizes are kept."""
    path = save(tmp_path, [node("Gemm", ["x", "w"], ["y"], name="fc")], [1, 4096], [weights("w", 4096, 1000)])
    assert math.prod((4096, 1000)) == load_workload(path).macs
    assert onnx.load(path).graph.initializer[0].raw_data
