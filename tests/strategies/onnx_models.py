"""Small ONNX models."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from accelsim.workload.importers.onnx import read_onnx

node = helper.make_node


def weights(name, *dims, dtype=np.float32):
    return numpy_helper.from_array(np.zeros(dims, dtype=dtype), name)


def values(name, *numbers, dtype=np.int64):
    return numpy_helper.from_array(np.array(numbers, dtype=dtype), name)


def scalar(name, number):
    return numpy_helper.from_array(np.array(number, dtype=np.float32), name)


def save(folder: Path, nodes, dims, stored=(), outputs=("y",), opset=21, dtype=TensorProto.FLOAT) -> Path:
    """A model of nodes; its input x has the dims, its outputs the given names."""
    inputs = dims if isinstance(dims, dict) else {"x": dims}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(stored),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def layers(path: Path) -> list[tuple[str, str]]:
    """Name and type of each layer."""
    return [(layer["name"], layer["type"]) for layer in read_onnx(path)["layers"]]


def norm_inputs(prefix, channels):
    names = [f"{prefix}{part}" for part in ("scale", "shift", "mean", "var")]
    return names, [weights(name, channels) for name in names]
