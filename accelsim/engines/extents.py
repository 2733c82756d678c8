"""Cutting one dimension of a product into equal parts and a remainder."""

from __future__ import annotations

from typing import NamedTuple


class Extent(NamedTuple):
    """Equally long parts that follow one another along one dimension."""

    used: int  #: elements in each part
    repeat: int  #: number of such parts
    last: int  #: position of the last of them among all parts, from 0


def cut_extents(size: int, part: int) -> list[Extent]:
    """Cut ``size`` elements into parts of ``part`` elements: the full parts first, then the remainder if any."""
    full, rest = divmod(size, part)
    return [e for e in (Extent(part, full, full - 1), Extent(rest, 1, full)) if e.used and e.repeat]
