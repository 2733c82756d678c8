"""Values of every kind of field, and what plain data are."""

from typing import Literal

from pydantic import Field

from accelsim.config import (
    Count,
    Name,
    NonNegative,
    Positive,
    Size,
    Value,
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


def is_plain(value):
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)
