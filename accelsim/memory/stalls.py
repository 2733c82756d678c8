"""What a layer waits for: one list of causes for columns, summaries and figures."""

from __future__ import annotations

from enum import StrEnum


class StallCause(StrEnum):
    """A cause of stall cycles; a column of layers.csv is called after it, with ``_cycles`` behind."""

    TILING = "tiling"  #: tiles cut the engine's streams, and each piece fills and drains
    BANK_CONFLICT = "bank_conflict"  #: a bank of a buffer serves so many words a cycle and no more
    FIRST_FILL = "first_fill"  #: the first operands are not there yet
    LOAD_WAIT = "load_wait"  #: operands are not there yet
    REFRESH_WAIT = "refresh_wait"  #: operands are not there yet, since the DRAM refreshes
    STORE_WAIT = "store_wait"  #: a buffer has no room for results yet
    DRAIN = "drain"  #: the engine is done; the last vector work and stores go on


SCHEDULED = (
    StallCause.FIRST_FILL,
    StallCause.LOAD_WAIT,
    StallCause.REFRESH_WAIT,
    StallCause.STORE_WAIT,
    StallCause.DRAIN,
)
"""The causes that the schedule of a stream finds; the others lie inside the engine's own time."""
