"""Documents that are merged and changed by settings: places survive, and a wrong setting is shown as it was given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.documents import Plan, is_plain
from strategies.messages import one_line, refusal

from accelsim.config import (
    UserError,
    apply_settings,
    merge_documents,
    parse_yaml,
    validate_document,
)

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
