"""YAML files -> validated, frozen values; a mistake becomes one line that names its place and what is allowed."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

MAX_BYTES = 1 << 22
MAX_DEPTH = 32
MOST_NAMES = 40  # that an error message lists

Size = Annotated[int, Field(gt=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]

Path_ = tuple[str | int, ...]
V = TypeVar("V", bound="Value")
Where = Callable[[int], str]  # a line of a text, from 0 -> how error messages call the place

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    ".nan": float("nan"), ".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"),
}  # fmt: skip
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_MAPPING = "should be a mapping of keys to values"
_PLAIN = {  # pydantic's words -> ours
    "string_pattern_mismatch": "should be letters, digits, '_', '-' and '.', a letter or digit first",
    "model_attributes_type": _MAPPING,
    "model_type": _MAPPING,
    "dict_type": _MAPPING,
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "too_short": "should not be so short",
    "string_type": "should be text",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
}


class UserError(Exception):
    """A mistake in what the user gave, told in one line; the command line exits with status 2."""

    def __init__(self, message: str) -> None:
        super().__init__(_NOT_ONE_LINE.sub(lambda found: ascii(found[0])[1:-1], message))


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
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # of a pipe or a device, too, which have no size
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise UserError(f"{path}: cannot be read: {(getattr(error, 'strerror', None) or str(error)).lower()}") from None
    if len(data) > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES >> 20} MiB; configuration files are small")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: is not UTF-8 text (byte 0x{data[error.start]:02x})") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Document:
    """Parse YAML text whose top level is a mapping; source is how error messages call it."""

    def where(line: int) -> str:
        return f"{source}:{line + 1}"

    node = _compose(text, where)
    if node is None:
        raise UserError(f"{source}: is empty; expected a mapping of keys to values")
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{where(_line(node))}: expected a mapping of keys to values at the top level")
    places: dict[Path_, str] = {}
    return Document(source, _build(node, (), where, places), places)


def parse_value(text: str, source: str) -> Any:
    """One YAML value, as ``--set PATH=VALUE`` gives it."""
    node = _compose(text, lambda _: source)
    return None if node is None else _build(node, (), lambda _: source, {})


def parse_sizes(texts: dict[str, str]) -> list[int]:
    """Sizes given as text on the command line, by name.

    Raises: UserError for what is no whole number from 1 to 2^31 - 1.
    """
    for name, text in texts.items():
        if not _INT.fullmatch(text) or not 0 < int(text[:20]) < 2**31:
            raise UserError(f"{name}: should be a whole number from 1 to {2**31 - 1}, got {shown(text)}")
    return [int(text) for text in texts.values()]


def merge(base: Document, over: Document) -> Document:
    """over laid upon base: mappings merge key by key, everything else replaces.

    A mapping that changes its ``kind`` replaces as a whole: another kind's options do not carry over.
    """
    places = dict(base.places)

    def lay(low: Any, high: Any, path: Path_) -> Any:
        both = isinstance(low, dict) and isinstance(high, dict)
        if both and high.get("kind", low.get("kind")) == low.get("kind"):
            return {**low, **{key: lay(low.get(key), value, (*path, key)) for key, value in high.items()}}
        _forget(places, path)
        return high

    data = lay(base.data, over.data, ())
    return Document(over.source, data, places | over.places)


def with_settings(document: Document, settings: Iterable[str]) -> Document:
    """document with ``PATH=VALUE`` texts applied in order; paths are dotted, values YAML."""
    for setting in settings:
        source = f"--set {_short(setting, 100)}"
        dotted, equals, text = setting.partition("=")
        if not equals or not all(dotted.split(".")):
            raise UserError(f"{source}: expected PATH=VALUE, for example engine.rows=16")
        document = _assign(document, dotted.split("."), parse_value(text, source), source)
    return document


def _assign(document: Document, keys: list[str], value: Any, source: str) -> Document:
    data = dict(document.data)
    places = dict(document.places)
    here: Any = data  # a mapping, or a list
    path: Path_ = ()
    for key in keys:
        if path:  # one level down, into a copy
            child = here[path[-1]] if isinstance(here, list) else here.get(path[-1])
            if child is None:  # a new section
                places[path] = source
            elif not isinstance(child, dict | list):
                raise UserError(f"{source}: {_dotted(path)} is a value, not a section")
            here[path[-1]] = copy.copy({} if child is None else child)
            here = here[path[-1]]
        path = (*path, _list_index(here, key, source) if isinstance(here, list) else key)
    here[path[-1]] = value
    _forget(places, path)
    places[path] = source
    return Document(document.source, data, places)


def _list_index(items: list[Any], key: str, source: str) -> int:
    """Position of a list item given by its ``name`` or by its number, from 0."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    numbers = list(map(str, range(len(items))))
    for known in (names, numbers):
        if key in known:
            return known.index(key)
    allowed = nearest(key, [name for name in names if isinstance(name, str)] or numbers)
    raise UserError(f"{source}: no item '{_short(key)}' among {len(items)}{allowed}")


def _forget(places: dict[Path_, str], path: Path_) -> None:
    """Drop the places of what stood at path and below it."""
    for stale in [p for p in places if p[: len(path)] == path]:
        del places[stale]


def validated(model: type[V], document: Document) -> V:
    """document as a value of the given model.

    Raises: UserError naming place, key, value and what is allowed.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise _told(error.errors()[0], document) from None


def invalid(document: Document, path: Path_, problem: str) -> UserError:
    """The error for a value that is well-formed by itself but wrong where it stands."""
    return UserError(": ".join(filter(None, (document.place(path), _dotted(path), problem))))


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where a known word is near, and what is allowed otherwise."""
    names = {name.lower(): name for name in sorted(known)}
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{names[close[0]]}'?"
    listed = ", ".join(list(names.values())[:MOST_NAMES])
    return f"; allowed: {listed}{f', ... ({len(names)} in all)' if len(names) > MOST_NAMES else ''}" if names else ""


def _told(error: ErrorDetails, document: Document) -> UserError:
    """The first validation error, in our words."""
    path: Path_ = ()
    here: Any = document.data
    for step in error["loc"]:  # drop the tags of unions, which are no keys of the file
        known = step in here if isinstance(here, dict) else isinstance(here, list) and step in range(len(here))
        if known:
            here = here[step]
            path = (*path, step)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "unknown_key":
        path = (*path, context["key"])
        known_keys = nearest(context["key"], context["known"])
        return UserError(f"{document.place(path)}: unknown key '{_dotted(path)}'{known_keys}")
    if kind in ("missing", "union_tag_not_found"):
        key = error["loc"][-1] if kind == "missing" else context["discriminator"].strip("'")
        return invalid(document, path, f"missing key '{key}'")
    if kind == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        tags = re.findall(r"'([^']*)'", context["expected_tags"])
        allowed = nearest(str(here[key]), tags)
        return invalid(document, (*path, key), f"no such {key}, got {shown(here[key])}{allowed}")
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if kind == "value_error":  # our own checks already say what they found
        return invalid(document, path, message)
    close = ""
    if kind == "literal_error" and isinstance(here, str):
        close = nearest(here, re.findall(r"'([^']*)'", error["msg"])).partition("; allowed")[0]
    return invalid(document, path, f"{_PLAIN.get(kind, message)}, got {shown(here)}{close}")


def shown(value: Any) -> str:
    """A value as error messages print it: short, on one line, in YAML's words."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else _short(repr(value))


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _dotted(path: Path_) -> str:
    return ".".join(_short(str(step)) for step in path)


def _line(node: yaml.Node | yaml.Event) -> int:
    return int(node.start_mark.line) if node.start_mark else 0


def _compose(text: str, where: Where) -> yaml.Node | None:
    """The node tree, after a first pass over the events refused what could be large or dangerous to build."""
    odd = _NOT_YAML.search(text)
    if odd:
        place = where(text.count("\n", 0, odd.start()))
        raise UserError(f"{place}: not valid YAML: contains the control character U+{ord(odd[0]):04X}")
    try:
        _refuse_dangers(yaml.parse(text, Loader=_Loader), where)
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        told = ", ".join(filter(None, (error.context, error.problem)))
        indent = re.match(r"\s*", [*text.split("\n"), ""][line])
        tabs = "; indent with spaces, not tabs" if indent and "\t" in indent[0] else ""
        raise UserError(f"{where(line)}: not valid YAML: {told}{tabs}") from None
    return node


def _refuse_dangers(events: Iterator[yaml.Event], where: Where) -> None:
    depth = 0
    for event in events:
        place = where(_line(event))
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


def _build(node: yaml.Node, path: Path_, where: Where, places: dict[Path_, str]) -> Any:
    places[path] = where(_line(node))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, i), where, places) for i, item in enumerate(node.value)]
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = where(_line(key_node))
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else key_node.value
        if not isinstance(key, str):
            got = shown(key) if isinstance(key_node, yaml.ScalarNode) else f"a {key_node.id}"
            raise UserError(f"{place}: keys are text, got {got}")
        if key in mapping:
            raise UserError(f"{place}: duplicate key '{_short(key)}'")
        mapping[key] = _build(value_node, (*path, key), where, places)
        places[(*path, key)] = place
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
