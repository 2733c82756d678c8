"""A stream of steps -> the busy intervals of engine, vector unit and DRAM."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import Hardware
from accelsim.lowering import INT64_MAX
from accelsim.memory.dram import latency_cycles, transfer_cycles
from accelsim.tiles import TileStream
from accelsim.timeline import Timeline, merged


class Played(NamedTuple):
    """When one layer's units worked, [start, end) of each piece, and when its last event ended."""

    engine: np.ndarray  #: int64[n, 2], as the other two; pieces of a unit do not overlap
    vector: np.ndarray
    dram: np.ndarray
    total_cycles: int

    @property
    def timeline(self) -> Timeline:
        """The same in order, with touching pieces joined."""
        return Timeline(merged(self.engine), merged(self.vector), merged(self.dram))


def play(stream: TileStream, hardware: Hardware) -> Played:
    """Loads run ahead into free buffer halves while the engine computes; stores follow behind.

    One DMA queue serves transfers in the order of the steps. Layers do not overlap.
    """
    from accelsim.kernels.schedule import play as kernel

    loads, stores = transfer_cycles(stream.load_bytes, hardware), transfer_cycles(stream.store_bytes, hardware)
    latency = latency_cycles(hardware)
    work = (loads, stores, stream.compute_cycles, stream.vector_cycles)
    if sum(float(cycles.sum(dtype=float)) for cycles in work) + float(latency) * loads.size > INT64_MAX / 2:
        raise UserError("the cycles of a layer do not fit a 64-bit count; make it smaller or the memory faster")
    first, second = stream.compute_cycles, stream.vector_cycles
    if stream.lanes_only:  # the lanes are what reads the buffers
        first, second = second, first
    ran, behind, bus = kernel(loads, stores, stream.fresh, first, second, latency)
    end = max(int(ran[-1, 1]), int(behind[-1, 1]), int(bus[:, :, 1].max()))
    engine, vector = (behind, ran) if stream.lanes_only else (ran, behind)
    return Played(engine, vector, bus.reshape(-1, 2), end)
