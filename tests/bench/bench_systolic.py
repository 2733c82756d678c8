"""Speed of the stepped systolic array in PE-cycles a second (rows x cols x cycles / time), one thread.

Run with ``pytest tests/bench/bench_systolic.py``; the default run does not collect it.
"""

import numpy as np
import pytest

from accelsim.engines.systolic import SystolicEngine
from accelsim.hardware import SystolicArray
from accelsim.workload.gemm import Gemm

# Products of ResNet18 at 224 x 224 (He et al., 2016, table 1), lowered: (M, K, N), times they occur.
RESNET18 = {
    (12544, 147, 64): 1,
    (3136, 576, 64): 4,
    (784, 576, 128): 1,
    (784, 1152, 128): 3,
    (784, 64, 128): 1,
    (196, 1152, 256): 1,
    (196, 2304, 256): 3,
    (196, 128, 256): 1,
    (49, 2304, 512): 1,
    (49, 4608, 512): 3,
    (49, 256, 512): 1,
    (1, 512, 1000): 1,
}


def systolic(pes, dataflow, overlap_folds=False):
    return SystolicEngine(
        SystolicArray(kind="systolic", rows=pes, cols=pes, dataflow=dataflow, overlap_folds=overlap_folds)
    )


def operands(gemm):
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (gemm.groups, gemm.m, gemm.k), np.int8)
    return a, rng.integers(-128, 128, (gemm.groups, gemm.k, gemm.n), np.int8)


def report(benchmark, pes, cycles):
    pe_cycles = pes * pes * cycles
    benchmark.extra_info["pe_cycles_per_s"] = f"{pe_cycles / benchmark.stats.stats.min:.3g}"


@pytest.mark.parametrize("overlap_folds", [False, True], ids=["in_turn", "overlapped"])
@pytest.mark.parametrize("pes", [32, 128])
@pytest.mark.parametrize("dataflow", ["os", "ws"])
def test_layer(benchmark, dataflow, pes, overlap_folds):
    gemm = Gemm(1024, 576, 256)
    engine, (a, w) = systolic(pes, dataflow, overlap_folds), operands(gemm)
    _, counts = benchmark.pedantic(engine.step, (gemm, a, w), rounds=20, warmup_rounds=1)
    report(benchmark, pes, counts.cycles)


def test_resnet18(benchmark):
    engine = systolic(32, "ws")
    layers = [(Gemm(*shape), *operands(Gemm(*shape))) for shape, times in RESNET18.items() for _ in range(times)]

    def step_all():
        return sum(engine.step(*layer)[1].cycles for layer in layers)

    cycles = benchmark.pedantic(step_all, rounds=5, warmup_rounds=1)
    report(benchmark, 32, cycles)
    benchmark.extra_info["cycles"] = cycles
