"""The translation of ONNX operations: into layers, parts of the layer before, or other names of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from accelsim.workload.importers.onnx_graph import Graph, GraphOperation, Translation
from accelsim.workload.importers.onnx_products import POOLS, translate_conv, translate_matmul, translate_pool
from accelsim.workload.importers.onnx_shapes import (
    translate_concat,
    translate_gather,
    translate_split,
    translate_upsample,
)
from accelsim.workload.importers.onnx_vectors import (
    ONNX_FUNCTIONS,
    SUMS,
    find_clip_function,
    translate_batch_norm,
    translate_elementwise,
    translate_function,
    translate_global_avg_pool,
    translate_layer_norm,
    translate_reduce_mean,
    translate_softmax,
)

RENAMES = {  # operations whose output is the same data as their input
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
HINTS = {  # what to do about operations that have no layer type
    "ConvTranspose": "transposed convolutions have no layer type; as upsample and conv2d it would be another network",
    "Erf": "export with opset 20 or newer, which has Gelu",
    "Pow": "export with opset 17 or newer, which has LayerNormalization",
    "Sub": "export with opset 17 or newer, which has LayerNormalization",
    "QLinearConv": "export in QDQ form, with QuantizeLinear and DequantizeLinear around a Conv",
    "QLinearMatMul": "export in QDQ form, with QuantizeLinear and DequantizeLinear around a MatMul",
}


def translate_graph(graph: Graph) -> Translation:
    """Translate a graph into layers.

    Raises: UserError, which names the node and its operation, where an operation has no layer type.
    """
    translation = Translation(graph)
    for op in graph.operations:
        if op.outputs[0] not in graph.constants:
            _translate(translation, op)
    return translation


def _translate(net: Translation, op: GraphOperation) -> None:
    """Add an operation to the layers. Raises: UserError."""
    kind = op.kind
    if kind in RENAMES:
        net.rename(op, net.find_source(op))
    elif kind in ONNX_FUNCTIONS:
        translate_function(net, op, ONNX_FUNCTIONS[kind])
    elif kind == "Clip":
        translate_function(net, op, find_clip_function(net, op))
    elif kind in SUMS or (kind in ("Sub", "Div") and net.is_constant(op, 1)):
        translate_elementwise(net, op)
    elif kind in POOLS:
        translate_pool(net, op)
    elif kind in OPERATORS:
        OPERATORS[kind](net, op)
    else:
        known = sorted({*RENAMES, *ONNX_FUNCTIONS, *SUMS, *POOLS, *OPERATORS, "Clip"})
        hint = HINTS.get(kind, f"allowed: {', '.join(known)}")
        raise net.refusal(op, f"there is no layer type for this operation; {hint}")


OPERATORS: Mapping[str, Callable[[Translation, GraphOperation], None]] = {
    "Conv": translate_conv,
    "Gemm": translate_matmul,
    "MatMul": translate_matmul,
    "BatchNormalization": translate_batch_norm,
    "GlobalAveragePool": translate_global_avg_pool,
    "ReduceMean": translate_reduce_mean,
    "Concat": translate_concat,
    "Softmax": translate_softmax,
    "LayerNormalization": translate_layer_norm,
    "Gather": translate_gather,
    "Split": translate_split,
    "Upsample": translate_upsample,
    "Resize": translate_upsample,
}
