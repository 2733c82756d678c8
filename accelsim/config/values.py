"""Plain data becomes validated, frozen values; a wrong value ends in one line that says where, and what is allowed."""

from __future__ import annotations

import functools
import re
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from accelsim.config.documents import Document, KeyPath, UserError, join_path, show_value, suggest

Size = Annotated[int, Field(gt=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]

V = TypeVar("V", bound="Value")

_MAPPING = "should be a mapping of keys to values"
_PLAIN = {  # plain words for kinds of errors of pydantic
    "string_pattern_mismatch": "should be letters, digits, '_', '-' and '.', a letter or digit first",
    "model_attributes_type": _MAPPING,
    "model_type": _MAPPING,
    "dict_type": _MAPPING,
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "too_short": "should have {min_length} or more items",
    "string_type": "should be text",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
}


class Value(BaseModel):
    """A frozen, fully validated value; an unknown key is refused, with the nearest known one in the error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    can_extend: ClassVar[bool] = False  #: whether it is a whole file, which may start from another one

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            keys = _keys(cls)
            for key in data:
                if key not in keys:
                    known = [*keys, *["extends"] * cls.can_extend]
                    raise PydanticCustomError("unknown_key", "{key}", {"key": key, "known": known})
        return data


@functools.cache
def _keys(model: type[Value]) -> frozenset[str]:
    """The keys that a file uses for the fields of a model."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def validate_document(model: type[V], document: Document) -> V:
    """Validate a document as a value of a model.

    Raises: UserError that names the place, the key, the value and what is allowed.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise _explain(error.errors()[0], document, model) from None


def invalid(document: Document, path: KeyPath, problem: str) -> UserError:
    """Make the error for a value that is well-formed by itself but wrong where it stands: place, key, problem."""
    return UserError(": ".join(filter(None, (document.place(path), join_path(path), problem))))


def _explain(error: ErrorDetails, document: Document, model: type[Value]) -> UserError:
    """A validation error of pydantic in plain words, with its place."""
    path: KeyPath = ()
    here: Any = document.data
    for step in error["loc"]:  # without the tags of unions, which are no keys of the file
        known = step in here if isinstance(here, dict) else isinstance(here, list) and step in range(len(here))
        if known:
            here = here[step]
            path = (*path, step)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "unknown_key":
        path = (*path, context["key"])
        known_keys = suggest(context["key"], context["known"])
        return UserError(f"{document.place(path)}: unknown key '{join_path(path)}'{known_keys}")
    if kind in ("missing", "union_tag_not_found"):
        key = error["loc"][-1] if kind == "missing" else context["discriminator"].strip("'")
        hint = "; start from another file with extends: NAME, or give it" if model.can_extend and not path else ""
        return invalid(document, path, f"missing key '{key}'{hint}")
    if kind == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        tags = re.findall(r"'([^']*)'", context["expected_tags"])
        allowed = suggest(str(here[key]), tags)
        return invalid(document, (*path, key), f"no such {key}, got {show_value(here[key])}{allowed}")
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if kind == "value_error":  # a check of our own: it says what it found, and may begin with the key
        named = message.partition(":")[0]
        if isinstance(here, dict) and named in here:
            path, message = (*path, named), message.partition(": ")[2]
        return invalid(document, path, message)
    close = ""
    if kind == "literal_error" and isinstance(here, str):
        close = suggest(here, re.findall(r"'([^']*)'", error["msg"])).partition("; allowed")[0]
    message = _PLAIN[kind].format_map(context) if kind in _PLAIN else message
    return invalid(document, path, f"{message}, got {show_value(here)}{close}")
