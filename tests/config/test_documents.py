"""YAML documents: what a text means, and that every mistake is one line that names its place."""

import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies.documents import is_plain
from strategies.messages import one_line, refusal

from accelsim.config import (
    UserError,
    parse_value,
    parse_yaml,
    read_yaml,
)


def data(text):
    return parse_yaml(text, "f.yaml").data


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
