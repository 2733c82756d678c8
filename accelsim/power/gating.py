"""Power gating: what clock gating, idle detection and an oracle save in the idle intervals of a machine's blocks.

A block that is off draws a share of its leakage. Switching it off and on again costs an overhead energy, and it works
again only after a wake-up time. Its break-even time is the overhead over the power that it saves: off for less, it
costs more than it saves (Hu et al., Microarchitectural Techniques for Power Gating of Execution Units, ISLPED 2004).
pJ = mW x ns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

GatingPolicy = Literal["none", "clock", "idle-detect", "oracle"]
POLICIES: tuple[GatingPolicy, ...] = get_args(GatingPolicy)


class Mode(NamedTuple):
    """A way to switch a block off, such as retention of an SRAM's content or no supply at all."""

    name: str
    residual_share: float  #: share of the block's leakage that is left
    wake_ns: float  #: time until the block works again
    overhead_pj: float  #: energy of switching the block off and on

    def saved_mw(self, block: Block) -> float:
        """Power that the block draws less while it is off."""
        return block.leakage_mw * (1 - self.residual_share)

    def break_even_ns(self, block: Block) -> float:
        """The time for which the block must be off to save as much as switching costs."""
        saved = self.saved_mw(block)
        return self.overhead_pj / saved if saved > 0 else math.inf


class Block(NamedTuple):
    """A part of a machine that is switched as one."""

    unit: str  #: the unit that it is a part of
    leakage_mw: float  #: while it is on
    clock_mw: float  #: power of its registers' clock, unless that is stopped
    idle: np.ndarray  #: float64[intervals, 2]: begin and end of each idle interval, ns
    modes: tuple[Mode, ...]  #: the ways to switch it off, from the shallowest to the deepest

    @property
    def idle_ns(self) -> np.ndarray:
        """Lengths of the idle intervals, float64[intervals], ns."""
        return np.asarray(self.idle[:, 1] - self.idle[:, 0])


class Saving(NamedTuple):
    """What a policy saves and costs."""

    energy_pj: float  #: energy saved, compared with gating the clocks alone; below 0 where a policy costs energy
    intervals: int = 0  #: idle intervals in which a block is off
    added_ns: float = 0.0  #: time that the machine waits for blocks to wake up


def save_by_gating(
    blocks: Sequence[Block], policy: GatingPolicy, timeout_ns: float | None = None, awake_mw: float = 0.0
) -> Saving:
    """Apply a policy to blocks and sum up what it saves.

    ``none`` lets the clocks of idle blocks run, ``clock`` stops them. ``idle-detect`` also switches a block off once it
    has been idle for ``timeout_ns``, but not before its break-even time, and into deeper modes later; the block wakes
    up when it is needed. ``oracle`` knows how long an interval will be, switches the block off at once where that pays,
    and wakes it in time. Blocks that are needed at the same instant wake up together; the machine that waits for them
    draws ``awake_mw``.
    """
    return _POLICIES[policy](blocks, timeout_ns, awake_mw)


def _save_nothing(blocks: Sequence[Block], timeout_ns: float | None, awake_mw: float) -> Saving:
    """Clocks run on in idle blocks."""
    return Saving(0.0 - math.fsum(block.clock_mw * float(block.idle_ns.sum()) for block in blocks))


def _save_clocks(blocks: Sequence[Block], timeout_ns: float | None, awake_mw: float) -> Saving:
    """Clocks stop in idle blocks: what all other policies are compared with."""
    return Saving(0.0)


def _save_with_foresight(blocks: Sequence[Block], timeout_ns: float | None, awake_mw: float) -> Saving:
    """Each interval's length is known beforehand."""
    gains = [_foreseen(block, timeout_ns) for block in blocks]
    return Saving(math.fsum(float(each.sum()) for each in gains), sum(int((each > 0).sum()) for each in gains))


def _save_by_detection(blocks: Sequence[Block], timeout_ns: float | None, awake_mw: float) -> Saving:
    """Blocks go off after a time-out, and what needs them waits until they are awake."""
    saved, intervals = 0.0, 0
    waits: dict[float, float] = {}
    for block in blocks:
        detected, woken_ns = _detected(block, timeout_ns)
        off = woken_ns >= 0
        saved, intervals = saved + float(detected.sum()), intervals + int(off.sum())
        for instant, wake in zip(block.idle[off, 1].tolist(), woken_ns[off].tolist(), strict=True):
            waits[instant] = max(wake, waits.get(instant, 0.0))
    added = math.fsum(waits.values())
    return Saving(saved - added * awake_mw, intervals, added)


_POLICIES: Mapping[GatingPolicy, Callable[[Sequence[Block], float | None, float], Saving]] = {
    "none": _save_nothing,
    "clock": _save_clocks,
    "idle-detect": _save_by_detection,
    "oracle": _save_with_foresight,
}


def _foreseen(block: Block, timeout_ns: float | None) -> np.ndarray:
    """Energy in pJ that the best choice saves in each interval, float64[intervals]: a mode, idle detection, or 0."""
    best = np.maximum(_detected(block, timeout_ns)[0], 0.0)
    for mode in block.modes:
        off = block.idle_ns - mode.wake_ns
        gains = np.where(off > 0, off * mode.saved_mw(block) - mode.overhead_pj, 0.0)
        best = np.maximum(best, np.where(block.idle_ns >= mode.break_even_ns(block), gains, 0.0))
    return np.asarray(best)


def find_timeouts_ns(block: Block, timeout_ns: float | None) -> list[float]:
    """Find the idle time in ns after which idle detection enters each mode of a block.

    It is ``timeout_ns``, but at least the mode's break-even time, its wake-up time and the time of the mode before.
    """
    found: list[float] = []
    for mode in block.modes:
        found.append(max(timeout_ns or 0.0, mode.break_even_ns(block), mode.wake_ns, *found))
    return found


def _detected(block: Block, timeout_ns: float | None) -> tuple[np.ndarray, np.ndarray]:
    """What idle detection does in each interval: energy saved, pJ, and time to wake up, ns; both float64[intervals].

    The time to wake up is -1 where the block stays on.
    """
    idle = block.idle_ns
    saved, woken = np.zeros_like(idle), np.full_like(idle, -1.0)
    entered = find_timeouts_ns(block, timeout_ns)
    ends = [*entered, math.inf][1:]
    for mode, begin, end in zip(block.modes, entered, ends, strict=True):
        if not math.isfinite(begin):
            continue
        inside = idle > begin
        spell = np.where(inside, np.minimum(idle, end) - begin, 0.0)
        saved += spell * mode.saved_mw(block) - inside * mode.overhead_pj
        woken = np.where(inside, mode.wake_ns, woken)
    return saved, woken


def find_idle_gaps(busy: np.ndarray, until: float) -> np.ndarray:
    """Find the gaps between busy intervals of a period that repeats: float64[gaps, 2], begin and end.

    ``busy`` is float64[intervals, 2], in order and apart, in the unit of ``until``, the end of the period. The gap
    around that end is one interval, which begins before 0.
    """
    if not len(busy):
        return np.array([[0.0, until]] if until > 0 else np.zeros((0, 2)))
    begins = np.append(busy[:-1, 1], busy[-1, 1] - until)
    ends = np.append(busy[1:, 0], busy[0, 0])
    found = np.stack((begins, ends), axis=1)
    return np.asarray(found[found[:, 1] > found[:, 0]])
