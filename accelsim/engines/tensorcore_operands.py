"""Operands and options in the form that the stepped kernel of tensor cores takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.engines.tensorcore_tiles import TileWalk
from accelsim.hardware import TensorCore
from accelsim.workload.gemm import INT64_MAX, Gemm

if TYPE_CHECKING:
    from accelsim.kernels.tensorcore import TensorCoreUnit


def refuse_endless(unit: TensorCore, gemm: Gemm) -> None:
    """Refuse a product whose stepping would overflow: bus ticks are counted in 64 bits, many to a cycle for odd rates.

    Raises: UserError for such a product.
    """
    walk = TileWalk(unit, gemm)
    if walk.longest > INT64_MAX:
        raise UserError(
            f"M={gemm.m}, K={gemm.k}, N={gemm.n}: too long to step with {walk.buses.rate} bus ticks a cycle;"
            " allowed: rounder operand_bytes_per_cycle and l2_bytes_per_cycle, or --fidelity closed"
        )


def build_core_unit(unit: TensorCore, gemm: Gemm) -> TensorCoreUnit:
    """Build the options of the stepped kernel."""
    from accelsim.kernels.tensorcore import TensorCoreUnit

    walk, pattern = TileWalk(unit, gemm), gemm.pattern
    return TensorCoreUnit(
        cores=unit.cores,
        m=unit.m,
        n=unit.n,
        k=walk.k,
        kept=pattern.kept if pattern else 1,
        group=pattern.group if pattern else 1,
        multipliers=unit.rate,
        depth=walk.depth,
        latency=unit.latency_cycles,
        tile_m=unit.tile_m,
        tile_n=unit.tile_n,
        warp_m=walk.warp[0],
        warp_n=walk.warp[1],
        multiprocessors=unit.multiprocessors,
        tiles_at_once=unit.tiles_at_once,
        overlap=unit.overlap_tiles,
        charge_full_tile=unit.charge_full_tile,
        launch=unit.launch_cycles,
        fill=unit.fill_cycles,
        epilogue=unit.epilogue_cycles,
        math_above=unit.math_share.numerator,
        math_below=unit.math_share.denominator,
        activation_bits=gemm.activation_bits,
        weight_bits=gemm.stored_weight_bits,
        rate=walk.buses.rate,
        fills=unit.operand_fills,
        core_ticks=walk.buses.core_ticks,
        l2_ticks=walk.buses.l2_ticks,
    )


def choose_core_types(gemm: Gemm, a: np.ndarray, w: np.ndarray) -> tuple[type, type]:
    """Choose the narrowest integer types for operands and sums.

    Raises: UserError where sums may leave 64 bits.
    """
    a_peak, w_peak = (max(int(x.max()), -int(x.min())) for x in (a, w))
    for operand, total in ((np.int16, np.int32), (np.int32, np.int64)):
        if max(a_peak, w_peak) <= np.iinfo(operand).max and a_peak * w_peak * gemm.k <= np.iinfo(total).max:
            return operand, total
    raise UserError(f"operands up to {a_peak} and {w_peak}, K={gemm.k}: sums do not fit 64 bits; allowed: less")


def arrange_in_bands(a: np.ndarray, pixels: int, k: int) -> np.ndarray:
    """Arrange activations [groups, M, K] as [groups * tiles, k, pixels of a tile], with zeros beyond M and K."""
    groups, m, reduction = a.shape
    bands = ceil_div(m, pixels)
    padded: np.ndarray = np.zeros((groups, bands * pixels, k), a.dtype)
    padded[:, :m, :reduction] = a
    return np.ascontiguousarray(padded.reshape(groups * bands, pixels, k).swapaxes(1, 2))


def arrange_by_instruction(x: np.ndarray, instructions: int, stored: int) -> np.ndarray:
    """Arrange stored weights, or their places, [groups, N, K], as [groups, instructions, N, stored], zeros beyond K."""
    groups, n, k = x.shape
    padded: np.ndarray = np.zeros((groups, n, instructions * stored), x.dtype)
    padded[:, :, :k] = x
    return np.ascontiguousarray(padded.reshape(groups, n, instructions, stored).swapaxes(1, 2))
