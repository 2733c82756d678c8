"""What a field takes, its unit and its default, in words for a table of keys."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from accelsim.config import Value

LARGEST = 2**31 - 1  #: the bound of every size, which needs no mention
SECTION = "section"  #: what stands for a model, to be replaced by a link
FORMS = {  # further forms that a validator takes, by its name
    "_pair": "whole number, or a list of two",
    "_padding": "whole number, a list of two or four, or `same`",
    "_names": "name, or a list of names",
    "_list": "name, or a list of names",
    "_scalar": "value",
}
UNITS = {
    "cycles": "cycles",
    "cycle": "cycle",
    "ns": "ns",
    "us": "us",
    "ms": "ms",
    "nm": "nm",
    "bytes": "bytes",
    "kib": "KiB",
    "mib": "MiB",
    "bits": "bits",
    "bit": "bit",
    "macs": "MACs",
    "operations": "operations",
    "beats": "transfers",
    "pj": "pJ",
    "uj": "uJ",
    "j": "J",
    "mw": "mW",
    "w": "W",
    "ma": "mA",
    "v": "V",
    "mhz": "MHz",
    "k": "K",
    "um2": "um2",
    "mm2": "mm2",
    "share": "share",
    "utilization": "share",
}
WHOLE_UNITS = {"gb_s": "1e9 bytes/s", "pj_per_bit_mm": "pJ/(bit mm)", "arithmetic_intensity": "MACs/byte"}


def allowed_values(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """What a field of this type takes, such as ``whole number, 1 to 64``; ``metadata`` holds its bounds."""
    metadata = tuple(metadata)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return allowed_values(parts[0], (*_flat(parts[1:]), *metadata))
    for entry in metadata:
        if isinstance(entry, BeforeValidator) and (form := FORMS.get(getattr(entry.func, "__name__", ""))):
            return form
    if origin in (Union, UnionType):
        texts = (allowed_values(part, metadata) for part in parts if part is not NoneType)
        return " or ".join(dict.fromkeys(texts))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin in (list, tuple):
        return f"list of {allowed_values(parts[0])}"
    if origin is dict:
        return f"mapping of names to {allowed_values(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return SECTION
    if annotation is bool:
        return "true, false"
    return {int: "whole number", float: "number", str: "text", Any: "value"}[annotation] + _bounds(metadata)


def unit(key: str, numbers: set[type], section: str = "") -> str:
    """The unit that the name of a key ends in, else the one of the section that it stands in; empty without one.

    ``numbers`` are the types of number that the key takes: whole numbers are no kelvins.
    """
    if not numbers:
        return ""
    for end, whole in WHOLE_UNITS.items():
        if key == end or key.endswith(f"_{end}"):
            return whole
    left, _, right = key.rpartition("_per_")
    if below := left and UNITS.get(right, ""):
        return f"{UNITS.get(left.rpartition('_')[2], '1')}/{below}"
    start, _, last = key.rpartition("_")
    own = UNITS.get(last, "") if start or len(last) > 1 else ""
    if own == "K" and float not in numbers:
        own = ""
    return own or (unit(section, {float}) if section else "")


def default_value(field: FieldInfo) -> str:
    """The value that a key has where a file leaves it out; empty where its meaning says what is taken then."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "" or isinstance(value, Value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return _figure(value[0]) if value else "empty"
    return _figure(value) if isinstance(value, int | float) else f"`{value}`"


def models_of(annotation: Any) -> list[type[Value]]:
    """The models that a field's value may consist of, in their order."""
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_of(part)]


def numbers_of(annotation: Any) -> set[type]:
    """The types of number that a field's value may consist of: int, float, both or none."""
    if annotation in (int, float):
        return {annotation}
    return {number for part in get_args(annotation) for number in numbers_of(part)}


def _flat(metadata: Iterable[Any]) -> list[Any]:
    """Bounds inside a pydantic Field among the others."""
    return [item for entry in metadata for item in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]


def _bounds(metadata: tuple[Any, ...]) -> str:
    """The range of a number, such as ``, 1 to 64``; empty where it has none."""
    low = next((entry for entry in metadata if isinstance(entry, Ge | Gt)), None)
    high = next((entry for entry in metadata if isinstance(entry, Le | Lt)), None)
    if isinstance(high, Le) and high.le == LARGEST:
        high = None
        low = Ge(1) if isinstance(low, Gt) else low
    below = "" if low is None else _figure(low.ge) if isinstance(low, Ge) else f"above {_figure(low.gt)}"
    if high is None:
        return f", {below}{' or more' * isinstance(low, Ge)}" if below else ""
    above = f"below {_figure(high.lt)}" if isinstance(high, Lt) else _figure(high.le)
    return f", {below}, at most {above}" if isinstance(low, Gt) else f", {below} to {above}"


def _figure(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, int | float) else str(value)
    return text.replace("e+0", "e").replace("e-0", "e-")
