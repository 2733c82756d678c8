"""Number formats of operands, and the widths that they and their sums take."""

from __future__ import annotations

from typing import Literal

Precision = Literal["int2", "int4", "int8", "int16", "fp16", "bf16", "fp32"]
BITS: dict[str, int] = {"int2": 2, "int4": 4, "int8": 8, "int16": 16, "fp16": 16, "bf16": 16, "fp32": 32}
ACCUMULATOR_BITS: dict[str, int] = {
    "int2": 32,
    "int4": 32,
    "int8": 32,
    "int16": 64,
    "fp16": 32,
    "bf16": 32,
    "fp32": 32,
}
