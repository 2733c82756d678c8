"""Timelines: intervals that are merged and joined."""

import numpy as np
import pytest

from accelsim.memory.timeline import Timeline, count_busy, join_timelines, merge_intervals


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([[0, 0]], []),
        ([[3, 5], [0, 3]], [[0, 5]]),
        ([[0, 2], [4, 6], [2, 2]], [[0, 2], [4, 6]]),
    ],
)
def test_merged(intervals, expected):
    assert merge_intervals(np.array(intervals)).tolist() == expected


def test_timelines_follow_one_another():
    one = Timeline(*(np.array([[0, 4]]) for _ in Timeline._fields))
    both = join_timelines([one, one.shift(10)])
    assert both.engine.tolist() == [[0, 4], [10, 14]]
    assert count_busy(both.dram) == 8


def test_units_that_overlap_are_merged():
    pieces = np.array([[5, 9], [0, 2], [3, 3]]), np.array([[1, 4], [6, 7], [9, 12]])
    assert merge_intervals(*pieces).tolist() == [[0, 4], [5, 12]]
    assert merge_intervals(pieces[0][2:]).tolist() == []
