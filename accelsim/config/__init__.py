"""YAML files become validated, frozen values; a mistake ends in one line that names its place and what is allowed."""

from accelsim.config.documents import (
    Document,
    KeyPath,
    UserError,
    apply_settings,
    assign_value,
    merge_documents,
    parse_sizes,
    parse_value,
    parse_yaml,
    read_yaml,
    show_value,
    suggest,
)
from accelsim.config.values import Count, Name, NonNegative, Positive, Size, Value, invalid, validate_document

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
    "apply_settings",
    "assign_value",
    "invalid",
    "merge_documents",
    "parse_sizes",
    "parse_value",
    "parse_yaml",
    "read_yaml",
    "show_value",
    "suggest",
    "validate_document",
]
