"""A graph of ONNX operations as plain values, and its translation, operation by operation, into layers.

Rearrangements (Reshape, Transpose, ...) only rename a tensor: like all views they cost nothing. Where a layer needs
another shape than its input has, a ``reshape`` layer is put between them.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from accelsim.config import UserError
from accelsim.workload.importers import make_unique_name
from accelsim.workload.layers import AnyLayer, AnyShape, Features, Image, Tokens

MAX_ELEMENTS = 2**31 - 1
WIDEST_DATA_BITS = 16  # wider integers are indices and shapes

_LAYER: TypeAdapter[AnyLayer] = TypeAdapter(AnyLayer)
_FUSING = {"conv2d", "linear", "add", "mul"}  # types of layers with an activation of their own
_NETWORK_INPUT = "input"


class GraphOperation(NamedTuple):
    """A node of the graph. The name of an input or output that is left out is empty."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class Graph(NamedTuple):
    """What the importer needs of a model; tensors go by their names."""

    source: str  #: path of the model
    inputs: tuple[str, ...]  #: tensors of data from outside; the first is the network's input
    outputs: tuple[str, ...]
    operations: tuple[GraphOperation, ...]
    constants: frozenset[str]  #: tensors that are stored, or computed from stored ones and from shapes alone
    dims: dict[str, tuple[int, ...]]  #: dimensions of every tensor whose shape is known
    values: dict[str, tuple[float, ...]]  #: values of small constants
    bits: dict[str, int]  #: widths of integer tensors, and of tensors that are dequantized from them
    unknown_because: str  #: why shape inference failed; empty if it did not


def make_rows(rows: int, width: int) -> AnyShape:
    """Make the shape of so many vectors of a width."""
    return Features(features=width) if rows == 1 else Tokens(tokens=rows, features=width)


class GraphTensor(NamedTuple):
    """An ONNX tensor among the layers of the network."""

    layer: str | None  #: the layer whose result it is; None for a second input of the network
    shape: AnyShape
    exclusive: bool  #: nothing else reads that layer's result
    bits: int | None = None  #: width of its data, where the model states one


class Translation:
    """The layers that have been made so far, and what each ONNX tensor is among them."""

    def __init__(self, graph: Graph) -> None:
        """Begin with the graph's inputs. Raises: UserError where it has none."""
        self.graph = graph
        self.layers: list[dict[str, Any]] = []
        self.tensors: dict[str, GraphTensor] = {}
        self._by_name: dict[str, dict[str, Any]] = {}
        self._readers = Counter(name for op in graph.operations for name in op.inputs) + Counter(graph.outputs)
        self._reshaped: dict[tuple[str | None, str], GraphTensor] = {}
        if not graph.inputs:
            raise UserError(f"{graph.source}: the graph has no input; a network needs one")
        first = graph.dims[graph.inputs[0]]
        self.batch = first[0] if len(first) > 1 else 1
        for position, name in enumerate(graph.inputs):
            dims, bits = graph.dims[name], self._data_bits(name)
            if name in graph.bits and bits is None:  # indices of a table's rows, not data
                shape: AnyShape = Tokens(tokens=self.count_per_inference(dims), features=1)
            else:
                shape = self.convert_dims(dims)
            layer = None if position else _NETWORK_INPUT
            self.tensors[name] = GraphTensor(layer, shape, self._readers[name] == 1, bits)

    def refusal(self, op: GraphOperation, problem: str) -> UserError:
        """The error for an operation that cannot be translated."""
        return UserError(f"{self.graph.source}: node '{op.name or op.outputs[0]}' ({op.kind}): {problem}")

    def is_constant(self, op: GraphOperation, position: int) -> bool:
        """Whether an input of an operation is known without the network's input."""
        return op.inputs[position] in self.graph.constants

    def is_given(self, op: GraphOperation, position: int) -> bool:
        """Whether an optional input of an operation is given."""
        return len(op.inputs) > position and op.inputs[position] != ""

    def find_dims(self, op: GraphOperation, name: str) -> tuple[int, ...]:
        """Find the dimensions of a tensor, batch included. Raises: UserError where they are not known."""
        if name not in self.graph.dims:
            reason = f": {self.graph.unknown_because}" if self.graph.unknown_because else ""
            raise self.refusal(op, f"the shape of '{name}' cannot be inferred{reason}")
        return self.graph.dims[name]

    def find_source(self, op: GraphOperation, position: int = 0) -> GraphTensor:
        """Find the tensor that an operation reads at a position. Raises: UserError for a constant."""
        name = op.inputs[position]
        if name in self.graph.constants:
            raise self.refusal(op, f"'{name}' is a constant; only data from the network's input can stand there")
        if name not in self.tensors:
            raise self.refusal(op, f"nothing before it makes its input '{name}'")
        return self.tensors[name]

    def convert_dims(self, dims: tuple[int, ...]) -> AnyShape:
        """Convert dimensions to the shape of one inference: an image (from NCHW), tokens, or features."""
        width = dims[-1] if dims else 1
        elements = self.count_per_inference(dims, width)
        if len(dims) == 4:
            return Image(channels=dims[1], height=dims[2], width=dims[3])
        return make_rows(elements // width, width)

    def count_per_inference(self, dims: tuple[int, ...], width: int = 1) -> int:
        """Count the elements of one inference of the batch. Raises: UserError where they are no vectors of a width."""
        elements = math.prod(dims)
        if not (all(size > 0 for size in dims) and elements <= MAX_ELEMENTS and elements % (self.batch * width) == 0):
            sizes = "x".join(map(str, dims))
            raise UserError(f"{self.graph.source}: a tensor of {sizes} in {self.batch} inferences has no shape here")
        return elements // self.batch

    def read_axis(self, op: GraphOperation, default: int) -> tuple[int, tuple[int, ...]]:
        """Read an operation's axis, counted from the front, and the dimensions of its input. Raises: UserError."""
        dims = self.find_dims(op, op.inputs[0])
        axis = op.attributes.get("axis", default)
        if not -len(dims) <= axis < len(dims):
            raise self.refusal(op, f"axis: should be from {-len(dims)} to {len(dims) - 1}, got {axis}")
        return axis % len(dims), dims

    def rename(self, op: GraphOperation, tensor: GraphTensor) -> None:
        """Make an operation's first output another name of a tensor."""
        name = op.outputs[0]
        exclusive = tensor.exclusive and self._readers[name] == 1
        self.tensors[name] = tensor._replace(exclusive=exclusive, bits=self._data_bits(name) or tensor.bits)

    def _data_bits(self, name: str) -> int | None:
        """Width of an integer tensor in bits; None where it holds indices or sizes, or no integers."""
        bits = self.graph.bits.get(name)
        return bits if bits is not None and bits <= WIDEST_DATA_BITS else None

    def reshape(self, op: GraphOperation, tensor: GraphTensor, shape: AnyShape) -> GraphTensor:
        """Give a tensor another shape, by a reshape layer if needed. Raises: UserError for another number."""
        if tensor.shape == shape:
            return tensor
        if tensor.shape.elements != shape.elements:
            raise self.refusal(op, f"needs {shape}, its input is {tensor.shape}")
        if tensor.layer is None:
            return tensor._replace(shape=shape)
        key = (tensor.layer, f"{type(shape).__name__} {shape}")
        if key not in self._reshaped:
            fields = {"type": "reshape", "to": shape.model_dump()}
            made = self._append(op, f"{tensor.layer}_reshape", fields, [tensor])
            self._reshaped[key] = made._replace(bits=tensor.bits)
        return self._reshaped[key]

    def emit(self, op: GraphOperation, fields: dict[str, Any], inputs: list[GraphTensor], output: int = 0) -> None:
        """Emit a layer that makes one output of an operation.

        ``fields`` are its keys in a workload file. Raises: UserError where it gives another size than the model says.
        """
        name = op.outputs[output]
        made = self._append(op, (op.name or name) + (f"_{output}" if output else ""), fields, inputs)
        dims = self.find_dims(op, name)
        if made.shape.elements * self.batch != math.prod(dims):
            sizes = "x".join(map(str, dims))
            raise self.refusal(op, f"the model says {sizes}, a {fields['type']} layer gives {made.shape}")
        self.tensors[name] = made._replace(exclusive=self._readers[name] == 1)

    def find_fusable(self, tensor: GraphTensor) -> dict[str, Any] | None:
        """Find the layer that makes a tensor, if an operation behind it can become a part of it; None otherwise."""
        layer = self._by_name.get(tensor.layer or "")
        if layer is None or not tensor.exclusive or layer["type"] not in _FUSING or "activation" in layer:
            return None
        return layer

    def _append(self, op: GraphOperation, name: str, fields: dict[str, Any], inputs: list[GraphTensor]) -> GraphTensor:
        """Append a layer and give its result. Raises: UserError where the layer refuses its keys or inputs."""
        layer = {"name": make_unique_name(name, self._by_name), "type": fields["type"]}
        layer |= self._reads(op, inputs, fields) | fields
        try:
            shape = _LAYER.validate_python(layer).output(tuple(tensor.shape for tensor in inputs))
        except ValidationError as error:
            first = error.errors()[0]
            raise self.refusal(op, f"{first['loc'][-1]}: {first['msg']}, got {first['input']}") from None
        except ValueError as error:
            raise self.refusal(op, str(error)) from None
        self.layers.append(layer)
        self._by_name[layer["name"]] = layer
        return GraphTensor(layer["name"], shape, exclusive=True)

    def _reads(self, op: GraphOperation, inputs: list[GraphTensor], fields: dict[str, Any]) -> dict[str, Any]:
        """The keys of a layer that say what it reads; the layer before it is the default and is left out."""
        names = [tensor.layer for tensor in inputs if tensor.layer is not None]
        said: dict[str, Any] = {}
        if len(names) < len(inputs):
            if len(inputs) > 1:
                raise self.refusal(op, "combines a further input of the network with another tensor; write it by hand")
            said["input_shape"] = inputs[0].shape.model_dump()
        default = self.layers[-1]["name"] if self.layers else _NETWORK_INPUT
        if len(names) > 1 or fields["type"] == "matmul":
            said["input"] = names
        elif names and names[0] != default:
            said["input"] = names[0]
        if inputs[0].bits is not None and fields["type"] in ("conv2d", "linear", "matmul"):
            said["activation_bits"] = inputs[0].bits
        return said
