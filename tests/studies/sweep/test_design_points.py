"""Points of a design: distinct, seeded, and in the end all of them."""

import pytest
from strategies.sweeps import points


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_samples_are_distinct_seeded_and_in_the_end_complete(method):
    axes = {"engine.rows": {"from": 1, "to": 9}, "engine.cols": [4, 8, 12], "engine.dataflow": ["os", "ws", "is"]}
    drawn = [point.values for point in points(axes, method=method, points=50, seed=7)]
    assert len(set(drawn)) == len(drawn) == 50
    assert drawn == [point.values for point in points(axes, method=method, points=50, seed=7)]
    assert drawn != [point.values for point in points(axes, method=method, points=50, seed=8)]
    assert len({point.values for point in points(axes, method=method, points=81, seed=7)}) == 81
    kept = points(axes, method=method, points=40, constraints=["engine.rows * engine.cols < 40"])
    assert all(rows * cols < 40 for rows, cols, _ in (point.values for point in kept))
