"""Importers: other tools' files become the data of a workload or hardware file, and that data becomes YAML text.

An importer is a function from a path to plain data with the keys of our own files, which is validated as these are.
"""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import yaml

from accelsim.config import UserError, parse_value

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_NAME_LENGTH = 90  # below the limit of a name, so that a number can be appended
_RESERVED = "input"  # what layers call the network's own input


def read_text(path: Path, limit_bytes: int) -> str:
    """Read a text file, with or without a byte order mark.

    Raises: UserError where it cannot be read, is larger than ``limit_bytes`` or is not UTF-8.
    """
    try:
        if path.stat().st_size > limit_bytes:
            raise UserError(f"{path}: larger than {limit_bytes >> 20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start})") from None


def clean_name(text: str, default: str) -> str:
    """Clean a text of all characters that a name may not have; ``default`` is taken where none is left."""
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-")
    return cleaned[:_NAME_LENGTH] or default


def make_unique_name(text: str, taken: Container[str]) -> str:
    """Make a layer's name of a text, other than those that are taken."""
    base = clean_name(text, "layer")
    name, number = base, 1
    while name in taken or name == _RESERVED:
        number += 1
        name = f"{base}_{number}"
    return name


def format_yaml(data: dict[str, Any]) -> str:
    """Format a workload or hardware file's data as YAML, a line for each key and each layer; it reads back equal."""
    lines: list[str] = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            lines += [f"{key}:", *(f"  - {_flow(item)}" for item in value)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """One value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and parse_value(value, "text") == value:
            return value
        return yaml.safe_dump(value, default_style='"', width=float("inf"), allow_unicode=True).strip()
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)
