"""ONNX operations on the elements of tensors, as layers or as parts of the layer before."""

from __future__ import annotations

import math
from collections.abc import Mapping

from accelsim.workload.importers.onnx_graph import GraphOperation, GraphTensor, Translation, make_rows
from accelsim.workload.layers import Function, count_channels

ONNX_FUNCTIONS: Mapping[str, Function] = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "PRelu": "leaky_relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Gelu": "gelu",
    "Swish": "swish",
    "HardSwish": "hard_swish",
    "HardSigmoid": "hard_sigmoid",
}
SUMS: Mapping[str, str] = {"Add": "add", "Sum": "add", "Mul": "mul"}  #: layer types by operation


def translate_batch_norm(net: Translation, op: GraphOperation) -> None:
    """Translate a batch norm: into a part of the convolution before it, where nothing else reads that, or a layer."""
    tensor = net.find_source(op)
    layer = net.find_fusable(tensor)
    if layer is not None and layer["type"] == "conv2d" and "batch_norm" not in layer:
        layer["batch_norm"] = True
        net.rename(op, tensor)
    else:
        dims = net.find_dims(op, op.inputs[0])
        if count_channels(tensor.shape) != dims[1]:
            tensor = net.reshape(op, tensor, net.convert_dims(dims))
        net.emit(op, {"type": "batch_norm"}, [tensor])


def translate_function(net: Translation, op: GraphOperation, function: Function) -> None:
    """Translate an activation function: into a part of the layer before it, where it can be one, or a layer."""
    tensor = net.find_source(op)
    layer = net.find_fusable(tensor)
    if layer is not None:
        layer["activation"] = function
        net.rename(op, tensor)
    else:
        net.emit(op, {"type": "activation", "function": function}, [tensor])


def find_clip_function(net: Translation, op: GraphOperation) -> Function:
    """Find the function that a Clip is, by its limits: attributes in old models, constant inputs in newer ones.

    Raises: UserError for other limits than those of ReLU and ReLU6.
    """
    limits = []
    for position, key, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        limit = op.attributes.get(key, default)
        if net.is_given(op, position):
            limit = net.graph.values.get(op.inputs[position], (math.nan,))[0]
        limits.append(limit)
    if limits[0] == 0 and limits[1] == 6:
        return "relu6"
    if limits[0] == 0 and limits[1] >= 3e38:
        return "relu"
    got = f"{limits[0]} to {limits[1]}"
    raise net.refusal(op, f"only limits 0 to 6 (relu6) and 0 to infinity (relu) have a layer type, got {got}")


def translate_elementwise(net: Translation, op: GraphOperation) -> None:
    """Translate a sum or a product of tensors, or of a tensor and a constant. Raises: UserError."""
    constants = [position for position in range(len(op.inputs)) if net.is_constant(op, position)]
    if not constants:
        tensors = [net.find_source(op, position) for position in range(len(op.inputs))]
        net.emit(op, {"type": SUMS[op.kind]}, tensors)
    elif len(op.inputs) == 2:
        _with_constant(net, op, net.find_source(op, 1 - constants[0]), op.inputs[constants[0]])
    else:
        raise net.refusal(op, "more than two operands, one of them a constant; write it as several operations")


def _with_constant(net: Translation, op: GraphOperation, tensor: GraphTensor, constant: str) -> None:
    """Translate a sum or product with a constant.

    One factor for all disappears in the layers around it. A value for each channel is a bias, or else the scale or
    shift of a normalization. Raises: UserError for other constants.
    """
    elements = math.prod(net.find_dims(op, constant))
    layer = net.find_fusable(tensor)
    if elements == 1:
        net.rename(op, tensor)
    elif elements != count_channels(tensor.shape):
        allowed = f"allowed: 1, or one per channel ({count_channels(tensor.shape)})"
        raise net.refusal(op, f"a constant of {elements} values has no layer type; {allowed}")
    elif op.kind == "Add" and layer is not None and layer.get("bias") is False and "batch_norm" not in layer:
        layer["bias"] = True
        net.rename(op, tensor)
    else:
        net.emit(op, {"type": "batch_norm"}, [tensor])


def translate_global_avg_pool(net: Translation, op: GraphOperation) -> None:
    """Translate a mean over all positions. Raises: UserError."""
    _mean(net, op, set(range(2, len(net.find_dims(op, op.inputs[0])))))


def translate_reduce_mean(net: Translation, op: GraphOperation) -> None:
    """Translate a mean over stated axes, by default all of them. Raises: UserError for others than all positions."""
    rank = len(net.find_dims(op, op.inputs[0]))
    stated = op.attributes.get("axes") or (net.graph.values.get(op.inputs[1]) if net.is_given(op, 1) else None)
    _mean(net, op, {int(axis) % rank for axis in stated or range(rank)})


def _mean(net: Translation, op: GraphOperation, axes: set[int]) -> None:
    """Emit a mean over axes. Raises: UserError where these are not all positions."""
    dims, tensor = net.find_dims(op, op.inputs[0]), net.find_source(op)
    kept = math.prod(size for axis, size in enumerate(dims) if axis > 0 and axis not in axes)
    if 0 in axes or kept != count_channels(tensor.shape):
        raise net.refusal(op, f"axes {sorted(axes)}: only a mean over all positions has a layer type")
    net.emit(op, {"type": "global_avg_pool"}, [tensor])


def translate_softmax(net: Translation, op: GraphOperation) -> None:
    """Translate a softmax; a part of the channels at a time becomes groups. Raises: UserError."""
    axis, dims = net.read_axis(op, default=-1)
    tensor, length = net.find_source(op), dims[axis]
    width = count_channels(tensor.shape)
    if width % length:
        tensor, width = net.reshape(op, tensor, make_rows(tensor.shape.elements // length, length)), length
    net.emit(op, {"type": "softmax"} | ({"groups": width // length} if width > length else {}), [tensor])


def translate_layer_norm(net: Translation, op: GraphOperation) -> None:
    """Translate a layer normalization. Raises: UserError."""
    axis, dims = net.read_axis(op, default=-1)
    tensor, length = net.find_source(op), math.prod(dims[axis:])
    if count_channels(tensor.shape) != length:
        tensor = net.reshape(op, tensor, make_rows(tensor.shape.elements // length, length))
    net.emit(op, {"type": "layer_norm"}, [tensor])
