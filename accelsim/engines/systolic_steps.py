"""A product stepped through the registers of a systolic array: operands in the form that the kernels take."""

from __future__ import annotations

import numpy as np

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.engines.systolic_folds import count_drain_cycles, count_reload_cycles
from accelsim.hardware import SystolicArray
from accelsim.workload.gemm import Gemm


def choose_element_types(array: SystolicArray, gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[type, type]:
    """Choose the narrowest integer types for operands and sums; a register may add what an earlier fold left in it.

    Raises: UserError where sums could leave 64 bits.
    """
    a_peak, w_peak = (max(int(x.max()), -int(x.min())) for x in (a, w))
    sum_peak = a_peak * w_peak * (gemm.k + array.rows + array.cols)
    if max(a_peak, w_peak) < 2**15 and sum_peak < 2**31:
        return np.int16, np.int32
    if max(a_peak, w_peak) < 2**31 and sum_peak < 2**63:
        return np.int32, np.int64
    raise UserError(
        f"operands up to {a_peak} and {w_peak}, K={gemm.k}: sums do not fit 64 bits; allowed: 32-bit operands"
        " whose sums fit"
    )


def step_held_operand(array: SystolicArray, a: np.ndarray, w: np.ndarray, total: type) -> tuple[np.ndarray, np.ndarray]:
    """Step a product on an array that holds weights (ws) or activations (is).

    a is int[groups, M, K], w int[groups, K, N]; returns the product, total[groups, M, N], and the kernel's counts.
    """
    from accelsim.kernels.systolic_operand_stationary import StationaryArray, step_stationary

    reload = count_reload_cycles(array)
    loads = not array.weights_resident
    options = StationaryArray(
        rows=array.rows,
        cols=array.cols,
        hop=array.psum_hop_cycles,
        pipeline=array.pipeline_registers,
        loads=loads,
        overlap=array.overlap_folds,
        segment=min(array.rows, reload) if array.overlap_folds and loads else array.rows,
        swap_cycles=array.swap_cycles,
        reload_cycles=reload,
        charge_full_array=array.charge_full_array,
    )
    weights_held = array.dataflow == "ws"
    streamed, held = (a.swapaxes(1, 2), w) if weights_held else (w, a.swapaxes(1, 2))
    out: np.ndarray = np.zeros((len(a), held.shape[2], streamed.shape[2]), total)
    seen = step_stationary(np.ascontiguousarray(streamed), np.ascontiguousarray(held), out, options)
    return out.swapaxes(1, 2) if weights_held else out, seen


def step_held_sums(array: SystolicArray, a: np.ndarray, w: np.ndarray, total: type) -> tuple[np.ndarray, np.ndarray]:
    """Step a product on an array that holds sums (os).

    a is int[groups, M, K], w int[groups, K, N]; returns the product, total[groups, M, N], and the kernel's counts.
    """
    from accelsim.kernels.systolic_folds import LEFT_READS, TOP_READS
    from accelsim.kernels.systolic_output_stationary import OutputStationaryArray
    from accelsim.kernels.systolic_output_stationary import step_output_stationary as kernel

    reload = count_reload_cycles(array)
    exchanged = array.output_drain == "cols"
    lanes = ceil_div(count_drain_cycles(array), reload) if 0 < reload < count_drain_cycles(array) else 1
    options = OutputStationaryArray(
        rows=array.cols if exchanged else array.rows,
        cols=array.rows if exchanged else array.cols,
        pipeline=array.pipeline_registers,
        drains=array.output_drain != "none",
        drain_lanes=lanes,
        overlap=array.overlap_folds,
        swap_cycles=array.swap_cycles,
        reload_cycles=reload,
        across_first=exchanged,
        charge_full_array=array.charge_full_array,
    )
    left, top = a, np.ascontiguousarray(w.swapaxes(1, 2))
    if exchanged:
        left, top = top, left
    out: np.ndarray = np.zeros((len(a), left.shape[1], top.shape[1]), total)
    seen = kernel(np.ascontiguousarray(left), np.ascontiguousarray(top), out, options)
    if exchanged:
        out, seen[[LEFT_READS, TOP_READS]] = out.swapaxes(1, 2), seen[[TOP_READS, LEFT_READS]]
    return out, seen
