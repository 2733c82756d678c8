"""DRAM devices, requests and cycles a second on one thread: pytest tests/bench/bench_dram.py."""

import numpy as np
import pytest

from accelsim.load import load_device
from accelsim.memory.device_run import run_trace
from accelsim.memory.trace_patterns import TracePattern, generate_trace

REQUESTS = 400_000
TARGETS = {("stream", "cycle"): 3e6, ("random", "cycle"): 0.9e6, ("stream", "transaction"): 5e6}  # a second, DDR4


def pieces(**values):
    return list(generate_trace(TracePattern(**values)))


@pytest.mark.parametrize("fidelity", ["cycle", "transaction"])
@pytest.mark.parametrize("pattern", ["stream", "random", "copies", "tiles"])
def test_ddr4(benchmark, pattern, fidelity):
    device = load_device("ddr4_2400_8gb_x8")
    trace = pieces(pattern=pattern, requests=REQUESTS, span_bytes=2**33)
    benchmark.pedantic(run_trace, (device, trace, fidelity), rounds=5, warmup_rounds=1)
    benchmark.extra_info["requests/s"] = f"{REQUESTS / benchmark.stats['min']:.3g}"
    benchmark.extra_info["target"] = TARGETS.get((pattern, fidelity))


@pytest.mark.parametrize("fidelity", ["cycle", "transaction"])
def test_sparse(benchmark, fidelity):
    device = load_device("ddr4_2400_8gb_x8")
    trace = pieces(pattern="random", requests=20_000, span_bytes=2**33, every_cycles=10_000)
    run = benchmark.pedantic(run_trace, (device, trace, fidelity), rounds=5, warmup_rounds=1)
    benchmark.extra_info["cycles/s"] = f"{run.total_cycles / benchmark.stats['min']:.3g}"
    benchmark.extra_info["target"] = 1e8
    assert np.isfinite(run.energy_pj)
