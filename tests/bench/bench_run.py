"""Whole networks in closed form and stepped, and the parts that a sweep repeats: pytest tests/bench/bench_run.py."""

import pytest

import accelsim
from accelsim.mapping import find


@pytest.mark.parametrize("network", ["mobilenet_v2", "resnet50", "bert_base_s128"])
def test_closed(benchmark, network):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload(network)
    benchmark(accelsim.simulate, hardware, workload)


@pytest.mark.parametrize("network", ["mobilenet_v2", "resnet50"])
def test_mapper_cold(benchmark, network):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload(network)
    benchmark.pedantic(accelsim.simulate, (hardware, workload), setup=find.cache_clear, rounds=10)


def test_resnet18_stepped(benchmark):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload("resnet18")
    result = benchmark.pedantic(accelsim.simulate, (hardware, workload, "stepped"), rounds=5, warmup_rounds=1)
    benchmark.extra_info["PE-cycles"] = result.summary["compute_cycles"] * hardware.engine.pes
    assert result.summary["verified"]


def test_load(benchmark):
    benchmark(accelsim.load_workload, "bert_base_s128")
