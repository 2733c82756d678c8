"""ONNX operations with windows or products of matrices, as layers: convolutions, pooling, GEMMs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from accelsim.workload.importers.onnx_graph import GraphOperation, Translation, make_rows
from accelsim.workload.layers import Tokens

POOLS: Mapping[str, str] = {"MaxPool": "max_pool", "AveragePool": "avg_pool"}  #: layer types by operation
AUTO_PADS: Mapping[str, str | tuple[int, ...] | None] = {
    "NOTSET": None,
    "VALID": (0, 0, 0, 0),
    "SAME_UPPER": "same",
    "SAME_LOWER": "same",
}
"""The padding of each way; None: as stated by the operation. No count depends on the side of the odd pixel of same."""


def translate_conv(net: Translation, op: GraphOperation) -> None:
    """Translate a convolution. Raises: UserError for one without two dimensions or stored weights."""
    weights, dims = net.find_dims(op, op.inputs[1]), net.find_dims(op, op.inputs[0])
    if len(dims) != 4:
        raise net.refusal(op, f"only 2-D convolutions have a layer type; the input has {len(dims) - 2} dimensions")
    if not net.is_constant(op, 1) or len(weights) != 4:
        raise net.refusal(op, "only stored weights of four dimensions have a layer type")
    image = net.reshape(op, net.find_source(op), net.convert_dims(dims))
    fields = {"type": "conv2d", "out_channels": weights[0], **_window(net, op, weights[2:], default_stride=(1, 1))}
    groups = op.attributes.get("group", 1)
    if groups > 1:
        fields["groups"] = groups
    bits = net.graph.bits.get(op.inputs[1])
    net.emit(op, fields | {"bias": net.is_given(op, 2)} | ({} if bits is None else {"weight_bits": bits}), [image])


def _window(
    net: Translation, op: GraphOperation, kernel: tuple[int, ...], default_stride: tuple[int, int]
) -> dict[str, Any]:
    """The keys of a window: kernel, stride, padding and dilation, without those that have their default.

    Raises: UserError for a way of padding that is not known.
    """
    stride = tuple(op.attributes.get("strides", (1, 1)))
    dilation = tuple(op.attributes.get("dilations", (1, 1)))
    fields: dict[str, Any] = {"kernel": _short(kernel)}
    if stride != default_stride:
        fields["stride"] = _short(stride)
    pads = list(op.attributes.get("pads", (0, 0, 0, 0)))
    auto_pad = op.attributes.get("auto_pad", "NOTSET")
    if auto_pad not in AUTO_PADS:
        raise net.refusal(op, f"auto_pad: allowed: {', '.join(AUTO_PADS)}, got {auto_pad}")
    padding = AUTO_PADS[auto_pad] or pads
    if any(padding):
        fields["padding"] = padding if isinstance(padding, str) else _short(tuple(padding))
    if dilation != (1, 1):
        fields["dilation"] = _short(dilation)
    return fields


def _short(sizes: tuple[int, ...]) -> int | list[int]:
    """One number where all of them are equal."""
    return sizes[0] if len(set(sizes)) == 1 else list(sizes)


def translate_pool(net: Translation, op: GraphOperation) -> None:
    """Translate a pooling operation. Raises: UserError for one without two dimensions."""
    dims, kernel = net.find_dims(op, op.inputs[0]), tuple(op.attributes["kernel_shape"])
    if len(dims) != 4:
        raise net.refusal(op, f"only 2-D pooling has a layer type; the input has {len(dims) - 2} dimensions")
    image = net.reshape(op, net.find_source(op), net.convert_dims(dims))
    fields = {"type": POOLS[op.kind], **_window(net, op, kernel, default_stride=(kernel[0], kernel[1]))}
    net.emit(op, fields | ({"ceil_mode": True} if op.attributes.get("ceil_mode") else {}), [image])


def translate_matmul(net: Translation, op: GraphOperation) -> None:
    """Translate a product: into a linear layer where its weights are stored, else into matmul. Raises: UserError."""
    if op.attributes.get("transA"):
        raise net.refusal(op, "transA: only a first operand that is not transposed has a layer type; allowed: 0")
    a, b, out = (net.find_dims(op, name) for name in (*op.inputs[:2], op.outputs[0]))
    k, n = a[-1], out[-1]
    if net.is_constant(op, 1) and len(b) <= 2:
        rows = math.prod(a) // k // net.batch
        tensor = net.find_source(op)
        if rows > 1 or isinstance(tensor.shape, Tokens):  # a linear layer flattens images by itself
            tensor = net.reshape(op, tensor, make_rows(rows, k))
        fields = {"type": "linear", "out_features": n, "bias": net.is_given(op, 2)}
        bits = net.graph.bits.get(op.inputs[1])
        net.emit(op, fields | ({} if bits is None else {"weight_bits": bits}), [tensor])
        return
    m = a[-2] if len(a) > 1 else 1
    repeat = math.prod(a) // (m * k) // net.batch
    if not net.is_constant(op, 1) and math.prod(b) == k * n * net.batch:  # one second operand for all of them
        m, repeat = m * repeat, 1
    fields = {"type": "matmul", "m": m, "k": k, "n": n} | ({"repeat": repeat} if repeat > 1 else {})
    if net.is_constant(op, 1):
        net.emit(op, fields | {"weights": True}, [net.find_source(op)])
    else:
        net.emit(op, fields, [net.find_source(op), net.find_source(op, 1)])
