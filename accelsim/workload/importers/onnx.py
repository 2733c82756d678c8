"""ONNX models become workloads. Shapes come from the model; the values of weights are neither needed nor kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from accelsim.config import UserError
from accelsim.workload.importers import clean_name
from accelsim.workload.importers.onnx_activations import merge_activations
from accelsim.workload.importers.onnx_graph import Graph, GraphOperation
from accelsim.workload.importers.onnx_operators import translate_graph

ONNX_MAX_BYTES = 2**31 - 1  # the most that one protobuf message can hold
SMALL_BYTES = 1024  # constants up to this size keep their values: shapes, axes, limits
SMALL_ELEMENTS = 16


def read_onnx(path: Path) -> dict[str, Any]:
    """Read the workload of an ONNX model: its layers, with batch norms, biases and activations folded into them.

    A batch that the model leaves open is 1. Weights in external files are not opened.

    Raises: UserError, which names the node, where the model is malformed or has an operation without a layer type.
    """
    try:
        import onnx.inliner
    except ImportError:
        raise UserError(f"{path}: reading ONNX models needs the onnx package: pip install 'accelsim[onnx]'") from None
    model = _parsed(path, onnx)
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
    _check_nodes(path, model, opset, onnx)
    inputs = _fix_inputs(path, model.graph)
    model, reason = _with_shapes(model, onnx)
    graph = _plain(path, model, inputs, opset, reason, onnx)
    net = translate_graph(graph._replace(operations=merge_activations(graph)))
    if not net.layers:
        raise UserError(f"{path}: has no operation that is a layer")
    workload: dict[str, Any] = {"name": clean_name(path.stem, "network"), "source": f"ONNX model {path.name}"}
    workload["input"] = net.tensors[inputs[0]].shape.model_dump()
    if net.batch > 1:
        workload["batch"] = net.batch
    return workload | _common_bits(net.layers) | {"layers": net.layers}


def _parsed(path: Path, onnx: Any) -> Any:
    """The model of a file, with its functions inlined and its large constants emptied. Raises: UserError."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= ONNX_MAX_BYTES else b""
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if size > ONNX_MAX_BYTES:
        raise UserError(f"{path}: larger than 2 GiB; export with the weights as external data")
    try:
        model = onnx.ModelProto.FromString(content)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except Exception:  # of kinds that protobuf and the inliner define, which are not imported here
        raise UserError(f"{path}: is not an ONNX model") from None
    if not model.graph.node or not all(isinstance(text, str) for text in _texts(model.graph)):
        raise UserError(f"{path}: is not an ONNX model, or one without operations")
    for tensor in model.graph.initializer:
        if tensor.ByteSize() > SMALL_BYTES:
            kept = (list(tensor.dims), tensor.data_type, tensor.name)
            tensor.Clear()
            tensor.dims.extend(kept[0])
            tensor.data_type, tensor.name = kept[1:]
    return model


def _texts(graph: Any) -> Iterator[Any]:
    """All names of a graph; protobuf gives bytes for a name that is not UTF-8."""
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    yield from (tensor.name for tensor in (*graph.input, *graph.output, *graph.initializer))


def _fix_inputs(path: Path, graph: Any) -> tuple[str, ...]:
    """Set an open batch to 1, and give the names of the inputs that are data. Raises: UserError for open dimensions."""
    stored = {tensor.name for tensor in graph.initializer}
    names = []
    for value in graph.input:
        if value.name in stored:
            continue
        names.append(value.name)
        if not value.type.tensor_type.HasField("shape"):
            raise UserError(f"{path}: input '{value.name}' has no shape; give the model fixed sizes when exporting it")
        for position, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.dim_value < 1 and position > 0:
                raise UserError(
                    f"{path}: input '{value.name}': dimension {position} ('{dim.dim_param}') is open;"
                    " give it a fixed size when exporting the model; only the batch may be open"
                )
            dim.dim_value = max(dim.dim_value, 1)
    if not names:
        raise UserError(f"{path}: the graph has no input; a network needs one")
    del graph.value_info[:]  # may hold the open batch
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    return tuple(names)


def _with_shapes(model: Any, onnx: Any) -> tuple[Any, str]:
    """The model with every shape that can be inferred, and a text that says why some cannot; empty if all can."""
    failures = (onnx.shape_inference.InferenceError, RuntimeError, ValueError, MemoryError)
    try:
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True), ""
    except failures as error:
        reason = " ".join(str(error).split())
    try:
        return onnx.shape_inference.infer_shapes(model), reason
    except failures:
        return model, reason


def _plain(path: Path, model: Any, inputs: tuple[str, ...], opset: int, reason: str, onnx: Any) -> Graph:
    """The model as plain values."""
    graph = model.graph
    operations = tuple(_operation(node, opset, onnx) for node in graph.node)
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for op in operations:
        if op.kind == "Constant" and "value" in op.attributes:
            stored[op.outputs[0]] = op.attributes["value"]
    dims = {name: tuple(tensor.dims) for name, tensor in stored.items()}
    types = {name: tensor.data_type for name, tensor in stored.items()}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor_type = value.type.tensor_type
        types[value.name] = tensor_type.elem_type
        if tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor_type.shape.dim):
            dims[value.name] = tuple(dim.dim_value for dim in tensor_type.shape.dim)
    return Graph(
        source=str(path),
        inputs=inputs,
        outputs=tuple(value.name for value in graph.output),
        operations=operations,
        constants=_constants(operations, stored),
        dims=dims,
        values={name: values for name, tensor in stored.items() if (values := _values(tensor, onnx))},
        bits=_bits(operations, types, onnx),
        unknown_because=reason,
    )


def _check_nodes(path: Path, model: Any, opset: int, onnx: Any) -> None:
    """Raises: UserError for a node of a standard operation that lacks what the standard demands."""
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = model.ir_version, {"": opset}
    for node in model.graph.node:
        if not any(node.output):
            raise UserError(f"{path}: node '{node.name}' ({node.op_type}): has no output")
        if node.domain in ("", "ai.onnx"):
            try:
                onnx.checker.check_node(node, context)
            except onnx.checker.ValidationError as error:
                reason = " ".join(str(error).split())
                raise UserError(f"{path}: node '{node.name or node.output[0]}' ({node.op_type}): {reason}") from None
            parts = [entry.i for entry in node.attribute if entry.name == "num_outputs"]
            if parts and parts[0] != len(node.output):  # shape inference would abort the whole process
                raise UserError(f"{path}: node '{node.name or node.output[0]}' ({node.op_type}): num_outputs is wrong")


def _operation(node: Any, opset: int, onnx: Any) -> GraphOperation:
    """A node as plain values."""
    attributes = {entry.name: _decoded(onnx.helper.get_attribute_value(entry)) for entry in node.attribute}
    if node.op_type == "Softmax" and opset < 13:
        attributes.setdefault("axis", 1)
    kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    return GraphOperation(node.name, kind, tuple(node.input), tuple(node.output), attributes)


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _constants(operations: Iterable[GraphOperation], stored: Iterable[str]) -> frozenset[str]:
    """Names of tensors that are known without the input: stored ones, shapes, and those computed from these alone."""
    constants = set(stored)
    for op in operations:
        if op.kind == "Shape" or all(name in constants for name in op.inputs if name):
            constants.update(op.outputs)
    return frozenset(constants - {""})


def _values(tensor: Any, onnx: Any) -> tuple[float, ...]:
    """The values of a stored constant; empty where it is large or holds no numbers."""
    external = tensor.data_location == onnx.TensorProto.EXTERNAL
    elements = 1
    for size in tensor.dims:
        elements *= size
    if external or not 0 < elements <= SMALL_ELEMENTS or tensor.ByteSize() > SMALL_BYTES:
        return ()
    try:
        return tuple(float(value) for value in onnx.numpy_helper.to_array(tensor).reshape(-1))
    except (KeyError, TypeError, ValueError):  # text, an unknown type, or fewer bytes than the shape says
        return ()


def _bits(operations: Iterable[GraphOperation], types: dict[str, int], onnx: Any) -> dict[str, int]:
    """Widths of integer tensors, and of tensors that are dequantized from them, by name."""
    names = {number: name for name, number in onnx.TensorProto.DataType.items()}
    bits = {}
    for tensor, number in types.items():
        kind, _, width = names.get(number, "").partition("INT")
        if kind in ("", "U") and width.isdecimal():
            bits[tensor] = int(width)
    for op in operations:
        if op.kind == "DequantizeLinear" and op.inputs[0] in bits:
            bits[op.outputs[0]] = bits[op.inputs[0]]
    return bits


def _common_bits(layers: list[dict[str, Any]]) -> dict[str, int]:
    """Take widths that all layers with operands share out of the layers, and give them as keys of the network."""
    common = {}
    for key, kinds in (("activation_bits", ("conv2d", "linear", "matmul")), ("weight_bits", ("conv2d", "linear"))):
        concerned = [layer for layer in layers if layer["type"] in kinds]
        widths = {layer.get(key, 0) for layer in concerned}
        if len(widths) == 1 and 0 not in widths:
            common[key] = widths.pop()
            for layer in concerned:
                del layer[key]
    return common
