"""Sobol's sequence: points that fill a cube evenly, however many are taken.

Direction numbers: S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections",
SIAM J. Sci. Comput. 30 (2008), file new-joe-kuo-6.21201, its first 21 dimensions. The table is small enough to carry;
scipy, which has it as well, is no dependency.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

SOBOL_BITS = 32

# degree and coefficients of the primitive polynomial, initial direction numbers; from the second dimension on
_JOE_KUO = (
    (1, 0, (1,)),
    (2, 1, (1, 3)),
    (3, 1, (1, 3, 1)),
    (3, 2, (1, 1, 1)),
    (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)),
    (5, 4, (1, 1, 5, 5, 5)),
    (5, 7, (1, 1, 7, 11, 19)),
    (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)),
    (5, 14, (1, 3, 5, 5, 31)),
    (6, 1, (1, 3, 3, 9, 7, 49)),
    (6, 13, (1, 1, 1, 15, 21, 21)),
    (6, 16, (1, 3, 1, 13, 27, 49)),
    (6, 19, (1, 1, 1, 15, 7, 5)),
    (6, 22, (1, 3, 1, 15, 13, 25)),
    (6, 25, (1, 1, 5, 5, 19, 61)),
    (7, 1, (1, 3, 7, 11, 23, 15, 103)),
    (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)
DIMENSIONS = len(_JOE_KUO) + 1  #: the most that the table has


def find_direction_numbers(dimension: int) -> list[int]:
    """Compute the 32 direction numbers of one dimension (from 0) as 32-bit fractions of 1."""
    if dimension == 0:
        return [1 << (SOBOL_BITS - 1 - bit) for bit in range(SOBOL_BITS)]
    degree, coefficients, initial = _JOE_KUO[dimension - 1]
    numbers = [m << (SOBOL_BITS - 1 - bit) for bit, m in enumerate(initial)]
    for bit in range(degree, SOBOL_BITS):
        number = numbers[bit - degree] ^ (numbers[bit - degree] >> degree)
        for k in range(1, degree):
            if coefficients >> (degree - 1 - k) & 1:
                number ^= numbers[bit - k]
        numbers.append(number)
    return numbers


def generate_sobol(dimensions: int, seed: int = 0) -> Iterator[list[int]]:
    """Generate points of a cube, each coordinate a 32-bit fraction of 1, in Gray-code order.

    ``dimensions`` is at most DIMENSIONS. A seed other than 0 flips the same random bits in all points.
    """
    columns = [find_direction_numbers(dimension) for dimension in range(dimensions)]
    source = random.Random(seed)
    point = [source.getrandbits(SOBOL_BITS) if seed else 0 for _ in columns]
    for index in range(2**SOBOL_BITS - 1):
        yield list(point)
        bit = (~index & (index + 1)).bit_length() - 1
        point = [value ^ column[bit] for value, column in zip(point, columns, strict=True)]
