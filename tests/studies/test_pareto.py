"""Pareto fronts."""

import random


def test_fronts_hold_what_no_other_point_beats():
    from accelsim.studies.pareto import find_fronts

    source = random.Random(1)
    records = [
        {"workload": source.choice("ab"), "x": source.randrange(12), "y": source.randrange(12)} for _ in range(200)
    ]

    def beaten(point):
        rivals = [other for other in records if other["workload"] == point["workload"]]
        return any(
            o["x"] <= point["x"] and o["y"] <= point["y"] and (o["x"], o["y"]) != (point["x"], point["y"])
            for o in rivals
        )

    for workload, front in find_fronts(records, "x", "y").items():
        wanted = [point for point in records if point["workload"] == workload and not beaten(point)]
        assert sorted(front, key=lambda p: p["x"]) == front
        assert sorted(map(str, front)) == sorted(map(str, wanted))
