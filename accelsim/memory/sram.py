"""What the on-chip buffers can hold."""

from __future__ import annotations

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import OperandSrams

NAMES = ("ifmap", "weight", "ofmap")


def fits(sizes: np.ndarray, sram: OperandSrams) -> np.ndarray:
    """Which columns of sizes (bytes of ifmap, weights and ofmap, [3, candidates]) the buffers hold."""
    if sram.shared:
        return np.asarray(sizes.sum(axis=0) <= sram.capacity_bytes)
    return np.asarray((sizes <= np.array(sram.operand_bytes)[:, None]).all(axis=0))


def shortage(sizes: np.ndarray, sram: OperandSrams, what: str) -> UserError:
    """The error for tiles of a product that do not fit; sizes are bytes of the three buffers."""
    if sram.shared:
        needed, held = int(sizes.sum()), sram.capacity_bytes
        return UserError(f"{what} need {needed} bytes, sram.shared holds {held} ({needed - held} short)")
    missing = [
        f"{int(size)} bytes in sram.{name}, which holds {limit} ({int(size) - limit} short)"
        for size, name, limit in zip(sizes, NAMES, sram.operand_bytes, strict=True)
        if size > limit
    ]
    return UserError(f"{what} need {' and '.join(missing)}")
