"""Configuration files: what YAML text means, and that every mistake is one line that names its place."""

import math
import time
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field
from strategies.messages import one_line, refusal

from accelsim.config import (
    Count,
    Name,
    NonNegative,
    Positive,
    Size,
    UserError,
    Value,
    apply_settings,
    merge_documents,
    parse_sizes,
    parse_value,
    parse_yaml,
    read_yaml,
    show_value,
    suggest,
    validate_document,
)


class Part(Value):
    name: Name = "part"
    size: Size = 1
    gap: Count = 0


class Plan(Value):
    """One of each kind of field."""

    name: Name = "plan"
    size: Size = 1
    count: Count = 0
    factor: Positive = 1.0
    loss: NonNegative = 0.0
    mode: Literal["fast", "slow"] = "fast"
    on: bool = False
    part: Part = Part()
    parts: list[Part] = Field(default_factory=list)


def data(text):
    return parse_yaml(text, "f.yaml").data


# scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2:4", "2:4"),
        ("1:30", "1:30"),
        ("010", 10),
        ("-7", -7),
        ("1_000", 1000),
        ("0x10F", 271),
        ("1e9", 1e9),
        ("1E-3", 1e-3),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.e3", 1e3),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'16'", "16"),
        ('"null"', "null"),
        ("2024-01-01", "2024-01-01"),
        ("1.2.3", "1.2.3"),
        ("e9", "e9"),
        (".", "."),
        ("\u0661\u0662", "\u0661\u0662"),
        ("[1, 2:4, {a: yes}]", [1, "2:4", {"a": "yes"}]),
        ("|\n  12\n", "12\n"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("+.inf", math.inf),
        ("1e999", math.inf),
        ("9" * 100, int("9" * 100)),
        ("9" * 5000, "9" * 5000),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    got = parse_value(text, "value")
    assert (type(got), got) == (type(value), value)


def test_not_a_number():
    assert math.isnan(parse_value(".nan", "value"))


@pytest.mark.parametrize(
    "text", ["a: 1\nb: x\n", "a: 1\r\nb: x\r\n", "a: 1\rb: x\r", "\ufeffa: 1\nb: x", "--- {a: 1, b: x}", "a: 1\nb:\tx"]
)
def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path, text):
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode())
    assert read_yaml(path).data == {"a": 1, "b": "x"}


# what is refused, and how it is told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "f.yaml: is empty; expected a mapping of keys to values"),
        ("# nothing\n", "f.yaml: is empty; expected a mapping of keys to values"),
        ("- 1", "f.yaml:1: expected a mapping of keys to values at the top level"),
        ("# c\nhello", "f.yaml:2: expected a mapping of keys to values at the top level"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3: duplicate key 'a'"),
        ("b:\n  - {a: 1,\n     a: 2}", "f.yaml:3: duplicate key 'a'"),
        ('"a\\nb": 1\n"a\\nb": 2', "f.yaml:2: duplicate key 'a\\nb'"),
        ("a: 1\n2: 3", "f.yaml:2: keys are text, got 2"),
        ("true: 3", "f.yaml:1: keys are text, got true"),
        ("? [x]\n: 1", "f.yaml:1: keys are text, got a sequence"),
        ("a: &x 1\nb: *x", "f.yaml:2: aliases (*x) are not accepted; write the value out"),
        ("a:\n  b: !!python/name:os.system", "f.yaml:2: tags (tag:yaml.org,2002:python/name:os.system) are not"),
        ("a: !!str 1", "f.yaml:1: tags (tag:yaml.org,2002:str) are not accepted; plain values only"),
        ("a: ! 1", "f.yaml:1: tags (!) are not accepted; plain values only"),
        ("a: 1\nb: [1, 2", "f.yaml:3: not valid YAML: while parsing a flow sequence, did not find expected"),
        ("a: 1\n---\nb: 2", "f.yaml:2: not valid YAML: expected a single document in the stream, but found another"),
        ("a: 1\n  b: 2", "f.yaml:2: not valid YAML: mapping values are not allowed"),
        ("a:\n\tb: 1", "token; indent with spaces"),
        ("a: é\nb: \0", "f.yaml:2: not valid YAML: the character U+0000 is not allowed"),
        ("a: \ud800", "f.yaml:1: not valid YAML: the character U+D800 is not allowed"),
        ("a: " + "[" * 33, "f.yaml:1: nested deeper than 32 levels"),
    ],
)
def test_a_malformed_text_is_told_with_its_line(text, told):
    assert told in refusal(parse_yaml, text, "f.yaml")


BOMB = "a: &a [x, x]\n" + "".join(f"{y}: &{y} [{', '.join([f'*{x}'] * 9)}]\n" for x, y in zip("abcdef", "bcdefg"))  # noqa: B905


@pytest.mark.parametrize(
    "text", [c * 100_000 for c in ("[", "{", "- ", "? ", "a: [\n", "[[]],")] + [BOMB], ids=lambda text: text[:5].strip()
)
def test_what_would_explode_is_refused_at_once(text):
    start = time.perf_counter()
    refusal(parse_yaml, text, "f.yaml")
    assert time.perf_counter() - start < 0.5


def test_thirty_two_levels_are_not_too_deep():
    assert data("a: " + "[" * 31 + "]" * 31)["a"][0]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.yaml", None, "none.yaml: cannot be read: no such file or directory"),
        (".", None, ": cannot be read: is a directory"),
        ("nul\0.yaml", None, "nul\\x00.yaml: cannot be read: embedded null byte"),
        ("latin.yaml", "a: 1\nb: é".encode("latin-1"), "latin.yaml:2: is not UTF-8 text (byte 0xe9)"),
        ("wide.yaml", "a: 1".encode("utf-16"), "wide.yaml:1: is not UTF-8 text"),
        ("big.yaml", b"#" * (4 << 20) + b"\n", "big.yaml: larger than 4 MiB; configuration files are small"),
        ("line\nbreak.yaml", b"", "line\\nbreak.yaml: is empty"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, name, content, told):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert told in refusal(read_yaml, path)


def test_four_mib_are_not_too_much(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\n#".ljust(4 << 20, b"-"))
    assert read_yaml(path).data == {"a": 1}


def is_plain(value):
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


YAML_PIECES = st.lists(
    st.sampled_from(
        [*"-?:,[]{}#&*!|>'\"%@`<=~ \t\n\r", "a", "b: ", "- ", "\n  ", "\u2028", "\ud800", "\x85", "0x", "1e"]
    )
)


@given(st.one_of(st.text(st.characters()), YAML_PIECES.map("".join), st.binary().map(lambda b: b.decode("latin-1"))))
@example("a: b\u2028\t[")
@example("\r\r\r\t:")
def test_any_text_is_plain_data_or_a_one_line_refusal(text):
    try:
        document = parse_yaml(text, "f.yaml")
    except UserError as error:
        message = one_line(error)
    else:
        assert type(document.data) is dict
        assert is_plain(document.data)
        message = f"{document.place(())}:"
    assert message.startswith("f.yaml:")


# validation


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


# merging and settings

BASE = parse_yaml("name: base\npart:\n  size: 2\n  gap: 3\nparts:\n- {name: a, size: 1}\n- {name: b}\n", "base.yaml")


@pytest.mark.parametrize(
    ("low", "high", "merged"),
    [
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        ("a: {x: 1, y: 2}", "a: {y: 3}", {"a": {"x": 1, "y": 3}}),
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: {x: 1}", "a: 3", {"a": 3}),
        ("a: 3", "a: {x: 1}", {"a": {"x": 1}}),
        ("a: {x: 1}", "a: null", {"a": None}),
        ("a: {kind: p, x: 1}", "a: {x: 2}", {"a": {"kind": "p", "x": 2}}),
        ("a: {kind: p, x: 1}", "a: {kind: p, y: 2}", {"a": {"kind": "p", "x": 1, "y": 2}}),
        ("a: {kind: p, x: 1}", "a: {kind: q, y: 2}", {"a": {"kind": "q", "y": 2}}),
    ],
)
def test_mappings_merge_and_everything_else_replaces(low, high, merged):
    base = parse_yaml(low, "low.yaml")
    before = repr(base)
    assert merge_documents(base, parse_yaml(high, "high.yaml")).data == merged
    assert repr(base) == before


def test_places_survive_merging():
    over = parse_yaml("\npart: {gap: -1}\nparts: []", "over.yaml")
    both = merge_documents(BASE, over)
    assert (both.place(("part", "size")), both.place(("part", "gap"))) == ("base.yaml:3", "over.yaml:2")
    assert both.place(("parts", 0, "name")) == "over.yaml:3"
    assert refusal(validate_document, Plan, both).startswith("over.yaml:2: part.gap: should be ")
    bad = parse_yaml("part: {size: 0}", "base.yaml")
    assert refusal(validate_document, Plan, merge_documents(bad, over)).startswith("base.yaml:1: part.size: should be ")


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("size=16", ("size",), 16),
        ("size= 16", ("size",), 16),
        ("part.size=4", ("part", "size"), 4),
        ("parts.1.size=5", ("parts", 1, "size"), 5),
        ("parts.b.size=5", ("parts", 1, "size"), 5),
        ("parts.a={name: c}", ("parts", 0), {"name": "c"}),
        ("parts=[{name: c}]", ("parts",), [{"name": "c"}]),
        ("part={size: 9}", ("part",), {"size": 9}),
        ("new.deep.key=2:4", ("new", "deep", "key"), "2:4"),
        ("name=a=b", ("name",), "a=b"),
        ("part=", ("part",), None),
    ],
)
def test_a_setting_changes_one_value_and_leaves_the_document_alone(setting, path, value):
    before = repr(BASE)
    changed = apply_settings(BASE, [setting])
    here = changed.data
    for step in path:
        here = here[step]
    assert here == value
    assert changed.place(path) == f"--set {setting}"
    assert changed.place(("part", "gap")) == ("base.yaml:4" if path != ("part",) else f"--set {setting}")
    assert repr(BASE) == before


def test_settings_apply_in_order():
    assert apply_settings(BASE, ["part=null", "part.size=7", "part.size=8"]).data["part"] == {"size": 8}


NAMELESS = "--set parts.{0}.size=1: '{0}' is no item's name, nor its number (below 2)"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("size", "--set size: expected PATH=VALUE, for example engine.rows=16"),
        ("=1", "--set =1: expected PATH=VALUE, for example engine.rows=16"),
        ("part..size=1", "--set part..size=1: expected PATH=VALUE, for example engine.rows=16"),
        ("", "--set : expected PATH=VALUE, for example engine.rows=16"),
        ("name.x=1", "--set name.x=1: name is a value, not a section"),
        ("parts.b.name.x=1", "--set parts.b.name.x=1: parts.1.name is a value, not a section"),
        *((f"parts.{key}.size=1", f"{NAMELESS.format(key)}; allowed: a, b") for key in ("c", "2", "-1", "²", "\u0660")),
        ("size=[1", "--set size=[1: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        ("size=*x", "--set size=*x: aliases (*x) are not accepted; write the value out"),
        ("size=1\nx: 2", "--set size=1\\nx: 2: not valid YAML: mapping values are not allowed in this context"),
        ("size={a: 1, a: 2}", "--set size={a: 1, a: 2}: duplicate key 'a'"),
        ("size=\ud800", "--set size=\\ud800: not valid YAML: the character U+D800 is not allowed"),
        ("size=0", "--set size=0: size: should be greater than 0, got 0"),
        ("sise=1", "--set sise=1: unknown key 'sise'; did you mean 'size'?"),
        ("prat.size=1", "--set prat.size=1: unknown key 'prat'; did you mean 'part'?"),
        ("part.prat.x=1", "--set part.prat.x=1: unknown key 'part.prat'; allowed: gap, name, size"),
        ("parts.a.size=x", "--set parts.a.size=x: parts.0.size: should be a whole number, got 'x'"),
        ("part=[1]", "--set part=[1]: part: should be a mapping of keys to values, got [1]"),
        (
            "size=" + "9" * 90,
            f"--set size={'9' * 90}: size: should be less than or equal to 2147483647, got {'9' * 57}...",
        ),
        ("size=" + "9" * 5000, f"--set size={'9' * 92}...: size: should be a whole number, got '{'9' * 56}..."),
    ],
)
def test_a_wrong_setting_is_told_as_it_was_given(setting, told):
    assert refusal(lambda: validate_document(Plan, apply_settings(BASE, [setting]))) == told


def test_a_list_is_reached_by_names_only_where_they_are_text():
    odd = parse_yaml("parts: [{name: 3}, {name: b}, 7]", "f.yaml")
    assert apply_settings(odd, ["parts.2=8"]).data["parts"][2] == 8
    assert refusal(apply_settings, odd, ["parts.c.size=1"]).endswith("(below 3); allowed: b")
    assert refusal(apply_settings, odd, [f"parts.{'9' * 5000}.x=1"]).endswith("(below 3); allowed: b")


@given(st.text(st.characters(), min_size=1), st.text(st.characters()))
def test_any_setting_is_taken_or_refused_in_one_line(path, text):
    try:
        result = apply_settings(BASE, [f"{path}={text}"]).data
    except UserError as error:
        result = one_line(error)
    assert is_plain(result)
