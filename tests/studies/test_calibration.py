"""GPU kernels: the model beside measured times, its constants, and what an L2 loses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import load_hardware
from accelsim.studies.validate.gpu_calibration import (
    FITTED,
    HELD_OUT,
    SustainedRates,
    calibrate_gpus,
    fit_sustained_rates,
    model_kernel_times,
    read_measured_kernels,
)
from accelsim.studies.validate.gpu_kernel import find_lost_share, model_gpu_kernel
from accelsim.workload.gemm import Gemm, apply_pattern

ROWS = read_measured_kernels("gpu_2to4_measured.csv")


def test_every_second_row_of_a_gpu_is_fitted_and_the_others_are_near():
    judged = [j for j in calibrate_gpus().rows if j.row in ROWS]
    for gpu in ("a100", "rtx_3060", "rtx_4070_ti_super"):
        roles = [j.role for j in judged if j.row.gpu == gpu]
        assert roles == [(FITTED, HELD_OUT)[number % 2] for number in range(len(roles))]
    errors = [abs(error) for error, _ in calibrate_gpus().held_out_errors]
    assert len(errors) == 18
    assert sum(errors) / len(errors) < 0.1
    assert max(errors) < 0.15


def test_constants_rest_on_fitted_rows_alone():
    own = [row for row in ROWS if row.gpu == "rtx_3060"]
    assert fit_sustained_rates(own[::2]) == calibrate_gpus().sustained["rtx_3060"]
    slower = own[0]._replace(times=model_kernel_times(own[0], SustainedRates(0.8, 0.5)))
    assert fit_sustained_rates([slower]).math == pytest.approx(0.8, abs=0.02)


def test_the_bound_of_an_a100_is_one_and_promises_too_much():
    """It lies above measured times only where cards clock above their stated boost, and for other kernels (H100)."""
    excess = []
    for judged in calibrate_gpus().rows:
        if judged.row.gpu == "a100" and judged.row in ROWS:
            assert judged.bound.dense_ms <= judged.row.times.dense_ms
            assert judged.bound.sparse_ms <= judged.row.times.sparse_ms
            excess.append(judged.bound.speedup / judged.row.times.speedup - 1)
    assert (round(min(excess), 2), round(max(excess), 2)) == (0.06, 0.49)  # as the README says


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
