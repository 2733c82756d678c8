"""What fields say of themselves: the string below each field of a class, read from the source when it is asked for.

pydantic's ``use_attribute_docstrings`` reads the same strings when a class is made, which costs a tenth of a second at
every start; here a start costs nothing.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys


def describe_fields(owner: type) -> dict[str, str]:
    """The documentation of each annotated field of a class, inherited fields included, by the field's name.

    A field without a string below it is absent. Raises: OSError where the source of the class is not installed.
    """
    texts: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        if base.__module__.partition(".")[0] not in ("builtins", "pydantic"):
            texts |= _texts_of_module(base.__module__).get(base.__qualname__, {})
    return texts


@functools.cache
def _texts_of_module(module: str) -> dict[str, dict[str, str]]:
    """The documented fields of each class at the top of a module, by the class's name."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _texts_of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _texts_of_class(node: ast.ClassDef) -> dict[str, str]:
    """Each field's string as one line of text."""
    texts = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = " ".join(text.split())
    return texts
