"""What the on-chip buffers can hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import OperandSrams

BUFFER_NAMES = ("ifmap", "weight", "ofmap")


class Room(NamedTuple):
    """Bytes that the buffers have for a layer, beside what stays on chip for other layers."""

    operands: tuple[int, int, int]  #: for ifmap, weights and ofmap; of a shared buffer a third each
    shared: int | None = None  #: for all three together, where they share one buffer


def describe_room(sram: OperandSrams) -> Room:
    """Describe the room of buffers that hold nothing else."""
    return Room(sram.operand_bytes, sram.capacity_bytes if sram.shared else None)


def split_room(nbytes: int) -> Room:
    """Split a number of bytes of a shared buffer into the room of its three operands."""
    return Room((nbytes // 3,) * 3, nbytes)


def fits(sizes: np.ndarray, room: Room) -> np.ndarray:
    """Whether a room holds each candidate's tiles: bool[candidates].

    ``sizes`` are bytes of ifmap, weights and ofmap, int64[3, candidates].
    """
    if room.shared is not None:
        return np.asarray(sizes.sum(axis=0) <= room.shared)
    return np.asarray((sizes <= np.array(room.operands)[:, None]).all(axis=0))


def explain_shortage(sizes: np.ndarray, room: Room, what: str) -> UserError:
    """Make the error for tiles that a room does not hold.

    ``sizes`` are bytes of ifmap, weights and ofmap, int64[3]; ``what`` is what needs them, in words.
    """
    if room.shared is not None:
        needed, held = int(sizes.sum()), room.shared
        return UserError(f"{what} need {needed} bytes, sram.shared holds {held} ({needed - held} short)")
    missing = [
        f"{int(size)} bytes in sram.{name}, which holds {limit} ({int(size) - limit} short)"
        for size, name, limit in zip(sizes, BUFFER_NAMES, room.operands, strict=True)
        if size > limit
    ]
    return UserError(f"{what} need {' and '.join(missing)}")
