"""YAML text becomes plain data that remembers where each value was written; merging of files; ``--set``."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

YAML_MAX_BYTES = 1 << 22
MAX_DEPTH = 32  # of mappings and lists in one another
MOST_NAMES = 40  # names that an error message lists

KeyPath = tuple[str | int, ...]
Where = Callable[[int], str]  #: names the place of a line, counted from 0, for error messages

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    ".nan": float("nan"),
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
}
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class UserError(Exception):
    """A mistake in what the user gave, described in one line; the command line exits with status 2."""

    def __init__(self, message: str) -> None:
        super().__init__(_NOT_ONE_LINE.sub(lambda found: ascii(found[0])[1:-1], message))


class Document(NamedTuple):
    """Parsed YAML: plain data, and where each value was written."""

    source: str  #: the file
    data: dict[str, Any]
    places: dict[KeyPath, str]  #: ``file:line`` or ``--set ...`` by path

    def place(self, path: KeyPath) -> str:
        """The place where the value at a path, or the nearest value that encloses it, was written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.source)


def read_yaml(path: Path) -> Document:
    """Parse a YAML file whose top level is a mapping.

    Raises: UserError for a missing, empty, oversized or malformed file, duplicate keys, aliases and tags.
    """
    try:
        with path.open("rb") as file:
            data = file.read(YAML_MAX_BYTES + 1)  # also from a pipe or a device, which have no size
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise UserError(f"{path}: cannot be read: {(getattr(error, 'strerror', None) or str(error)).lower()}") from None
    if len(data) > YAML_MAX_BYTES:
        raise UserError(f"{path}: larger than {YAML_MAX_BYTES >> 20} MiB; configuration files are small")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: is not UTF-8 text (byte 0x{data[error.start]:02x})") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Document:
    """Parse YAML text whose top level is a mapping; ``source`` names it in error messages.

    Raises: UserError as ``read_yaml``.
    """

    def where(line: int) -> str:
        return f"{source}:{line + 1}"

    node = _compose(text, where)
    if node is None:
        raise UserError(f"{source}: is empty; expected a mapping of keys to values")
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{where(_line(node))}: expected a mapping of keys to values at the top level")
    places: dict[KeyPath, str] = {}
    return Document(source, _build(node, (), where, places), places)


def parse_value(text: str, source: str) -> Any:
    """Parse one YAML value, as ``--set PATH=VALUE`` gives it; ``source`` names it in error messages.

    Raises: UserError as ``read_yaml``.
    """
    node = _compose(text, lambda _: source)
    return None if node is None else _build(node, (), lambda _: source, {})


def parse_sizes(texts: dict[str, str]) -> list[int]:
    """Parse sizes that the command line gives as texts, by name.

    Raises: UserError for a text that is no whole number from 1 to 2^31 - 1.
    """
    for name, text in texts.items():
        if len(text) > 20 or not _INT.fullmatch(text) or not 0 < int(text) < 2**31:
            raise UserError(f"{name}: should be a whole number from 1 to {2**31 - 1}, got {show_value(text)}")
    return [int(text) for text in texts.values()]


def merge_documents(base: Document, over: Document) -> Document:
    """Lay the document ``over`` upon ``base``: mappings merge key by key, everything else is replaced.

    A mapping that changes its ``kind`` is replaced as a whole, since another kind has other keys.
    """
    places = dict(base.places)

    def lay(low: Any, high: Any, path: KeyPath) -> Any:
        both = isinstance(low, dict) and isinstance(high, dict)
        if both and high.get("kind", low.get("kind")) == low.get("kind"):
            return {**low, **{key: lay(low.get(key), value, (*path, key)) for key, value in high.items()}}
        _forget(places, path)
        return high

    data = lay(base.data, over.data, ())
    return Document(over.source, data, places | over.places)


def apply_settings(document: Document, settings: Iterable[str], prefix: str = "") -> Document:
    """Apply ``PATH=VALUE`` texts to a document, in order; a path is dotted and may begin with prefix, a value is YAML.

    Raises: UserError for another form of text, and for a path that leads through a value.
    """
    for setting in settings:
        source = f"--set {_short(setting, 100)}"
        keys, equals, text = setting.partition("=")
        keys = keys.removeprefix(prefix)
        if not equals or not all(keys.split(".")):
            raise UserError(f"{source}: expected PATH=VALUE, for example engine.rows=16")
        document = _assign(document, keys.split("."), parse_value(text, source), source)
    return document


def assign_value(document: Document, path: str, value: Any, source: str) -> Document:
    """Put a plain value at a dotted path; ``source`` is its place in errors. Raises: as ``apply_settings``."""
    return _assign(document, path.split("."), value, source)


def _assign(document: Document, keys: list[str], value: Any, source: str) -> Document:
    """A document with a value at a path; sections that are missing on the way are made."""
    data = dict(document.data)
    places = dict(document.places)
    here: Any = data  # a mapping, or a list
    path: KeyPath = ()
    for depth, key in enumerate(keys):
        step: Any = _list_index(here, key, source) if isinstance(here, list) else key
        path = (*path, step)
        if depth == len(keys) - 1:
            here[step] = value
            break
        child = here[step] if isinstance(here, list) else here.get(step)
        if child is None:  # a new section
            places[path] = source
        elif not isinstance(child, dict | list):
            raise UserError(f"{source}: {join_path(path)} is a value, not a section")
        here[step] = copy.copy({} if child is None else child)
        here = here[step]
    _forget(places, path)
    places[path] = source
    return Document(document.source, data, places)


def _list_index(items: list[Any], key: str, source: str) -> int:
    """Position of a list's item, by its ``name`` or by its number from 0. Raises: UserError."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    numbers = list(map(str, range(len(items))))
    for known in (names, numbers):
        if key in known:
            return known.index(key)
    allowed = suggest(key, [name for name in names if isinstance(name, str)])
    raise UserError(f"{source}: '{_short(key)}' is no item's name, nor its number (below {len(items)}){allowed}")


def _forget(places: dict[KeyPath, str], path: KeyPath) -> None:
    """Drop the places of the value at a path and of all values below it."""
    for stale in [p for p in places if p[: len(path)] == path]:
        del places[stale]


def _line(node: yaml.Node | yaml.Event) -> int:
    """The line of a node, from 0."""
    return int(node.start_mark.line) if node.start_mark else 0


def _compose(text: str, where: Where) -> yaml.Node | None:
    """The tree of a text; a first pass over its events refuses what could be large or dangerous. Raises: UserError."""
    odd = _NOT_YAML.search(text)
    if odd:
        place = where(text.count("\n", 0, odd.start()))
        raise UserError(f"{place}: not valid YAML: the character U+{ord(odd[0]):04X} is not allowed")
    try:
        _refuse_dangers(yaml.parse(text, Loader=_Loader), where)
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        problem = ", ".join(filter(None, (error.context, error.problem)))
        written = "".join(text.splitlines()[line : line + 1])
        tabs = "\t" in written[: len(written) - len(written.lstrip())]
        raise UserError(f"{where(line)}: not valid YAML: {problem}{'; indent with spaces' if tabs else ''}") from None
    return node


def _refuse_dangers(events: Iterator[yaml.Event], where: Where) -> None:
    """Raises: UserError for aliases, tags, and more than MAX_DEPTH levels."""
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        tag = getattr(event, "tag", None)
        problem = ""
        if isinstance(event, yaml.AliasEvent):
            problem = f"aliases (*{event.anchor}) are not accepted; write the value out"
        elif tag is not None:
            problem = f"tags ({tag}) are not accepted; plain values only"
        elif depth > MAX_DEPTH:
            problem = f"nested deeper than {MAX_DEPTH} levels"
        if problem:
            raise UserError(f"{where(_line(event))}: {problem}")


def _build(node: yaml.Node, path: KeyPath, where: Where, places: dict[KeyPath, str]) -> Any:
    """The plain data of a node; the place of each value is added to ``places``. Raises: UserError."""
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
            got = show_value(key) if isinstance(key_node, yaml.ScalarNode) else f"a {key_node.id}"
            raise UserError(f"{place}: keys are text, got {got}")
        if key in mapping:
            raise UserError(f"{place}: duplicate key '{_short(key)}'")
        mapping[key] = _build(value_node, (*path, key), where, places)
        places[(*path, key)] = place
    return mapping


def _scalar(node: yaml.ScalarNode) -> Any:
    """The value of a scalar by the rules of YAML 1.2: 2:4 is text and 010 is ten, unlike in YAML 1.1."""
    text: str = node.value
    if node.style:  # quoted or a block; the style of a plain scalar is '' or None
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


def suggest(word: str, known: Iterable[str]) -> str:
    """Suggest a known word for an unknown one: ``; did you mean 'x'?``, or the list of known words."""
    names = sorted(known)
    in_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), in_lower, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{in_lower[close[0]]}'?"
    more = f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return f"; allowed: {', '.join(names[:MOST_NAMES])}{more}" if names else ""


def show_value(value: Any) -> str:
    """Show a value as error messages print it: short, on one line, with null, true and false as YAML writes them."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else _short(repr(value))


def join_path(path: KeyPath) -> str:
    """Join the steps of a path with dots, as ``--set`` takes it."""
    return ".".join(_short(str(step)) for step in path)


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
