"""Arithmetic of whole numbers that every room but the kernels shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np


@overload
def ceil_div(a: int, b: int) -> int: ...


@overload
def ceil_div(a: np.ndarray, b: int | np.ndarray) -> np.ndarray: ...


@overload
def ceil_div(a: int, b: np.ndarray) -> np.ndarray: ...


def ceil_div(a: Any, b: Any) -> Any:
    """Divide whole numbers and round up: the least integer that is not below a / b.

    a and b are integers, or integer arrays that broadcast; then the result is an array of the same integer type.
    b is above 0.
    """
    return -(-a // b)
