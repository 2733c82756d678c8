"""Busy intervals of each unit, from which stalls, utilization and power gating are computed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Timeline(NamedTuple):
    """When each unit is busy: half-open intervals [start, end) in engine cycles, int64[n, 2], in order and apart."""

    engine: np.ndarray  #: the matrix engine
    vector: np.ndarray  #: the vector unit
    sram_ifmap: np.ndarray  #: the buffer is filled, or the engine or the vector unit reads it
    sram_weight: np.ndarray
    sram_ofmap: np.ndarray
    dma: np.ndarray  #: from a transfer's request to its end
    dram: np.ndarray  #: from the beginning of a transfer's data, or of the search for it, to its end

    def shift(self, cycles: int) -> Timeline:
        """The same timeline, so many cycles later."""
        return Timeline(*(unit + cycles for unit in self))


def merge_intervals(*intervals: np.ndarray) -> np.ndarray:
    """Merge intervals that may overlap: int64[n, 2], none empty, in order, with touching ones joined.

    Each argument is int64[n, 2].
    """
    busy = np.concatenate(intervals)
    busy = busy[busy[:, 1] > busy[:, 0]]
    if not len(busy):
        return np.zeros((0, 2), np.int64)
    busy = busy[np.argsort(busy[:, 0], kind="stable")]
    ends = np.maximum.accumulate(busy[:, 1])
    apart = busy[1:, 0] > ends[:-1]
    return np.stack((busy[np.concatenate(([True], apart)), 0], ends[np.concatenate((apart, [True]))]), axis=1)


def count_busy(intervals: np.ndarray) -> int:
    """Count the cycles that intervals, int64[n, 2], cover; they do not overlap."""
    return int((intervals[:, 1] - intervals[:, 0]).sum())


def join_timelines(timelines: list[Timeline]) -> Timeline:
    """Join timelines, each of which begins after the one before, into one."""
    if not timelines:
        return Timeline(*(np.zeros((0, 2), np.int64) for _ in Timeline._fields))
    return Timeline(*(np.concatenate(unit) for unit in zip(*timelines, strict=True)))
