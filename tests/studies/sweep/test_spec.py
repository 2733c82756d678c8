"""Sweep files: ranges, and mistakes of one line with their place."""

from accelsim.studies.sweep.spec import read_study


def test_ranges():
    def values(axis, name="engine.rows"):
        data = {"hardware": "edge_npu", "workload": "resnet8", "parameters": {name: axis}}
        return read_study(data).axes[name]

    assert values({"from": 16, "to": 512, "scale": "log2"}) == [16, 32, 64, 128, 256, 512]
    assert values({"from": 1, "to": 4}) == [1, 2, 3, 4]
    assert values({"from": 4, "to": 20, "step": 8}) == [4, 12, 20]
    assert values({"from": 16, "to": 64, "scale": "log2", "count": 5}) == [16, 23, 32, 45, 64]
    assert values({"from": 1, "to": 10, "scale": "log10", "count": 3}, "dram.bandwidth_gb_s") == [1, 3.16227766017, 10]
    assert values({"from": 1.6, "to": 2.4, "step": 0.4}, "dram.bandwidth_gb_s") == [1.6, 2, 2.4]
    assert values([8, 16, 8]) == [8, 16]
