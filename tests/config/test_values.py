"""Validated values: an invalid one is refused with its place, key, value and what is allowed."""

import pytest
from strategies.documents import Part, Plan
from strategies.messages import refusal

from accelsim.config import (
    Size,
    Value,
    parse_sizes,
    parse_yaml,
    show_value,
    suggest,
    validate_document,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("size: true", "f.yaml:1: size: should be a whole number, got true"),
        ("size: '16'", "f.yaml:1: size: should be a whole number, got '16'"),
        ("size: 16.0", "f.yaml:1: size: should be a whole number, got 16.0"),
        ("size: .nan", "f.yaml:1: size: should be a whole number, got nan"),
        ("size:", "f.yaml:1: size: should be a whole number, got null"),
        ("size: [1]", "f.yaml:1: size: should be a whole number, got [1]"),
        ("size: 0", "f.yaml:1: size: should be greater than 0, got 0"),
        ("size: -3", "f.yaml:1: size: should be greater than 0, got -3"),
        ("size: 2147483648", "f.yaml:1: size: should be less than or equal to 2147483647, got 2147483648"),
        ("count: 2147483648", "f.yaml:1: count: should be less than or equal to 2147483647, got 2147483648"),
        ("count: -1", "f.yaml:1: count: should be greater than or equal to 0, got -1"),
        ("factor: .nan", "f.yaml:1: factor: should be a finite number, got nan"),
        ("factor: .inf", "f.yaml:1: factor: should be a finite number, got inf"),
        ("factor: 0", "f.yaml:1: factor: should be greater than 0, got 0"),
        ("factor: true", "f.yaml:1: factor: should be a number, got true"),
        ("loss: -0.5", "f.yaml:1: loss: should be greater than or equal to 0, got -0.5"),
        ("on: yes", "f.yaml:1: on: should be true or false, got 'yes'"),
        ("on: 1", "f.yaml:1: on: should be true or false, got 1"),
        ("name: 7", "f.yaml:1: name: should be text, got 7"),
        ("name: .a", "f.yaml:1: name: should be letters, digits, '_', '-' and '.', a letter or digit first, got '.a'"),
        ("mode: slwo", "f.yaml:1: mode: should be 'fast' or 'slow', got 'slwo'; did you mean 'slow'?"),
        ("mode: [slow]", "f.yaml:1: mode: should be 'fast' or 'slow', got ['slow']"),
        ("part: 3", "f.yaml:1: part: should be a mapping of keys to values, got 3"),
        ("parts: {a: 1}", "f.yaml:1: parts: should be a list, got {'a': 1}"),
        ("a: 1\nsise: 3", "f.yaml:1: unknown key 'a'; allowed: count, factor, loss, mode, name, on, part, parts, size"),
        ("part:\n  name: p\n  sise: 3", "f.yaml:3: unknown key 'part.sise'; did you mean 'size'?"),
        ("PART: 3", "f.yaml:1: unknown key 'PART'; did you mean 'part'?"),
        ("parts:\n- size: 1\n- size: x", "f.yaml:3: parts.1.size: should be a whole number, got 'x'"),
        (
            f"name: {'9' * 90}x y",
            f"f.yaml:1: name: should be letters, digits, '_', '-' and '.', a letter or digit first, got '{'9' * 56}...",
        ),
    ],
)
def test_an_invalid_value_is_told_with_place_key_value_and_what_is_allowed(text, told):
    assert refusal(validate_document, Plan, parse_yaml(text, "f.yaml")) == told


def test_a_missing_key_is_told_where_it_is_missing():
    class Whole(Value):
        part: Part
        needed: Size

    assert refusal(validate_document, Whole, parse_yaml("\npart: {}", "f.yaml")) == "f.yaml:2: missing key 'needed'"


def test_values_are_frozen_and_whole_numbers_serve_as_floats():
    plan = validate_document(Plan, parse_yaml("factor: 2\nsize: 2147483647", "f.yaml"))
    assert (plan.factor, plan.size) == (2.0, 2**31 - 1)
    with pytest.raises(ValueError, match="frozen"):
        plan.size = 3


@pytest.mark.parametrize(
    ("word", "known", "told"),
    [
        ("rowz", ["rows", "cols"], "; did you mean 'rows'?"),
        ("ROWS", ["rows", "Cols"], "; did you mean 'rows'?"),
        ("x", ["rows", "cols"], "; allowed: cols, rows"),
        ("x", [], ""),
        ("x", [f"n{i:02}" for i in range(40)], f"; allowed: {', '.join(f'n{i:02}' for i in range(40))}"),
        (
            "x",
            [f"n{i:02}" for i in range(41)],
            f"; allowed: {', '.join(f'n{i:02}' for i in range(40))}, ... (41 in all)",
        ),
    ],
)
def test_the_nearest_known_word(word, known, told):
    assert suggest(word, known) == told


@pytest.mark.parametrize(
    ("value", "text"), [(None, "null"), (True, "true"), (1, "1"), ("a\nb", r"'a\nb'"), ("x" * 58, f"'{'x' * 58}'")]
)
def test_values_are_shown_on_one_line(value, text):
    assert show_value(value) == text


def test_sizes_from_the_command_line():
    assert parse_sizes({"M": "7", "K": "1_000"}) == [7, 1000]
    for text in ("0", "-1", "1.5", "x", "", "2147483648", "9" * 5000, "1_" * 10 + "1"):
        assert refusal(parse_sizes, {"M": text}).startswith("M: should be a whole number from 1 to 2147483647, got ")
