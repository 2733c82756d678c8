"""Speed of the bit-serial unit: MACs a second stepped on one thread, and seconds to count what values decide.

Run with ``pytest tests/bench/bench_bitserial.py``; the default run does not collect it.
"""

import numpy as np
import pytest

from accelsim.engines.bitserial import BitSerialEngine
from accelsim.hardware import BitSerialUnit
from accelsim.load import load_workload
from accelsim.workload.gemm import Convolution, Gemm, OperandBits, im2col, lower_to_gemm

ALEXNET_BITS = (9, 8, 5, 5, 7)  # Judd et al. 2016, 100 % profile, from memory


def stripes(serial="activations", **options):
    return BitSerialEngine(
        BitSerialUnit(kind="bitserial", tiles=16, rows=16, cols=16, lanes=16, serial=serial, **options)
    )


def layer(bits):
    """256 channels, 14 x 14 windows, 256 filters of 3 x 3."""
    convolution = Convolution(1, 256, 16, 16, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 14, 14)
    gemm = Gemm(14 * 14, 256 * 9, 256, 1, bits, bits, convolution=convolution)
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2**bits, (1, gemm.m, gemm.k))
    return gemm, a, rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (1, gemm.k, gemm.n))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("serial", ["none", "activations", "weights", "both"])
def test_step(benchmark, serial, bits):
    operands = layer(bits)
    benchmark.pedantic(stripes(serial).step, operands, rounds=10, warmup_rounds=1)
    benchmark.extra_info["macs_per_s"] = f"{operands[0].macs / benchmark.stats.stats.min:.3g}"


@pytest.mark.parametrize("skip", ["dynamic", "essential"])
def test_step_what_values_need(benchmark, skip):
    operands = layer(8)
    benchmark.pedantic(stripes(skip=skip, column_registers=1).step, operands, rounds=10, warmup_rounds=1)
    benchmark.extra_info["macs_per_s"] = f"{operands[0].macs / benchmark.stats.stats.min:.3g}"


def test_count_alexnet(benchmark):
    """Dynamic widths and essential bits, in lockstep and with a column register: four counts of five convolutions."""
    rng = np.random.default_rng(0)
    nodes = [node for node in load_workload("alexnet_grouped").nodes if node.layer.type == "conv2d"]
    layers = []
    for node, bits in zip(nodes, ALEXNET_BITS, strict=True):
        gemm, image = lower_to_gemm(node, 1, OperandBits(bits, 16, 16)), node.inputs[0]
        pixels = rng.integers(0, 2**bits, (1, image.channels, image.height, image.width))
        w = rng.integers(-(2**15), 2**15, (gemm.groups, gemm.k, gemm.n))
        layers.append((gemm, im2col(pixels, gemm.convolution), w))
    engines = [stripes(skip=skip, column_registers=n) for skip in ("dynamic", "essential") for n in (0, 1)]

    def count_all():
        return [sum(engine.count_values(*each).cycles for each in layers) for engine in engines]

    benchmark.extra_info["cycles"] = benchmark.pedantic(count_all, rounds=10, warmup_rounds=1)
