"""Element-wise work: the operations that a layer asks of the vector unit, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from accelsim.workload.layers import (
    Activation,
    AnyLayer,
    AnyShape,
    ChannelShuffle,
    Concat,
    Conv2d,
    Elementwise,
    Embedding,
    Function,
    GlobalAvgPool,
    Linear,
    Matmul,
    Norm,
    Pool,
    Reshape,
    Softmax,
    Split,
    Upsample,
    count_channels,
)
from accelsim.workload.network import Node

VectorOperations = dict[str, int]  #: number of operations by kind: add, mul, max, exp, divide, lookup

FUNCTION_OPERATIONS: Mapping[Function, Mapping[str, int]] = {
    "none": {},
    "relu": {"max": 1},
    "relu6": {"max": 2},
    "leaky_relu": {"max": 1, "mul": 1},
    "sigmoid": {"lookup": 1},
    "tanh": {"lookup": 1},
    "gelu": {"lookup": 1, "mul": 1},
    "swish": {"lookup": 1, "mul": 1},
    "hard_sigmoid": {"add": 1, "mul": 1, "max": 2},
    "hard_swish": {"add": 1, "mul": 2, "max": 2},
}  #: of one element


def count_vector_work(node: Node, batch: int, integer: bool) -> VectorOperations:
    """Count the element-wise operations of a layer by kind: add, mul, max, exp, divide, lookup.

    ``batch`` inferences run at once. Behind a matrix product the work is the activation function and, on integers, the
    multiplication that scales a sum back to the stored width. A bias and a folded batch norm are the start value of
    the accumulator and cost nothing here.
    """
    layer, results = node.layer, node.output.elements
    work = _own_work(layer, node.inputs, results)
    if isinstance(layer, Conv2d | Linear | Elementwise):
        for kind, count in _apply_function(layer.activation, results).items():
            work[kind] = work.get(kind, 0) + count
    rescaled = not layer.is_view and (node.macs > 0 or sum(work.values()) > 0)
    if integer and rescaled and not _keeps_width(layer):
        work["mul"] = work.get("mul", 0) + results
    return {kind: count * batch for kind, count in work.items() if count}


def _apply_function(function: Function, elements: int) -> VectorOperations:
    """The operations of an activation function."""
    return {kind: count * elements for kind, count in FUNCTION_OPERATIONS[function].items()}


def _keeps_width(layer: AnyLayer) -> bool:
    """Whether results have the stored width already: comparisons keep it, and a function's table gives it."""
    return isinstance(layer, Activation) or (isinstance(layer, Pool) and layer.type == "max_pool")


def _own_work(layer: AnyLayer, inputs: tuple[AnyShape, ...], results: int) -> VectorOperations:
    """The operations of one inference, without an activation function behind the layer; ``results`` are elements."""
    match layer:
        case Conv2d() | Linear() | Matmul():  # a product
            return {}
        case Concat() | Reshape() | ChannelShuffle() | Split() | Embedding() | Upsample():  # moves data
            return {}
        case Pool():
            return _pool_work(layer, results)
        case GlobalAvgPool():
            return {"add": inputs[0].elements - results, "mul": results}
        case Elementwise():
            return {layer.type: results * (len(inputs) - 1)}
        case Activation():
            return _apply_function(layer.function, results)
        case Softmax():
            rows = results // count_channels(inputs[0]) * layer.groups
            return {"max": results, "add": 2 * results, "exp": results, "mul": results, "divide": rows}
        case Norm():
            return _norm_work(layer, results, results // count_channels(inputs[0]))
        case _:
            assert_never(layer)


def _pool_work(layer: Pool, results: int) -> VectorOperations:
    """The operations of pooling windows: comparisons, or a sum and a multiplication by 1 / size."""
    others = layer.kernel[0] * layer.kernel[1] - 1
    match layer.type:
        case "max_pool":
            return {"max": results * others}
        case "avg_pool":
            return {"add": results * others, "mul": results}
        case _:
            assert_never(layer.type)


def _norm_work(layer: Norm, results: int, rows: int) -> VectorOperations:
    """The operations of a normalization; ``rows`` are vectors that are normalized by themselves."""
    match layer.type:
        case "batch_norm":
            return {"mul": results, "add": results}
        case "layer_norm":  # mean, centring, sum of squares, shift
            return {"add": 4 * results, "mul": 3 * results, "divide": rows, "lookup": rows}
        case "rms_norm":  # sum of squares
            return {"add": results, "mul": 3 * results, "divide": rows, "lookup": rows}
        case _:
            assert_never(layer.type)
