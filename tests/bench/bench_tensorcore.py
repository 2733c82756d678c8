"""Speed of tensor cores: real MACs a second stepped on one thread, and seconds to count by formula.

Run with ``pytest tests/bench/bench_tensorcore.py``; the default run does not collect it.
"""

import numpy as np
import pytest

from accelsim.compress import prune_to_pattern
from accelsim.engines.tensorcore import TensorCoreEngine
from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import load_hardware
from accelsim.workload.gemm import Gemm


@pytest.mark.parametrize("name", ["sparseloop_stc", "edge_sparse_npu", "a100_sm"])
@pytest.mark.parametrize("pattern", ["dense", "2:4", "1:4"])
def test_step(benchmark, name, pattern):
    """Multiplications that are executed; zeros that the pattern leaves out do not count."""
    engine = TensorCoreEngine(load_hardware(name, ["engine.precision=int8"]).engine)
    gemm = Gemm(2048, 1152, 512, pattern=parse_pattern(pattern))
    rng = np.random.default_rng(0)
    a, w = (rng.integers(-128, 128, shape, np.int8) for shape in ((1, gemm.m, gemm.k), (1, gemm.k, gemm.n)))
    operands = gemm, a, prune_to_pattern(w, gemm.pattern) if gemm.pattern else w
    _, counts = benchmark.pedantic(engine.step, operands, rounds=10, warmup_rounds=1)
    real = counts.macs - counts.skipped_macs
    benchmark.extra_info["macs_per_s"] = f"{real / benchmark.stats.stats.min:.3g}"


@pytest.mark.parametrize("name", ["edge_sparse_npu", "a100"])
def test_count(benchmark, name):
    """A product of 16384 x 16384 x 16384."""
    benchmark(
        TensorCoreEngine(load_hardware(name).engine).count, Gemm(2**14, 2**14, 2**14, pattern=parse_pattern("2:4"))
    )
