"""Idle intervals against break-even times: what clock gating, idle detection and foresight save.

A block that is off draws a share of its leakage; going off and on again costs an overhead energy, and coming back
takes a wake-up time. Off for less than its break-even time, overhead over power saved, it costs more than it saves
(Hu et al., Microarchitectural Techniques for Power Gating of Execution Units, ISLPED 2004). pJ = mW x ns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

POLICIES = ("none", "clock", "idle-detect", "oracle")


class Mode(NamedTuple):
    """A way of being off."""

    name: str
    residual_share: float  #: of the power that is left
    wake_ns: float
    overhead_pj: float  #: of going off and on

    def off_mw(self, block: Block) -> float:
        """Power that it spares."""
        return block.leakage_mw * (1 - self.residual_share)

    def break_even_ns(self, block: Block) -> float:
        """Off for so long, it saves as much as it costs."""
        saved = self.off_mw(block)
        return self.overhead_pj / saved if saved > 0 else math.inf


class Block(NamedTuple):
    """What is switched as one: its powers while it idles, when it does, and how it may be off."""

    unit: str  #: that reports add it to
    leakage_mw: float
    clock_mw: float  #: of its registers' clock, if nobody stops it
    idle: np.ndarray  #: float64[n, 2]: when it is idle, from, to; ns
    modes: tuple[Mode, ...]  #: shallow to deep

    @property
    def idle_ns(self) -> np.ndarray:
        """Lengths of its idle intervals, float64[n]."""
        return np.asarray(self.idle[:, 1] - self.idle[:, 0])


class Saving(NamedTuple):
    """What a policy does to blocks."""

    energy_pj: float  #: less than with clocks gated alone; below 0 if it costs
    intervals: int = 0  #: in which a block is off
    added_ns: float = 0.0  #: of waiting until blocks are awake


def save_by_gating(
    blocks: Sequence[Block], policy: str, timeout_ns: float | None = None, awake_mw: float = 0.0
) -> Saving:
    """Of blocks that wake at the same time if they are asked for together. What waits for them draws awake_mw.

    ``none`` lets its clock run, ``clock`` stops that. ``idle-detect`` also takes it off once it has been idle for
    timeout_ns, but not before its break-even time, and for modes that are deeper later; it wakes when it is asked
    for. ``oracle`` knows how long an interval will be, takes it off at once if that pays, and wakes it in time.
    """
    if policy == "none":
        return Saving(0.0 - math.fsum(block.clock_mw * float(block.idle_ns.sum()) for block in blocks))
    if policy == "clock":
        return Saving(0.0)
    if policy == "oracle":
        gains = [_foreseen(block, timeout_ns) for block in blocks]
        return Saving(math.fsum(float(each.sum()) for each in gains), sum(int((each > 0).sum()) for each in gains))
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


def _foreseen(block: Block, timeout_ns: float | None) -> np.ndarray:
    """Energy saved in each interval by who knows its length: the best mode, or what idle detection does, or nothing."""
    best = np.maximum(_detected(block, timeout_ns)[0], 0.0)
    for mode in block.modes:
        off = block.idle_ns - mode.wake_ns
        gains = np.where(off > 0, off * mode.off_mw(block) - mode.overhead_pj, 0.0)
        best = np.maximum(best, np.where(block.idle_ns >= mode.break_even_ns(block), gains, 0.0))
    return np.asarray(best)


def find_timeouts_ns(block: Block, timeout_ns: float | None) -> list[float]:
    """When each mode is entered: not before its break-even time, its wake-up time or the mode before."""
    found: list[float] = []
    for mode in block.modes:
        found.append(max(timeout_ns or 0.0, mode.break_even_ns(block), mode.wake_ns, *found))
    return found


def _detected(block: Block, timeout_ns: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Of each interval under idle detection: energy saved, and the time to wake, below 0 if the block stayed on."""
    idle = block.idle_ns
    saved, woken = np.zeros_like(idle), np.full_like(idle, -1.0)
    entered = find_timeouts_ns(block, timeout_ns)
    ends = [*entered, math.inf][1:]
    for mode, begin, end in zip(block.modes, entered, ends, strict=True):
        if not math.isfinite(begin):
            continue
        inside = idle > begin
        spell = np.where(inside, np.minimum(idle, end) - begin, 0.0)
        saved += spell * mode.off_mw(block) - inside * mode.overhead_pj
        woken = np.where(inside, mode.wake_ns, woken)
    return saved, woken


def find_idle_gaps(busy: np.ndarray, until: float) -> np.ndarray:
    """What is left between intervals of a time that repeats, float64[n, 2]: its end and its begin are one gap.

    busy float64[n, 2], in order and apart.
    """
    if not len(busy):
        return np.array([[0.0, until]] if until > 0 else np.zeros((0, 2)))
    begins = np.append(busy[:-1, 1], busy[-1, 1] - until)
    ends = np.append(busy[1:, 0], busy[0, 0])
    found = np.stack((begins, ends), axis=1)
    return np.asarray(found[found[:, 1] > found[:, 0]])
