"""Activation functions that exporters write as several ONNX operations, made whole again."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from accelsim.workload.importers.onnx_graph import Graph, GraphOperation

_PRODUCTS = {"Sigmoid": "Swish", "HardSigmoid": "HardSwish"}  #: what x times that function of x is


class Links(NamedTuple):
    """Who makes and who reads each tensor."""

    makers: dict[str, GraphOperation]
    users: dict[str, GraphOperation]
    readers: Counter[str]
    constants: frozenset[str]

    def only_user(self, tensor: str, kind: str) -> GraphOperation | None:
        """The one operation that reads a tensor, if it is of that kind."""
        user = self.users.get(tensor)
        return user if user is not None and self.readers[tensor] == 1 and user.kind == kind else None

    def scaled(self, op: GraphOperation | None) -> str | None:
        """x, where op is x plus, times or by a constant."""
        if op is None or op.kind not in ("Add", "Mul", "Div"):
            return None
        data = [name for name in op.inputs if name not in self.constants]
        return data[0] if len(data) == 1 else None


def merge_activations(graph: Graph) -> tuple[GraphOperation, ...]:
    """The graph's operations with x sigmoid(x), x hard_sigmoid(x) and x (1 + erf(x / sqrt 2)) / 2 as one each."""
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
    x, y = op.inputs[0], op.outputs[0]
    last = links.only_user(y, "Mul")
    if last is None or set(last.inputs) != {x, y}:
        return None
    return GraphOperation(last.name, _PRODUCTS[op.kind], (x,), last.outputs, {}), [op]


def _gelu(erf: GraphOperation, links: Links) -> tuple[GraphOperation, list[GraphOperation]] | None:
    """x / sqrt 2, erf, plus 1, times x, times 1/2; or with the half taken of x before."""
    inner = links.makers.get(erf.inputs[0])
    x = links.scaled(inner)
    plus = links.only_user(erf.outputs[0], "Add")
    if inner is None or x is None or links.scaled(plus) is None or plus is None:
        return None
    product = links.only_user(plus.outputs[0], "Mul")
    if product is None:
        return None
    other = next((name for name in product.inputs if name != plus.outputs[0]), "")
    if other == x:
        last = links.only_user(product.outputs[0], "Mul")
        parts = [inner, erf, plus, product]
        if last is None or links.scaled(last) is None:
            return None
    else:
        half = links.makers.get(other)
        if half is None or links.scaled(half) != x:
            return None
        last, parts = product, [inner, erf, plus, half]
    if any(links.readers[part.outputs[0]] > 1 for part in parts):
        return None
    return GraphOperation(last.name, "Gelu", (x,), last.outputs, {}), parts
