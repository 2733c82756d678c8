"""What each ONNX operation becomes: a layer, a part of the layer before it, or only another name for its input."""

from __future__ import annotations

import math
from typing import Any

from accelsim.workload.importers.onnx_graph import Graph, GraphOperation, GraphTensor, Translation, make_rows
from accelsim.workload.layers import Tokens, count_channels

ONNX_FUNCTIONS = {
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
RENAMES = {
    "Identity",
    "Dropout",
    "Cast",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "QuantizeLinear",
    "DequantizeLinear",
    "DepthToSpace",
    "SpaceToDepth",
}
POOLS = {"MaxPool": "max_pool", "AveragePool": "avg_pool"}
SUMS = {"Add": "add", "Sum": "add", "Mul": "mul"}
HINTS = {
    "ConvTranspose": "transposed convolutions have no layer type; as upsample and conv2d it would be another network",
    "Erf": "export with opset 20 or newer, which has Gelu",
    "Pow": "export with opset 17 or newer, which has LayerNormalization",
    "Sub": "export with opset 17 or newer, which has LayerNormalization",
    "QLinearConv": "export in QDQ form, with QuantizeLinear and DequantizeLinear around a Conv",
    "QLinearMatMul": "export in QDQ form, with QuantizeLinear and DequantizeLinear around a MatMul",
}


def translate_graph(graph: Graph) -> Translation:
    """All layers of a graph.

    Raises: UserError naming the node and its operation where there is no layer for it.
    """
    translation = Translation(graph)
    for op in graph.operations:
        if op.outputs[0] not in graph.constants:
            _add(translation, op)
    return translation


def _add(net: Translation, op: GraphOperation) -> None:
    kind = op.kind
    if kind in RENAMES:
        net.rename(op, net.source(op))
    elif kind in ONNX_FUNCTIONS:
        _activation(net, op, ONNX_FUNCTIONS[kind])
    elif kind == "Clip":
        _activation(net, op, _clip(net, op))
    elif kind in SUMS or (kind in ("Sub", "Div") and net.is_constant(op, 1)):
        _elementwise(net, op)
    elif kind in POOLS:
        _pool(net, op)
    elif kind in OPERATORS:
        OPERATORS[kind](net, op)
    else:
        known = sorted({*RENAMES, *ONNX_FUNCTIONS, *SUMS, *POOLS, *OPERATORS, "Clip"})
        hint = HINTS.get(kind, f"allowed: {', '.join(known)}")
        raise net.refusal(op, f"there is no layer type for this operation; {hint}")


def _conv(net: Translation, op: GraphOperation) -> None:
    weights, dims = net.dims(op, op.inputs[1]), net.dims(op, op.inputs[0])
    if len(dims) != 4:
        raise net.refusal(op, f"only 2-D convolutions have a layer type; the input has {len(dims) - 2} dimensions")
    if not net.is_constant(op, 1) or len(weights) != 4:
        raise net.refusal(op, "only stored weights of four dimensions have a layer type")
    image = net.reshaped(op, net.source(op), net.shape_of(dims))
    fields = {"type": "conv2d", "out_channels": weights[0], **_window(op, weights[2:], default_stride=(1, 1))}
    groups = op.attributes.get("group", 1)
    if groups > 1:
        fields["groups"] = groups
    bits = net.graph.bits.get(op.inputs[1])
    net.emit(op, fields | {"bias": net.given(op, 2)} | ({} if bits is None else {"weight_bits": bits}), [image])


def _window(op: GraphOperation, kernel: tuple[int, ...], default_stride: tuple[int, int]) -> dict[str, Any]:
    """Kernel, stride, padding and dilation; what equals the schema's default is left out."""
    stride = tuple(op.attributes.get("strides", (1, 1)))
    dilation = tuple(op.attributes.get("dilations", (1, 1)))
    fields: dict[str, Any] = {"kernel": _short(kernel)}
    if stride != default_stride:
        fields["stride"] = _short(stride)
    pads = list(op.attributes.get("pads", (0, 0, 0, 0)))
    auto_pad = op.attributes.get("auto_pad", "NOTSET")
    if auto_pad.startswith("SAME"):  # on which side the odd pixel goes changes no count
        fields["padding"] = "same"
    elif auto_pad == "NOTSET" and any(pads):
        fields["padding"] = pads[0] if len(set(pads)) == 1 else pads
    if dilation != (1, 1):
        fields["dilation"] = _short(dilation)
    return fields


def _short(pair: tuple[int, ...]) -> int | list[int]:
    return pair[0] if len(set(pair)) == 1 else list(pair)


def _pool(net: Translation, op: GraphOperation) -> None:
    dims, kernel = net.dims(op, op.inputs[0]), tuple(op.attributes["kernel_shape"])
    if len(dims) != 4:
        raise net.refusal(op, f"only 2-D pooling has a layer type; the input has {len(dims) - 2} dimensions")
    image = net.reshaped(op, net.source(op), net.shape_of(dims))
    fields = {"type": POOLS[op.kind], **_window(op, kernel, default_stride=(kernel[0], kernel[1]))}
    net.emit(op, fields | ({"ceil_mode": True} if op.attributes.get("ceil_mode") else {}), [image])


def _matmul(net: Translation, op: GraphOperation) -> None:
    if op.attributes.get("transA"):
        raise net.refusal(op, "transA: only a first operand that is not transposed has a layer type; allowed: 0")
    a, b, out = (net.dims(op, name) for name in (*op.inputs[:2], op.outputs[0]))
    k, n = a[-1], out[-1]
    if net.is_constant(op, 1) and len(b) <= 2:
        rows = math.prod(a) // k // net.batch
        tensor = net.source(op)
        if rows > 1 or isinstance(tensor.shape, Tokens):  # a linear layer flattens images by itself
            tensor = net.reshaped(op, tensor, make_rows(rows, k))
        fields = {"type": "linear", "out_features": n, "bias": net.given(op, 2)}
        bits = net.graph.bits.get(op.inputs[1])
        net.emit(op, fields | ({} if bits is None else {"weight_bits": bits}), [tensor])
        return
    m = a[-2] if len(a) > 1 else 1
    repeat = math.prod(a) // (m * k) // net.batch
    if not net.is_constant(op, 1) and math.prod(b) == k * n * net.batch:  # one second operand for all of them
        m, repeat = m * repeat, 1
    fields = {"type": "matmul", "m": m, "k": k, "n": n} | ({"repeat": repeat} if repeat > 1 else {})
    if net.is_constant(op, 1):
        net.emit(op, fields | {"weights": True}, [net.source(op)])
    else:
        net.emit(op, fields, [net.source(op), net.source(op, 1)])


def _batch_norm(net: Translation, op: GraphOperation) -> None:
    """Folded into the convolution before it where nothing comes between."""
    tensor = net.source(op)
    layer = net.fusable(tensor)
    if layer is not None and layer["type"] == "conv2d" and "batch_norm" not in layer:
        layer["batch_norm"] = True
        net.rename(op, tensor)
    else:
        dims = net.dims(op, op.inputs[0])
        if count_channels(tensor.shape) != dims[1]:
            tensor = net.reshaped(op, tensor, net.shape_of(dims))
        net.emit(op, {"type": "batch_norm"}, [tensor])


def _activation(net: Translation, op: GraphOperation, function: str) -> None:
    tensor = net.source(op)
    layer = net.fusable(tensor)
    if layer is not None:
        layer["activation"] = function
        net.rename(op, tensor)
    else:
        net.emit(op, {"type": "activation", "function": function}, [tensor])


def _clip(net: Translation, op: GraphOperation) -> str:
    """ReLU or ReLU6, by the limits: attributes in old models, constant inputs in newer ones."""
    limits = []
    for position, key, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        limit = op.attributes.get(key, default)
        if net.given(op, position):
            limit = net.graph.values.get(op.inputs[position], (math.nan,))[0]
        limits.append(limit)
    if limits[0] == 0 and limits[1] == 6:
        return "relu6"
    if limits[0] == 0 and limits[1] >= 3e38:
        return "relu"
    got = f"{limits[0]} to {limits[1]}"
    raise net.refusal(op, f"only limits 0 to 6 (relu6) and 0 to infinity (relu) have a layer type, got {got}")


def _elementwise(net: Translation, op: GraphOperation) -> None:
    constants = [position for position in range(len(op.inputs)) if net.is_constant(op, position)]
    if not constants:
        tensors = [net.source(op, position) for position in range(len(op.inputs))]
        net.emit(op, {"type": SUMS[op.kind]}, tensors)
    elif len(op.inputs) == 2:
        _with_constant(net, op, net.source(op, 1 - constants[0]), op.inputs[constants[0]])
    else:
        raise net.refusal(op, "more than two operands, one of them a constant; write it as several operations")


def _with_constant(net: Translation, op: GraphOperation, tensor: GraphTensor, constant: str) -> None:
    """A factor folds into its neighbours, a value per channel is a bias or else a normalization's scale or shift."""
    elements = math.prod(net.dims(op, constant))
    layer = net.fusable(tensor)
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


def _global_avg_pool(net: Translation, op: GraphOperation) -> None:
    dims, tensor = net.dims(op, op.inputs[0]), net.source(op)
    if op.kind == "GlobalAveragePool":
        axes = set(range(2, len(dims)))
    else:
        given = op.attributes.get("axes") or (net.graph.values.get(op.inputs[1]) if net.given(op, 1) else None)
        axes = {int(axis) % len(dims) for axis in given or range(len(dims))}
    kept = math.prod(size for axis, size in enumerate(dims) if axis > 0 and axis not in axes)
    if 0 in axes or kept != count_channels(tensor.shape):
        raise net.refusal(op, f"axes {sorted(axes)}: only a mean over all positions has a layer type")
    net.emit(op, {"type": "global_avg_pool"}, [tensor])


def _concat(net: Translation, op: GraphOperation) -> None:
    axis, dims = net.axis(op, default=1)
    channels = 1 if len(dims) == 4 else len(dims) - 1
    if axis != channels:
        raise net.refusal(op, f"axis: only along channels has a layer type; allowed: {channels}, got {axis}")
    shapes = [net.shape_of(net.dims(op, name)) for name in op.inputs]
    tensors = [net.reshaped(op, net.source(op, position), shape) for position, shape in enumerate(shapes)]
    if len(tensors) == 1:
        net.rename(op, tensors[0])
    else:
        net.emit(op, {"type": "concat"}, tensors)


def _softmax(net: Translation, op: GraphOperation) -> None:
    axis, dims = net.axis(op, default=-1)
    tensor, length = net.source(op), dims[axis]
    width = count_channels(tensor.shape)
    if width % length:
        tensor, width = net.reshaped(op, tensor, make_rows(tensor.shape.elements // length, length)), length
    net.emit(op, {"type": "softmax"} | ({"groups": width // length} if width > length else {}), [tensor])


def _layer_norm(net: Translation, op: GraphOperation) -> None:
    axis, dims = net.axis(op, default=-1)
    tensor, length = net.source(op), math.prod(dims[axis:])
    if count_channels(tensor.shape) != length:
        tensor = net.reshaped(op, tensor, make_rows(tensor.shape.elements // length, length))
    net.emit(op, {"type": "layer_norm"}, [tensor])


def _gather(net: Translation, op: GraphOperation) -> None:
    """Rows of a stored table, or one of equal parts."""
    axis, dims = net.axis(op, default=0)
    if net.is_constant(op, 0):
        if len(dims) != 2 or axis != 0:
            raise net.refusal(op, "only whole rows of a two-dimensional table have a layer type")
        tensor = net.source(op, 1)
        tensor = net.reshaped(op, tensor, Tokens(tokens=tensor.shape.elements, features=1))
        net.emit(op, {"type": "embedding", "rows": dims[0], "features": dims[1]}, [tensor])
        return
    index = net.graph.values.get(op.inputs[1])
    if index is None or len(index) != 1:
        raise net.refusal(op, "only one constant index has a layer type")
    _part(net, op, dims[axis], int(index[0]) % dims[axis], output=0)


def _split(net: Translation, op: GraphOperation) -> None:
    sizes = {math.prod(net.dims(op, name)) for name in op.outputs}
    if len(sizes) > 1:
        raise net.refusal(op, "only equal parts have a layer type")
    for position in range(len(op.outputs)):
        _part(net, op, len(op.outputs), position, position)


def _part(net: Translation, op: GraphOperation, parts: int, part: int, output: int) -> None:
    if parts == 1:
        net.rename(op, net.source(op))
    else:
        net.emit(op, {"type": "split", "parts": parts, "part": part}, [net.source(op)], output)


def _upsample(net: Translation, op: GraphOperation) -> None:
    before, after = net.dims(op, op.inputs[0]), net.dims(op, op.outputs[0])
    mode = op.attributes.get("mode", "nearest")
    if mode != "nearest":
        raise net.refusal(op, f"mode: only whole pixels repeated have a layer type; allowed: nearest, got {mode}")
    factor = max(after[-1] // before[-1], 1)
    if len(before) != 4 or after != (*before[:2], before[2] * factor, before[3] * factor):
        sizes = " to ".join("x".join(map(str, dims)) for dims in (before, after))
        raise net.refusal(op, f"{sizes}: only a whole factor for both height and width has a layer type")
    if factor == 1:
        net.rename(op, net.source(op))
    else:
        image = net.reshaped(op, net.source(op), net.shape_of(before))
        net.emit(op, {"type": "upsample", "factor": factor}, [image])


OPERATORS = {
    "Conv": _conv,
    "Gemm": _matmul,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "GlobalAveragePool": _global_avg_pool,
    "ReduceMean": _global_avg_pool,
    "Concat": _concat,
    "Softmax": _softmax,
    "LayerNormalization": _layer_norm,
    "Gather": _gather,
    "Split": _split,
    "Upsample": _upsample,
    "Resize": _upsample,
}
