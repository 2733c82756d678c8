"""Activation functions that exporters write as several ONNX operations, merged into one operation each."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from accelsim.workload.importers.onnx_graph import Graph, GraphOperation

_PRODUCTS = {"Sigmoid": "Swish", "HardSigmoid": "HardSwish"}  # what x times the function of x is


class Links(NamedTuple):
    """The operations that make and read each tensor, by the tensor's name."""

    makers: dict[str, GraphOperation]
    users: dict[str, GraphOperation]  #: the last one that reads it
    readers: Counter[str]  #: how often it is read
    constants: frozenset[str]

    def find_only_user(self, tensor: str, kind: str) -> GraphOperation | None:
        """Find the one operation that reads a tensor, if it is of a kind."""
        user = self.users.get(tensor)
        return user if user is not None and self.readers[tensor] == 1 and user.kind == kind else None

    def find_scaled(self, op: GraphOperation | None) -> str | None:
        """Find x where an operation is x plus, times or over a constant."""
        if op is None or op.kind not in ("Add", "Mul", "Div"):
            return None
        data = [name for name in op.inputs if name not in self.constants]
        return data[0] if len(data) == 1 else None


def merge_activations(graph: Graph) -> tuple[GraphOperation, ...]:
    """Merge operations that together are one: x sigmoid(x), x hard_sigmoid(x), and x (1 + erf(x / sqrt 2)) / 2."""
    links = Links(
        makers={name: op for op in graph.operations for name in op.outputs},
        users={name: op for op in graph.operations for name in op.inputs},
        readers=Counter(name for op in graph.operations for name in op.inputs) + Counter(graph.outputs),
        constants=graph.constants,
    )
    whole: dict[str, GraphOperation] = {}
    parts: set[str] = set()
    for op in graph.operations:
        chain = _product(op, links) if op.kind in _PRODUCTS else _gelu(op, links) if op.kind == "Erf" else None
        if chain is not None:
            made, replaced = chain
            whole[made.outputs[0]] = made
            parts.update(part.outputs[0] for part in replaced)
    return tuple(whole.get(op.outputs[0], op) for op in graph.operations if op.outputs[0] not in parts)


def _product(op: GraphOperation, links: Links) -> tuple[GraphOperation, list[GraphOperation]] | None:
    """The merged operation of x f(x), and the operations before its last that it replaces; None where there is none."""
    x, y = op.inputs[0], op.outputs[0]
    last = links.find_only_user(y, "Mul")
    if last is None or set(last.inputs) != {x, y}:
        return None
    return GraphOperation(last.name, _PRODUCTS[op.kind], (x,), last.outputs, {}), [op]


def _gelu(erf: GraphOperation, links: Links) -> tuple[GraphOperation, list[GraphOperation]] | None:
    """The merged operation of x (1 + erf(x / sqrt 2)) / 2, and those that it replaces; the half may be taken of x."""
    inner = links.makers.get(erf.inputs[0])
    x = links.find_scaled(inner)
    plus = links.find_only_user(erf.outputs[0], "Add")
    if inner is None or x is None or links.find_scaled(plus) is None or plus is None:
        return None
    product = links.find_only_user(plus.outputs[0], "Mul")
    if product is None:
        return None
    other = next((name for name in product.inputs if name != plus.outputs[0]), "")
    if other == x:
        last = links.find_only_user(product.outputs[0], "Mul")
        parts = [inner, erf, plus, product]
        if last is None or links.find_scaled(last) is None:
            return None
    else:
        half = links.makers.get(other)
        if half is None or links.find_scaled(half) != x:
            return None
        last, parts = product, [inner, erf, plus, half]
    if any(links.readers[part.outputs[0]] > 1 for part in parts):
        return None
    return GraphOperation(last.name, "Gelu", (x,), last.outputs, {}), parts
