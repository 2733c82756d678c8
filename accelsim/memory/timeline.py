"""Busy intervals per unit: what stalls, utilization and later power gating are read from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Timeline(NamedTuple):
    """Half-open intervals [start, end) in engine cycles, int64[n, 2] each, in order and apart from each other."""

    engine: np.ndarray
    vector: np.ndarray
    sram_ifmap: np.ndarray  #: filled, or read by the engine or the lanes
    sram_weight: np.ndarray
    sram_ofmap: np.ndarray
    dma: np.ndarray  #: from a transfer's request to its end
    dram: np.ndarray  #: moves or seeks what a transfer asks for

    def shifted(self, cycles: int) -> Timeline:
        """The same, later."""
        return Timeline(*(unit + cycles for unit in self))


def merge_intervals(*intervals: np.ndarray) -> np.ndarray:
    """The union of intervals, which may overlap: not empty, in order, with touching ones joined."""
    busy = np.concatenate(intervals)
    busy = busy[busy[:, 1] > busy[:, 0]]
    if not len(busy):
        return np.zeros((0, 2), np.int64)
    busy = busy[np.argsort(busy[:, 0], kind="stable")]
    ends = np.maximum.accumulate(busy[:, 1])
    apart = busy[1:, 0] > ends[:-1]
    return np.stack((busy[np.concatenate(([True], apart)), 0], ends[np.concatenate((apart, [True]))]), axis=1)


def count_busy(intervals: np.ndarray) -> int:
    """Cycles that a unit works."""
    return int((intervals[:, 1] - intervals[:, 0]).sum())


def join_timelines(timelines: list[Timeline]) -> Timeline:
    """Timelines one after the other, as one."""
    if not timelines:
        return Timeline(*(np.zeros((0, 2), np.int64) for _ in Timeline._fields))
    return Timeline(*(np.concatenate(unit) for unit in zip(*timelines, strict=True)))
