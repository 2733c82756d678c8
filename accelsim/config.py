"""YAML files -> validated, frozen values; a mistake becomes one line that names its place and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

MAX_BYTES = 1 << 22
MAX_DEPTH = 32

Size = Annotated[int, Field(gt=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]

Path_ = tuple[str | int, ...]
V = TypeVar("V", bound="Value")

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    ".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf"),
}  # fmt: skip

_PLAIN = {  # pydantic's words -> ours
    "string_pattern_mismatch": "should be letters, digits, '_', '-' and '.', a letter or digit first",
    "model_attributes_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "dict_type": "should be a mapping of keys to values",
    "list_type": "should be a list",
    "string_type": "should be text",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
}


class UserError(Exception):
    """A mistake in what the user gave, told in one line; the command line exits with status 2."""


class Value(BaseModel):
    """A frozen, fully validated value. Unknown keys are refused with the nearest known one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise PydanticCustomError("unknown_key", "{key}", {"key": key, "known": list(cls.model_fields)})
        return data


class Document(NamedTuple):
    """Parsed YAML: plain data, and for each path the place it came from (``file:line`` or ``--set ...``)."""

    source: str
    data: dict[str, Any]
    places: dict[Path_, str]

    def place(self, path: Path_) -> str:
        """Where the value at path, or its nearest enclosing one, was written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.source)


def read_yaml(path: Path) -> Document:
    """Parse a YAML file.

    Raises: UserError for a missing, empty, oversized or malformed file, duplicate keys, aliases and tags.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: larger than {MAX_BYTES >> 20} MiB; configuration files are small")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Document:
    """Parse YAML text whose top level is a mapping; source is how error messages call it."""
    node = _compose(text, source)
    if node is None:
        raise UserError(f"{source}: is empty; expected a mapping of keys to values")
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{source}:{_line(node)}: expected a mapping of keys to values at the top level")
    places: dict[Path_, str] = {}
    return Document(source, _build(node, (), source, places), places)


def parse_value(text: str, source: str) -> Any:
    """One YAML value, as ``--set PATH=VALUE`` gives it."""
    node = _compose(text, source)
    return None if node is None else _build(node, (), source, {})


def merge(base: Document, over: Document) -> Document:
    """over laid upon base: mappings merge key by key, everything else replaces.

    A mapping that changes its ``kind`` replaces as a whole: another kind's options do not carry over.
    """
    places = dict(base.places)

    def lay(low: Any, high: Any, path: Path_) -> Any:
        both = isinstance(low, dict) and isinstance(high, dict)
        if both and high.get("kind", low.get("kind")) == low.get("kind"):
            return {**low, **{key: lay(low.get(key), value, (*path, key)) for key, value in high.items()}}
        for stale in [p for p in places if p[: len(path)] == path]:
            del places[stale]
        return high

    data = lay(base.data, over.data, ())
    return Document(over.source, data, places | over.places)


def with_settings(document: Document, settings: Iterable[str]) -> Document:
    """document with ``PATH=VALUE`` texts applied in order; paths are dotted, values YAML."""
    for setting in settings:
        dotted, equals, text = setting.partition("=")
        if not equals or not all(dotted.split(".")):
            raise UserError(f"--set {setting}: expected PATH=VALUE, for example engine.rows=16")
        source = f"--set {setting}"
        document = _assign(document, dotted.split("."), parse_value(text, source), source)
    return document


def _assign(document: Document, keys: list[str], value: Any, source: str) -> Document:
    data = dict(document.data)
    places = dict(document.places)
    here: Any = data  # a mapping, or a list whose items are reached by number
    path: Path_ = ()
    for depth, key in enumerate(keys):
        step: str | int = key
        if isinstance(here, list):
            step = _list_index(here, key, source)
        path = (*path, step)
        if depth == len(keys) - 1:
            here[step] = value
            break
        child = here[step] if isinstance(step, int) else here.get(step)
        if child is not None and not isinstance(child, dict | list):
            raise UserError(f"{source}: {'.'.join(keys[: depth + 1])} is a value, not a section")
        here[step] = list(child) if isinstance(child, list) else dict(child or {})
        here = here[step]
    for stale in [p for p in places if p[: len(path)] == path]:
        del places[stale]
    places[path] = source
    return Document(document.source, data, places)


def _list_index(items: list[Any], key: str, source: str) -> int:
    """Position of a list item given by its number or by its ``name``."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if key in names:
        return names.index(key)
    if key.isdecimal() and int(key) < len(items):
        return int(key)
    raise UserError(f"{source}: no item {key!r}{nearest(key, [n for n in names if n])}")


def validated(model: type[V], document: Document) -> V:
    """document as a value of the given model.

    Raises: UserError naming place, key, value and what is allowed.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise UserError(_told(error.errors()[0], document)) from None


def invalid(document: Document, path: Path_, problem: str) -> UserError:
    """The error for a value that is well-formed by itself but wrong where it stands."""
    dotted = ".".join(map(str, path))
    return UserError(f"{document.place(path)}: {dotted + ': ' if dotted else ''}{problem}")


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where a known word is near, and what is allowed otherwise."""
    names = sorted(known)
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; allowed: {', '.join(names)}" if names else ""


def _told(error: ErrorDetails, document: Document) -> str:
    """One validation error in one line."""
    path: Path_ = ()
    here: Any = document.data
    for step in error["loc"]:  # drop the tags of unions, which are no keys of the file
        known = step in here if isinstance(here, dict) else isinstance(here, list) and step in range(len(here))
        if known:
            here = here[step]
            path = (*path, step)
    context = error.get("ctx", {})
    dotted = ".".join(map(str, path))
    if error["type"] == "unknown_key":
        key = context["key"]
        full = ".".join(map(str, (*path, key)))
        return f"{document.place((*path, key))}: unknown key '{full}'{nearest(key, context['known'])}"
    if error["type"] in ("missing", "union_tag_not_found"):
        key = error["loc"][-1] if error["type"] == "missing" else context["discriminator"].strip("'")
        return f"{document.place(path)}: {dotted + ': ' if dotted else ''}missing key '{key}'"
    if error["type"] == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        word, tags = context["tag"], re.findall(r"'([^']*)'", context["expected_tags"])
        return f"{document.place((*path, key))}: {dotted}.{key}: no such {key}, got {shown(word)}{nearest(word, tags)}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    message = _PLAIN.get(error["type"], message)
    if error["type"] == "literal_error" and isinstance(here, str):
        message += nearest(here, re.findall(r"'([^']*)'", error["msg"])).partition("; allowed")[0]
    if error["type"] == "value_error":  # our own checks already say what they found
        return f"{document.place(path)}: {dotted + ': ' if dotted else ''}{message}"
    return f"{document.place(path)}: {dotted}: {message}, got {shown(here)}"


def shown(value: Any) -> str:
    """A value as error messages print it: short, on one line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1 if node.start_mark else 1


def _compose(text: str, source: str) -> yaml.Node | None:
    """The node tree, after a first pass over the events refused what could be large or dangerous to build."""
    try:
        _refuse_dangers(yaml.parse(text, Loader=_Loader), source)
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{source}{line}: not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from None
    return node


def _refuse_dangers(events: Iterator[yaml.Event], source: str) -> None:
    depth = 0
    for event in events:
        place = f"{source}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise UserError(f"{place}: aliases (*{event.anchor}) are not accepted; write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise UserError(f"{place}: tags ({tag}) are not accepted; plain values only")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise UserError(f"{place}: nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(node: yaml.Node, path: Path_, source: str, places: dict[Path_, str]) -> Any:
    places[path] = f"{source}:{_line(node)}"
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, i), source, places) for i, item in enumerate(node.value)]
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise UserError(f"{source}:{_line(key_node)}: keys are text, got {shown(key)}")
        if key in mapping:
            raise UserError(f"{source}:{_line(key_node)}: duplicate key '{key}'")
        mapping[key] = _build(value_node, (*path, key), source, places)
        places[(*path, key)] = f"{source}:{_line(key_node)}"
    return mapping


def _scalar(node: yaml.ScalarNode) -> Any:
    """A scalar by YAML 1.2's core rules: 2:4 is text and 010 is ten, which YAML 1.1 would read otherwise."""
    text: str = node.value
    if node.style:  # quoted or a block; plain is '' or None, by parser
        return text
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if len(text) <= 100:
        if _INT.fullmatch(text):
            return int(text)
        if _HEX.fullmatch(text):
            return int(text, 16)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
