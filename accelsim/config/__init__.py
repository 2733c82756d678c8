"""YAML files -> validated, frozen values; a mistake becomes one line that names its place and what is allowed."""

from accelsim.config.documents import (
    Document,
    KeyPath,
    UserError,
    assigned,
    merge,
    nearest,
    parse_sizes,
    parse_value,
    parse_yaml,
    read_yaml,
    shown,
    with_settings,
)
from accelsim.config.values import Count, Name, NonNegative, Positive, Size, Value, invalid, validated

__all__ = [
    "Count",
    "Document",
    "KeyPath",
    "Name",
    "NonNegative",
    "Positive",
    "Size",
    "UserError",
    "Value",
    "assigned",
    "invalid",
    "merge",
    "nearest",
    "parse_sizes",
    "parse_value",
    "parse_yaml",
    "read_yaml",
    "shown",
    "validated",
    "with_settings",
]
