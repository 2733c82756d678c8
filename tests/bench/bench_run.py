"""Whole networks in closed form and stepped, and the parts that a sweep repeats: pytest tests/bench/bench_run.py."""

import resource
import subprocess
import sys

import pytest

import accelsim
from accelsim.engines.table import build_engine
from accelsim.mapping.search import start_search
from accelsim.memory.bank_conflicts import _histogram, count_conflict_cycles


@pytest.mark.parametrize("network", ["mobilenet_v2", "resnet50", "bert_base_s128"])
def test_closed(benchmark, network):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload(network)
    benchmark(accelsim.simulate, hardware, workload, dram="ideal")


@pytest.mark.parametrize("fidelity", ["transaction", "cycle"])
def test_with_the_memory_simulated(benchmark, fidelity):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload("resnet50")
    benchmark.pedantic(accelsim.simulate, (hardware, workload, "closed", fidelity), rounds=5, warmup_rounds=1)


def test_memory_of_a_run(benchmark):
    """Peak memory of a process that runs ResNet50 with every command of its DRAM; the time is the whole process's."""
    command = [sys.executable, "-m", "accelsim", "run", "resnet50", "--dram", "cycle", "--json"]
    benchmark.pedantic(
        subprocess.run, (command,), {"stdout": subprocess.DEVNULL, "check": True}, rounds=3, warmup_rounds=1
    )
    benchmark.extra_info["peak_mib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


@pytest.mark.parametrize("network", ["mobilenet_v2", "resnet50"])
def test_mapper_cold(benchmark, network):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload(network)
    arguments = (hardware, workload, "closed", "ideal")
    benchmark.pedantic(accelsim.simulate, arguments, setup=start_search.cache_clear, rounds=10)


def test_resnet18_stepped(benchmark):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload("resnet18")
    result = benchmark.pedantic(accelsim.simulate, (hardware, workload, "stepped"), rounds=5, warmup_rounds=1)
    benchmark.extra_info["PE-cycles"] = result.summary["compute_cycles"] * build_engine(hardware.engine).pes
    assert result.summary["verified"]


@pytest.mark.parametrize("layout", ["channels_last", "rows"])
def test_banks_looked_at(benchmark, layout):
    hardware = accelsim.load_hardware("edge_npu", [f"sram.ifmap.layout={layout}"])
    workload = accelsim.load_workload("resnet50")

    def forget():
        count_conflict_cycles.cache_clear()
        _histogram.cache_clear()

    benchmark.pedantic(accelsim.simulate, (hardware, workload, "closed", "ideal"), setup=forget, rounds=5)


def test_dvfs_of_mobilenet_v2(benchmark):
    """Eight operating points, each with every command of its DRAM, and a point for each layer."""
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload("mobilenet_v2")
    benchmark.pedantic(accelsim.dvfs, (hardware, workload, 10.0), rounds=3, warmup_rounds=1)


def test_gating_of_mobilenet_v2(benchmark):
    hardware, workload = accelsim.load_hardware("edge_npu"), accelsim.load_workload("mobilenet_v2")
    benchmark.pedantic(accelsim.gate, (hardware, workload), rounds=3, warmup_rounds=1)


def test_load(benchmark):
    benchmark(accelsim.load_workload, "bert_base_s128")
