"""ONNX operations that join, cut or repeat tensors, as layers."""

from __future__ import annotations

import math

from accelsim.workload.importers.onnx_graph import GraphOperation, Translation
from accelsim.workload.layers import Tokens


def translate_concat(net: Translation, op: GraphOperation) -> None:
    """Translate a concatenation. Raises: UserError for one that is not along channels."""
    axis, dims = net.read_axis(op, default=1)
    channels = 1 if len(dims) == 4 else len(dims) - 1
    if axis != channels:
        raise net.refusal(op, f"axis: only along channels has a layer type; allowed: {channels}, got {axis}")
    shapes = [net.convert_dims(net.find_dims(op, name)) for name in op.inputs]
    tensors = [net.reshape(op, net.find_source(op, position), shape) for position, shape in enumerate(shapes)]
    if len(tensors) == 1:
        net.rename(op, tensors[0])
    else:
        net.emit(op, {"type": "concat"}, tensors)


def translate_gather(net: Translation, op: GraphOperation) -> None:
    """Translate a gather: rows of a table are an embedding, one index is one of equal parts. Raises: UserError."""
    axis, dims = net.read_axis(op, default=0)
    if net.is_constant(op, 0):
        if len(dims) != 2 or axis != 0:
            raise net.refusal(op, "only whole rows of a two-dimensional table have a layer type")
        tensor = net.find_source(op, 1)
        tensor = net.reshape(op, tensor, Tokens(tokens=tensor.shape.elements, features=1))
        net.emit(op, {"type": "embedding", "rows": dims[0], "features": dims[1]}, [tensor])
        return
    index = net.graph.values.get(op.inputs[1])
    if index is None or len(index) != 1:
        raise net.refusal(op, "only one constant index has a layer type")
    _part(net, op, dims[axis], int(index[0]) % dims[axis], output=0)


def translate_split(net: Translation, op: GraphOperation) -> None:
    """Translate a split, each output into a layer. Raises: UserError for parts of different sizes."""
    sizes = {math.prod(net.find_dims(op, name)) for name in op.outputs}
    if len(sizes) > 1:
        raise net.refusal(op, "only equal parts have a layer type")
    for position in range(len(op.outputs)):
        _part(net, op, len(op.outputs), position, position)


def _part(net: Translation, op: GraphOperation, parts: int, part: int, output: int) -> None:
    """Emit one of equal parts as an output of an operation."""
    if parts == 1:
        net.rename(op, net.find_source(op))
    else:
        net.emit(op, {"type": "split", "parts": parts, "part": part}, [net.find_source(op)], output)


def translate_upsample(net: Translation, op: GraphOperation) -> None:
    """Translate an upsampling by a whole factor. Raises: UserError for others."""
    before, after = net.find_dims(op, op.inputs[0]), net.find_dims(op, op.outputs[0])
    mode = op.attributes.get("mode", "nearest")
    if mode != "nearest":
        raise net.refusal(op, f"mode: only whole pixels repeated have a layer type; allowed: nearest, got {mode}")
    factor = max(after[-1] // before[-1], 1)
    if len(before) != 4 or after != (*before[:2], before[2] * factor, before[3] * factor):
        sizes = " to ".join("x".join(map(str, dims)) for dims in (before, after))
        raise net.refusal(op, f"{sizes}: only a whole factor for both height and width has a layer type")
    if factor == 1:
        net.rename(op, net.find_source(op))
    else:
        image = net.reshape(op, net.find_source(op), net.convert_dims(before))
        net.emit(op, {"type": "upsample", "factor": factor}, [image])
