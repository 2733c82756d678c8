"""A network: its layers in order, with the shapes that flow into and out of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field, ValidationError

from accelsim.config import Document, KeyPath, Name, Size, Value, invalid, suggest, validate_document
from accelsim.workload.layers import AnyLayer, AnyShape, BitWidth, Fraction, Shape

NETWORK_INPUT = "input"


class WorkloadFile(Value):
    """What a workload file holds."""

    can_extend: ClassVar[bool] = True

    name: Name
    description: str = ""
    source: str = ""
    input: Shape | None = None  #: may be left out where every layer brings its own
    batch: Size = 1
    activation_bits: BitWidth | None = None
    weight_bits: BitWidth | None = None
    weight_sparsity: Fraction | None = None
    activation_zeros: Fraction | None = None
    layers: Annotated[list[AnyLayer], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Node:
    """One layer in its place. ``producers`` are positions in Workload.nodes; None is memory outside the network."""

    layer: AnyLayer
    inputs: tuple[AnyShape, ...]
    producers: tuple[int | None, ...]
    output: AnyShape

    @property
    def params(self) -> int:
        """Stored values."""
        return self.layer.params(self.inputs)

    @property
    def macs(self) -> int:
        """Multiplications of one inference."""
        return self.layer.macs(self.inputs) if self.layer.executed else 0


@dataclass(frozen=True, slots=True)
class Workload:
    """A network, complete and checked. MACs and sizes are those of one inference, ``batch`` not counted in."""

    file: WorkloadFile
    nodes: tuple[Node, ...]

    @property
    def name(self) -> str:
        """As the file calls it."""
        return self.file.name

    @property
    def macs(self) -> int:
        """Multiplications of one inference."""
        return sum(node.macs for node in self.nodes)

    @property
    def params(self) -> int:
        """Stored weights, biases, scales and shifts."""
        return sum(node.params for node in self.nodes)


def build_workload(document: Document) -> Workload:
    """A checked network from a parsed file.

    Raises: UserError where a key, a name or a shape is wrong, with its place.
    """
    file = validate_document(WorkloadFile, document)
    nodes: list[Node] = []
    positions: dict[str, int] = {}
    for index, layer in enumerate(file.layers):
        path = ("layers", index)
        if layer.name in positions or layer.name == NETWORK_INPUT:
            owner = "what the network reads" if layer.name == NETWORK_INPUT else "an earlier layer"
            raise invalid(document, (*path, "name"), f"'{layer.name}' is the name of {owner} already")
        producers = _producers(document, layer, positions, path)
        for producer in producers:
            if producer is not None and layer.executed and not file.layers[producer].executed:
                idle = file.layers[producer].name
                raise invalid(document, path, f"'{layer.name}' reads '{idle}', which is not executed")
        if layer.mapping is not None and layer.type not in PRODUCT_TYPES:
            told = f"belongs to {', '.join(PRODUCT_TYPES)}; {layer.type} has no product"
            raise invalid(document, (*path, "mapping"), told)
        inputs = tuple(
            nodes[producer].output if producer is not None else _outside(document, file, layer, path)
            for producer in producers
        )
        try:
            output = layer.output(inputs)
        except ValueError as error:
            raise invalid(document, path, f"layer '{layer.name}': {_problem(error)}") from None
        nodes.append(Node(layer, inputs, producers, output))
        positions[layer.name] = index
    return Workload(file, tuple(nodes))


def _problem(error: ValueError) -> str:
    """Why a layer has no result: its inputs do not fit, or a size of the result is out of range."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"its result's {first['loc'][0]} {first['msg'].replace('Input should', 'should')}, got {first['input']}"


def _producers(document: Document, layer: AnyLayer, positions: dict[str, int], path: KeyPath) -> tuple[int | None, ...]:
    """Positions of the layers that this one reads; None for the network's input or the layer's own."""
    if layer.input and layer.input_shape is not None:
        raise invalid(document, (*path, "input_shape"), f"layer '{layer.name}' takes input or input_shape, got both")
    if layer.input is not None:
        for name in layer.input:
            if name != NETWORK_INPUT and name not in positions:
                known = suggest(name, [*positions, NETWORK_INPUT])
                raise invalid(document, (*path, "input"), f"no layer '{name}' before '{layer.name}'{known}")
        producers = tuple(positions.get(name) for name in layer.input)
    elif layer.input_shape is not None or layer.least_inputs == 0:
        producers = (None,) * (layer.input_shape is not None)
    else:
        producers = (len(positions) - 1 if positions else None,)
    if not layer.least_inputs <= len(producers) <= layer.most_inputs:
        wanted = f"{layer.least_inputs} to {layer.most_inputs} inputs" if layer.most_inputs > 1 else "one input"
        raise invalid(document, path, f"layer '{layer.name}': {layer.type} takes {wanted}, got {len(producers)}")
    return producers


def _outside(document: Document, file: WorkloadFile, layer: AnyLayer, path: KeyPath) -> AnyShape:
    """Shape of what a layer reads from outside the network."""
    shape = layer.input_shape or file.input
    if shape is None:
        raise invalid(document, path, f"layer '{layer.name}' has no input; give the network an input or an input_shape")
    return shape


PRODUCT_TYPES = ("conv2d", "linear", "matmul")
TensorSets = list[frozenset[int]]


def trace_tensors(workload: Workload) -> tuple[TensorSets, TensorSets, dict[int, int]]:
    """Of each node the tensors whose elements its result names, and those that it reads; elements of each tensor.

    A tensor is a node's number, -1 the network's input, -2 - node that node's own.
    """
    names: TensorSets = []
    reads: TensorSets = []
    sizes: dict[int, int] = {}
    for index, node in enumerate(workload.nodes):
        outside = -1 if node.layer.input_shape is None else -2 - index
        sources = [frozenset({outside}) if p is None else names[p] for p in node.producers]
        reads.append(frozenset().union(*sources))
        names.append(reads[index] if node.layer.is_view else frozenset({index}))
        sizes[index] = node.output.elements
        if None in node.producers:
            sizes[outside] = node.inputs[node.producers.index(None)].elements
    return names, reads, sizes


def find_peak_activations(workload: Workload) -> tuple[int, str]:
    """Most elements that are alive at once, and the layer at which: its inputs, its result, what later layers need.

    Views (reshape, concat, split, shuffle) take no room of their own, layers that are not executed none at all. The
    last layer's result is the network's; other results that no layer reads leave as soon as they are made.
    """
    nodes = workload.nodes
    names, reads, sizes = trace_tensors(workload)
    executed = [index for index, node in enumerate(nodes) if node.layer.executed]
    alive = frozenset().union(*(names[index] for index in executed[-1:]))
    best = (0, nodes[0].layer.name)
    for index in reversed(executed):  # what is alive at a layer, less its result, plus what it reads, is so before it
        alive |= reads[index] | names[index]
        elements = sum(sizes[tensor] for tensor in alive)
        if elements >= best[0]:
            best = (elements, nodes[index].layer.name)
        alive -= {index, -2 - index}
    return best


def set_width(workload: Workload, bits: int) -> Workload:
    """The same network with every operand stored in ``bits``."""
    file = workload.file
    widths = {"activation_bits": bits, "weight_bits": bits}
    nodes = tuple(replace(node, layer=node.layer.model_copy(update=widths)) for node in workload.nodes)
    layers = [node.layer for node in nodes]
    return Workload(file.model_copy(update={**widths, "layers": layers}), nodes)


def set_sparsity(workload: Workload, share: float) -> Workload:
    """The same network with a share of zero weights in every layer that does not state its own."""
    return replace(workload, file=workload.file.model_copy(update={"weight_sparsity": share}))
