"""A product as one kernel of a GPU: its tensor cores' time, and not below what its tiles move through DRAM.

A kernel whose tiles run in a good order reads both operands once. One that goes through all filters before the next
pixels (CUTLASS's identity swizzle) reads weights beyond the L2 again for each row of tiles, as far as the L2 has lost
them. It is taken to replace lines at random: of weights of A bytes, read round and round with B others in between
through a cache of C bytes, a share 1 - exp(-(share A + B) / C) is lost by the time it is wanted again.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple

from accelsim.engines.base import ceil_div
from accelsim.engines.table import engine_of
from accelsim.hardware import Hardware
from accelsim.hardware.tensorcore import as_tensor_cores
from accelsim.mapping.footprint import compulsory_bytes, weight_bytes
from accelsim.workload.gemm import Gemm

_ROUNDS = 60  # of the fixed point; what is left by then is far below a byte


class KernelTimes(NamedTuple):
    """Times of one kernel."""

    cores_ms: float  #: launch, tiles and their ends
    dram_ms: float  #: of the bytes, at the DRAM's bandwidth
    dram_bytes: int

    @property
    def ms(self) -> float:
        """The longer of both, as one runs beside the other."""
        return max(self.cores_ms, self.dram_ms)


def model_gpu_kernel(gemm: Gemm, hardware: Hardware, filters_first: bool = False) -> KernelTimes:
    """Time of a product on tensor cores behind an L2, which the hardware's buffers stand for.

    filters_first: all filters before the next pixels. Else every byte moves once, which bounds the time from below.

    Raises: UserError where counts leave int64, TypeError for another engine.
    """
    unit = as_tensor_cores(hardware.engine)
    cycles = engine_of(unit).count(gemm).cycles
    moved = sum(compulsory_bytes(gemm))
    if filters_first:
        weights = int(weight_bytes(gemm, gemm.k, gemm.n)) * gemm.groups
        again = ceil_div(gemm.m, unit.tile_m) - 1
        between = (moved - weights) / (again + 1)
        moved += round(weights * again * find_lost_share(weights, between, hardware.sram.capacity_bytes))
    per_ms = hardware.dram.bandwidth_gb_s * unit.sustained_operands * 1e6
    return KernelTimes(cycles / hardware.clock_mhz * 1e-3, moved / per_ms, moved)


def find_lost_share(again_bytes: float, between_bytes: float, cache_bytes: float) -> float:
    """Share of bytes, read round and round, that a cache with random replacement has lost when they are wanted."""
    if again_bytes + between_bytes <= cache_bytes:
        return 0.0
    share = 1.0
    for _ in range(_ROUNDS):
        share = 1 - exp(-(share * again_bytes + between_bytes) / cache_bytes)
    return share
