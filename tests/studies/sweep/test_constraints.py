"""Constraints: they mean what they say, stay small, and are nothing else than that."""

import pytest

from accelsim import UserError
from accelsim.studies.sweep.constraints import parse_constraint

VALUES = {"a.rows": 8, "a.cols": 4, "kind": "ws", "on": True, "x": 2.5}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a.rows * a.cols <= 32", True),
        ("a.rows // 3 == 2 and not a.cols > 4", True),
        ("1 < a.cols < 4", False),
        ("kind == 'ws' or x > 3", True),
        ('kind != "ws"', False),
        ("on", True),
        ("on == true", True),
        ("-x + 2 ** 3 - 7 % 4 >= 2.5", True),
        ("(a.rows + 0.5) / 2 > a.cols", True),
        ("not on", False),
    ],
)
def test_constraints_mean_what_they_say(text, holds):
    assert parse_constraint(text).holds(VALUES) is holds


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.rows.__class__ == 1",
        "_x > 1",
        "len(kind) > 1",
        "[1] == [1]",
        "(lambda: 1)()",
        "kind[0] == 'w'",
        "{1} == {1}",
        "x if on else x",
        "f'{x}' == 'a'",
        "x := 3",
        "x in kind",
        "a is a",
        "x & 1 == 1",
        "~a.rows == 1",
        "a.rows",
        "'ws'",
        "x > ",
        "",
        "1",
        "x = 1",
        "...",
        "a.rows @ 2 > 1",
        "(" * 300 + "1" + ")" * 300,
        "x" * 2000,
        "x > 1j",
        "await x",
        "*x",
        "a;b",
        "x\n> 1\nx",
    ],
)
def test_nothing_else_is_a_constraint(text):
    with pytest.raises(UserError):
        parse_constraint(text).holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9 > 1",
        "x / 0 > 1",
        "kind < 3",
        "kind * 2 == 'wsws'",
        "a.rows % 0 == 1",
        "10.0 ** 999 > 1",
        "(-8) ** 0.5 > 1",
        "on + 1 == 2",
    ],
)
def test_constraints_stay_small_and_finite(text):
    with pytest.raises(UserError, match="|".join(("too large", "zero", "number", "range", "real"))):
        parse_constraint(text).holds(VALUES)
