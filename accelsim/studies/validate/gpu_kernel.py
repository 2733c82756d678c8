"""A product as one kernel of a GPU, which takes as long as its tensor cores or as its DRAM traffic, the longer of both.

A kernel whose tiles run in a good order reads both operands once. One that goes through all filters before the next
pixels (CUTLASS's identity swizzle) reads the weights that the L2 has lost again for each row of tiles. The L2 is taken
to replace lines at random: weights of A bytes are read again and again, with B other bytes in between, through a cache
of C bytes; then a share s = 1 - exp(-(s A + B) / C) of them is lost by the time that they are wanted again.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple

from accelsim.config.integers import ceil_div
from accelsim.engines.table import build_engine
from accelsim.hardware import Hardware
from accelsim.hardware.tensorcore import as_tensor_cores
from accelsim.mapping.footprint import count_compulsory_bytes, count_weight_bytes
from accelsim.workload.gemm import Gemm

_ROUNDS = 60  # of the fixed-point iteration; by then its error is far below a byte


class KernelTimes(NamedTuple):
    """The times of one kernel on its two resources, which work side by side."""

    cores_ms: float  #: of the tensor cores: launch, tiles, fills and epilogues
    dram_ms: float  #: of the DRAM at the bandwidth that kernels sustain
    dram_bytes: int

    @property
    def ms(self) -> float:
        """Time of the kernel: the longer of both."""
        return max(self.cores_ms, self.dram_ms)


def model_gpu_kernel(gemm: Gemm, hardware: Hardware, filters_first: bool = False) -> KernelTimes:
    """Model a product as a kernel of tensor cores behind an L2, for which the hardware's buffers stand.

    With ``filters_first`` the kernel goes through all filters before the next pixels and reads weights again. Else
    every byte moves once, which bounds the time from below.

    Raises: UserError where counts leave int64, TypeError for an engine without tensor cores.
    """
    unit = as_tensor_cores(hardware.engine)
    cycles = build_engine(unit).count(gemm).cycles
    moved = sum(count_compulsory_bytes(gemm))
    if filters_first:
        weights = int(count_weight_bytes(gemm, gemm.k, gemm.n)) * gemm.groups
        again = ceil_div(gemm.m, unit.tile_m) - 1
        between = (moved - weights) / (again + 1)
        moved += round(weights * again * find_lost_share(weights, between, hardware.sram.capacity_bytes))
    per_ms = hardware.dram.bandwidth_gb_s * unit.sustained_operands * 1e6
    return KernelTimes(cycles / hardware.clock_mhz * 1e-3, moved / per_ms, moved)


def find_lost_share(again_bytes: float, between_bytes: float, cache_bytes: float) -> float:
    """Find the share of ``again_bytes`` that a cache with random replacement has lost when they are read again.

    ``between_bytes`` others pass the cache of ``cache_bytes`` meanwhile. The share is 0 where all of them fit.
    """
    if again_bytes + between_bytes <= cache_bytes:
        return 0.0
    share = 1.0
    for _ in range(_ROUNDS):
        share = 1 - exp(-(share * again_bytes + between_bytes) / cache_bytes)
    return share
