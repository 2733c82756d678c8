"""The tables of keys and columns in hwconfigs/README.md and workloads/README.md, from the models' own documentation.

    python -m accelsim.report.keys

rewrites them in a checkout: what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is replaced by the
block of that name. All else on the pages is written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple, get_args

from pydantic.fields import FieldInfo

from accelsim.config import Value
from accelsim.config.field_docs import describe_fields
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.technology import ScaledTechnology, Technology
from accelsim.hardware import BankedDevice, Hardware, SerialDevice
from accelsim.report.glossary import glossary_text
from accelsim.report.key_words import SECTION, allowed_values, default_value, models_of, numbers_of, unit
from accelsim.report.list import list_shipped
from accelsim.report.result_keys import COMPARISON_TEXTS, COMPONENT_TEXTS, POINT_TEXTS, SUMMARY_TEXTS
from accelsim.simulation.result import LayerResult
from accelsim.studies.sweep.spec import Spec
from accelsim.workload.layers.base import Layer, Windowed
from accelsim.workload.layers.kinds import AnyLayer
from accelsim.workload.network import WorkloadFile

PAGES = ("hwconfigs/README.md", "workloads/README.md")  #: in a checkout
ROOTS = (Hardware, BankedDevice, SerialDevice, Technology, ScaledTechnology, WorkloadFile, Spec)  #: of whole files
NETWORK = "Network: "  #: before the headings of the keys of a network
HEAD = ("key", "values", "unit", "default", "meaning")
LAYER_TYPES: tuple[type[Layer], ...] = get_args(get_args(AnyLayer)[0])
TableLinks = dict[type[Value], tuple[str, str]]  #: label and anchor of each model that has a table
ELSEWHERE: TableLinks = {  #: models whose tables have headings that are written by hand
    BankedDevice: ("kind: banked", "devices-of-banks"),
    SerialDevice: ("kind: serial", "serial-devices"),
    **dict.fromkeys(LAYER_TYPES, ("layer", "every-layer")),
}
_BLOCK = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def fill_page(text: str) -> str:
    """A page with all its blocks as the models have them now. Raises: KeyError for a block that does not exist."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n\n{found[3]}", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Section(NamedTuple):
    """A model within a file, the keys under which it stands, and what tells it from others under the same keys."""

    model: type[Value]
    paths: tuple[str, ...]
    label: str

    def heading(self, file: str) -> str:
        """The heading of its table; ``file`` tells files of several kinds apart on a page."""
        names = ", ".join(f"`{path}`" for path in self.paths)
        return f"{file}{names}" + (f" with `{self.label}`" if self.label else "")

    def anchor(self, file: str) -> str:
        """The link to its heading, as GitHub forms it."""
        return re.sub(r"[^\w -]", "", self.heading(file).lower()).replace(" ", "-")


def sections_of(root: type[Value], path: str = "") -> dict[type[Value], Section]:
    """The models of which a file consists, in order."""
    found: dict[type[Value], Section] = {}
    for name, field in root.model_fields.items():
        models = [model for model in models_of(field.annotation) if model not in ROOTS and not issubclass(model, Layer)]
        for model in models:
            here = Section(model, (f"{path}.{_key(name, field)}".lstrip("."),), _label(model, len(models)))
            for inner in (here, *sections_of(model, here.paths[0]).values()):
                known = found.setdefault(inner.model, inner._replace(paths=()))
                found[inner.model] = known._replace(paths=known.paths + inner.paths)
    return found


def links_to(sections: dict[type[Value], Section], file: str) -> TableLinks:
    """Label and anchor of the table of each model of a file."""
    return {model: (section.label, section.anchor(file)) for model, section in sections.items()}


def file_text(root: type[Value], file: str = "") -> str:
    """Tables of all keys of a file, one for each model in it."""
    sections = sections_of(root)
    links = ELSEWHERE | links_to(sections, file)
    parts = [_introduction(root), table(HEAD, key_rows(root, links=links))]
    for model, section in sections.items():
        rows = key_rows(model, section.paths[0], links)
        parts += [f"#### {section.heading(file)}", _introduction(model), table(HEAD, rows)]
    return "\n\n".join(parts)


def key_rows(
    model: type[Value], path: str = "", links: TableLinks | None = None, without: Iterable[str] = ()
) -> list[tuple[str, ...]]:
    """A row for each key of a model, inherited ones last: key, values, unit, default, meaning."""
    texts, section = describe_fields(model), path.rpartition(".")[2]
    left_out = set(without)
    rows: list[tuple[str, ...]] = []
    for name in _own_first(model):
        if name not in left_out:
            field = model.model_fields[name]
            key, numbers = _key(name, field), numbers_of(field.annotation)
            of = unit(key, numbers, section)
            rows.append((f"`{key}`", _values(field, links or {}), of, default_value(field), texts[name]))
    return rows


def _own_first(model: type[Value]) -> list[str]:
    """The fields of a model, those of the classes from which it inherits after its own."""
    classes = [inspect.get_annotations(base) for base in model.__mro__]
    return sorted(model.model_fields, key=lambda name: next(n for n, own in enumerate(classes) if name in own))


def _values(field: FieldInfo, links: TableLinks) -> str:
    """What a key takes, with links to the tables of sections."""
    text = allowed_values(field.annotation, field.metadata)
    linked = [links[model] for model in models_of(field.annotation) if model in links]
    names = dict.fromkeys(f"[{f'`{label}`' if label else SECTION}](#{anchor})" for label, anchor in linked)
    return text.replace(SECTION, " or ".join(names)) if names else text


def _label(model: type[Value], alternatives: int) -> str:
    """What tells a model from others that may stand in the same place: its kind, or its keys."""
    if "kind" in model.model_fields:
        return f"kind: {get_args(model.model_fields['kind'].annotation)[0]}"
    return "{" + ", ".join(model.model_fields) + "}" if alternatives > 1 else ""


def layers_text() -> str:
    """Tables of the keys of every layer, of layers with a window, and of each type."""
    mapping = models_of(Layer.model_fields["mapping"].annotation)[0]
    links = links_to(sections_of(WorkloadFile), NETWORK) | {mapping: ("", "mapping-of-a-layer")}
    windowed = ", ".join(f"`{name}`" for layer in LAYER_TYPES if issubclass(layer, Windowed) for name in _types(layer))
    rows: list[tuple[str, ...]] = []
    for layer in LAYER_TYPES:
        common = [*(Windowed if issubclass(layer, Windowed) else Layer).model_fields, "type"]
        rows.append((", ".join(f"`{name}`" for name in _types(layer)), "", "", "", "", f"**{_introduction(layer)}**"))
        rows += [("", *row) for row in key_rows(layer, links=links, without=common)]
    return "\n\n".join(
        (
            "#### Every layer",
            table(HEAD, [*key_rows(Layer, links=links), _type_row()]),
            "#### `mapping` of a layer",
            table(HEAD, key_rows(mapping)),
            f"#### Layers with a window: {windowed}",
            table(HEAD, key_rows(Windowed, without=Layer.model_fields)),
            "#### Each type",
            table(("type", *HEAD), rows),
        )
    )


def _type_row() -> tuple[str, ...]:
    names = [name for layer in LAYER_TYPES for name in _types(layer)]
    return ("`type`", ", ".join(f"`{name}`" for name in names), "", "required", "Type of the layer.")


def layer_columns_text() -> str:
    """The columns of layers.csv."""
    texts, rows = describe_fields(LayerResult), []
    for field in fields(LayerResult):
        if field.name == "energy_pj_by_component":
            rows += [(f"`energy_pj_{n}`", "pJ", f"Energy of {text}, pJ.") for n, text in COMPONENT_TEXTS.items()]
        else:
            rows.append((f"`{field.name}`", unit(field.name, {int, float}), texts[field.name]))
    return table(("column", "unit", "meaning"), rows)


def texts_table(texts: dict[str, str], head: str = "column") -> str:
    """A table of keys or columns with their meaning."""
    return table((head, "meaning"), [(f"`{name}`", text) for name, text in texts.items()])


def shipped_text(kind: str) -> str:
    """What ships of a kind, as ``accelsim list`` has it: name and the first sentence of the description."""
    entries = list_shipped(kind)
    if kind == "workloads":
        head = ("name", "MACs", "parameters", "network")
        rows = [(f"`{e['name']}`", f"{e['macs']:,}", f"{e['params']:,}", _sentence(e["description"])) for e in entries]
        return table(head, rows)
    return table(("name", "description"), [(f"`{e['name']}`", _sentence(e["description"])) for e in entries])


def _sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].removesuffix(".") + "."


def _introduction(model: type[Value]) -> str:
    return " ".join((model.__doc__ or "").split()).replace("``", "`")


def _key(name: str, field: FieldInfo) -> str:
    """What a file calls a field."""
    return field.alias or name


def _types(layer: type[Layer]) -> tuple[str, ...]:
    return get_args(layer.model_fields["type"].annotation)


BLOCKS: dict[str, Callable[[], str]] = {
    "hardware": lambda: file_text(Hardware),
    "banked_device": lambda: file_text(BankedDevice, "Device of banks: "),
    "serial_device": lambda: file_text(SerialDevice, "Serial device: "),
    "technology": lambda: file_text(Technology, "Technology: "),
    "scaled_technology": lambda: file_text(ScaledTechnology, "Scaled technology: "),
    "sweep": lambda: file_text(Spec, "Sweep: "),
    "network": lambda: file_text(WorkloadFile, NETWORK),
    "layers": layers_text,
    "layer_columns": layer_columns_text,
    "summary": lambda: texts_table(SUMMARY_TEXTS, "key"),
    "points": lambda: texts_table(POINT_TEXTS),
    "comparison": lambda: texts_table(COMPARISON_TEXTS),
    "shipped_hardware": lambda: shipped_text("hw"),
    "shipped_devices": lambda: shipped_text("devices"),
    "shipped_technologies": lambda: shipped_text("technologies"),
    "shipped_workloads": lambda: shipped_text("workloads"),
    "glossary": glossary_text,
}


def rewrite_pages() -> None:
    """Rewrite the blocks of both pages. Raises: FileNotFoundError outside a checkout."""
    for page in PAGES:
        path = locate_hwconfigs().parent / page
        path.write_text(fill_page(Path(path).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    rewrite_pages()
