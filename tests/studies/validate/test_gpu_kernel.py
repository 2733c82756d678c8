"""GPU kernels: what an L2 loses, and when weights come again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import load_hardware
from accelsim.studies.validate.gpu_kernel import find_lost_share, model_gpu_kernel
from accelsim.workload.gemm import Gemm, apply_pattern


@given(st.floats(1, 1e12), st.floats(0, 1e12), st.floats(1, 1e12))
def test_a_cache_loses_nothing_that_fits_and_more_the_more_is_read(again, between, cache):
    share = find_lost_share(again, between, cache)
    assert 0 <= share <= 1
    if again + between <= cache:
        assert share == 0
    else:
        assert share == pytest.approx(1 - math.exp(-(share * again + between) / cache), abs=1e-2)
    assert find_lost_share(again, between, cache / 2) >= share - 1e-9


def test_weights_beyond_the_l2_come_again_for_each_row_of_tiles():
    hardware, gemm = load_hardware("rtx_4070_ti_super"), Gemm(12288, 10240, 12288, 1, 16, 16, 16)
    sparse = apply_pattern(gemm, parse_pattern("2:4"))
    once, again = model_gpu_kernel(sparse, hardware), model_gpu_kernel(sparse, hardware, filters_first=True)
    weights = 12288 * 10240 * 2 * 0.5625
    assert once.dram_bytes == pytest.approx(weights + 2 * (12288 * 10240 + 12288**2))
    assert 0.8 * 96 * weights < again.dram_bytes < 97 * weights + once.dram_bytes
    assert (once.cores_ms, once.ms) == (again.cores_ms, once.cores_ms)
    assert again.ms == again.dram_ms > again.cores_ms
    small = apply_pattern(Gemm(1024, 1024, 1024, 1, 16, 16, 16), parse_pattern("2:4"))
    assert model_gpu_kernel(small, hardware, filters_first=True) == model_gpu_kernel(small, hardware)


def test_other_engines_are_no_kernels():
    with pytest.raises(TypeError, match="SystolicArray has no tensor cores"):
        model_gpu_kernel(Gemm(1, 1, 1), load_hardware("edge_npu"))
