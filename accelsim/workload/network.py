"""A network: its layers in order, with the shapes that each one reads and gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field, ValidationError

from accelsim.config import Document, KeyPath, Name, Size, Value, invalid, suggest, validate_document
from accelsim.workload.layers import AnyLayer, AnyShape, BitWidth, Fraction, Shape

NETWORK_INPUT = "input"  # what layers call the network's own input


class WorkloadFile(Value):
    """The keys of a workload file."""

    can_extend: ClassVar[bool] = True

    name: Name
    """Name of the network."""
    description: str = ""
    """What the network is, in a sentence or two."""
    source: str = ""
    """Where the layers were taken from."""
    input: Shape | None = None
    """Shape of the network's input; it may be left out where each layer states what it reads."""
    batch: Size = 1
    """Number of inferences that run together."""
    activation_bits: BitWidth | None = None
    """Width of activations, as stored, bits; by default that of the engine's precision; a layer may state its own."""
    weight_bits: BitWidth | None = None
    """Width of weights, as stored, bits; by default that of the engine's precision; a layer may state its own."""
    weight_sparsity: Fraction | None = None
    """Share of weights that are zero, wherever they stand, for layers that do not state their own."""
    activation_zeros: Fraction | None = None
    """Share of zeros in activations, for schedule.compress_activations; by default 0; a layer may state its own."""
    layers: Annotated[list[AnyLayer], Field(min_length=1)]
    """Layers in order; each reads the one before it unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Node:
    """A layer in its place in a network."""

    layer: AnyLayer
    inputs: tuple[AnyShape, ...]  #: the shape of each input
    producers: tuple[int | None, ...]  #: the layer that each input comes from, by its place; None: from outside
    output: AnyShape

    @property
    def params(self) -> int:
        """Number of stored values: weights, biases, scales and shifts."""
        return self.layer.params(self.inputs)

    @property
    def macs(self) -> int:
        """Multiplications of one inference; 0 for a layer that is not executed."""
        return self.layer.macs(self.inputs) if self.layer.executed else 0


@dataclass(frozen=True, slots=True)
class Workload:
    """A network, complete and checked. MACs and sizes are those of one inference, whatever ``batch`` says."""

    file: WorkloadFile
    nodes: tuple[Node, ...]  #: the layers in order

    @property
    def name(self) -> str:
        """Name of the network, as its file states it."""
        return self.file.name

    @property
    def macs(self) -> int:
        """Multiplications of one inference, all layers together."""
        return sum(node.macs for node in self.nodes)

    @property
    def params(self) -> int:
        """Number of stored values of all layers: weights, biases, scales and shifts."""
        return sum(node.params for node in self.nodes)


def build_workload(document: Document) -> Workload:
    """Build a network from a parsed file, and check that its layers fit together.

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
            problem = f"belongs to {', '.join(PRODUCT_TYPES)}; {layer.type} has no product"
            raise invalid(document, (*path, "mapping"), problem)
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
    """Why a layer has no result, in words: its inputs do not fit, or a size of the result is out of range."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"its result's {first['loc'][0]} {first['msg'].replace('Input should', 'should')}, got {first['input']}"


def _producers(document: Document, layer: AnyLayer, positions: dict[str, int], path: KeyPath) -> tuple[int | None, ...]:
    """The layers that a layer reads, by place; None for the network's input or its own. Raises: UserError."""
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
    """The shape that a layer reads from outside the network. Raises: UserError where none is stated."""
    shape = layer.input_shape or file.input
    if shape is None:
        raise invalid(document, path, f"layer '{layer.name}' has no input; give the network an input or an input_shape")
    return shape


PRODUCT_TYPES = ("conv2d", "linear", "matmul")  # types of layers with a matrix product
TensorSets = list[frozenset[int]]


def trace_tensors(workload: Workload) -> tuple[TensorSets, TensorSets, dict[int, int]]:
    """Trace which tensors each layer reads, and which its result consists of: of a view those of its inputs.

    A tensor goes by the place of the layer that makes it; the network's input is -1, the own input of the layer at
    place i is -2 - i. Returns the tensors of each result, those that each layer reads, and the elements of each tensor.
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
    """Find the most activation elements that must exist at once, and the layer during which they do.

    These are the layer's inputs, its result, and what later layers read. Views (reshape, concat, split, shuffle) take
    no room of their own, layers that are not executed none at all. The last layer's result is the network's; other
    results that no layer reads leave as soon as they are made.
    """
    nodes = workload.nodes
    names, reads, sizes = trace_tensors(workload)
    executed = [index for index, node in enumerate(nodes) if node.layer.executed]
    alive = frozenset().union(*(names[index] for index in executed[-1:]))
    best = (0, nodes[0].layer.name)
    for index in reversed(executed):  # alive before a layer is what is alive after it, without its result
        alive |= reads[index] | names[index]
        elements = sum(sizes[tensor] for tensor in alive)
        if elements >= best[0]:
            best = (elements, nodes[index].layer.name)
        alive -= {index, -2 - index}
    return best


def set_width(workload: Workload, bits: int) -> Workload:
    """Set the stored width of every operand of a network, in bits."""
    file = workload.file
    widths = {"activation_bits": bits, "weight_bits": bits}
    nodes = tuple(replace(node, layer=node.layer.model_copy(update=widths)) for node in workload.nodes)
    layers = [node.layer for node in nodes]
    return Workload(file.model_copy(update={**widths, "layers": layers}), nodes)


def set_sparsity(workload: Workload, share: float) -> Workload:
    """Set the share of zero weights of every layer that does not state its own."""
    return replace(workload, file=workload.file.model_copy(update={"weight_sparsity": share}))
