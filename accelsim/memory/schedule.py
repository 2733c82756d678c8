"""A stream of steps -> the busy intervals of engine, vector unit and DRAM."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import Hardware
from accelsim.lowering import INT64_MAX
from accelsim.memory.attached import Attached, Used, ideal
from accelsim.memory.dram import latency_cycles, transfer_cycles
from accelsim.tiles import STORE, TileStream
from accelsim.timeline import Timeline, merged

if TYPE_CHECKING:
    from accelsim.kernels.schedule import State


class Stalls(NamedTuple):
    """Cycles in which the engine (of a layer without a product the vector unit) waits, by what it waits for."""

    first_fill: int = 0  #: its first operands
    load: int = 0  #: operands
    refresh: int = 0  #: operands, while the DRAM refreshes
    store: int = 0  #: room for results
    drain: int = 0  #: from its end to the layer's: last vector work and stores


class Played(NamedTuple):
    """When one layer's units worked, [start, end) of each piece, and when its last event ended."""

    engine: np.ndarray  #: int64[n, 2], as the other two; pieces of a unit do not overlap
    vector: np.ndarray
    dram: np.ndarray
    total_cycles: int
    stalls: Stalls
    used: Used | None  #: by a DRAM that is not ideal

    @property
    def idle_at_end(self) -> int:
        """Cycles from the last transfer to the layer's end that bring nothing in and take nothing out."""
        loads = self.dram.reshape(-1, STORE + 1, 2)
        after = int(loads[:, :STORE, 1].max())
        stores = loads[:, STORE]
        late = np.minimum(stores[:, 1], self.total_cycles) - np.maximum(stores[:, 0], after)
        return self.total_cycles - after - int(np.maximum(late, 0).sum())

    @property
    def timeline(self) -> Timeline:
        """The same in order, with touching pieces joined."""
        return Timeline(merged(self.engine), merged(self.vector), merged(self.dram))


def play(stream: TileStream, hardware: Hardware) -> Played:
    """Loads run ahead into free buffer halves while the engine computes; stores follow behind.

    One DMA queue serves transfers in the order of the steps. Layers do not overlap.
    """
    from accelsim.kernels.schedule import Steps
    from accelsim.kernels.schedule import play as kernel

    device = hardware.dram.memory
    simulated = device is not None and stream.addresses is not None
    attached = Attached(stream, hardware, device) if device is not None and simulated else None
    sizes = stream.sizes if attached else transfer_cycles(stream.sizes, hardware)
    latency = latency_cycles(hardware)
    work = (sizes, stream.compute_cycles, stream.vector_cycles)
    if sum(float(cycles.sum(dtype=float)) for cycles in work) + 3.0 * latency * len(sizes) > INT64_MAX / 2:
        raise UserError("the cycles of a layer do not fit a 64-bit count; make it smaller or the memory faster")
    first, second = stream.compute_cycles, stream.vector_cycles
    if stream.lanes_only:  # the lanes are what reads the buffers
        first, second = second, first
    addresses = stream.addresses if stream.addresses is not None else np.zeros((0, 3), np.int64)
    memory = attached.memory if attached else ideal(latency)
    state, memory_end = kernel(Steps(sizes, addresses, stream.fresh, first, second), memory)
    end = max(int(state.compute[-1, 1]), int(state.vector[-1, 1]), int(memory_end))
    engine, vector = (state.vector, state.compute) if stream.lanes_only else (state.compute, state.vector)
    used = attached.used(end * 1e3 / hardware.clock_mhz) if attached else None
    refresh = attached.refresh_cycles if attached else 0
    return Played(engine, vector, state.bus.reshape(-1, 2), end, _stalls(state, refresh, end), used)


def _stalls(state: State, refresh_cycles: int, end: int) -> Stalls:
    """Each gap before a step is put down to what came last; refreshes in it, at most all of it, to them."""
    begins, ends = state.compute[:, 0], state.compute[:, 1]
    gaps = begins - np.concatenate(([0], ends[:-1]))
    for_room = state.room >= state.ready
    refreshes = np.diff(state.refreshes, prepend=0) * refresh_cycles
    refresh = np.where(for_room, 0, np.minimum(gaps, refreshes))
    refresh[0] = 0
    waited = gaps[1:] - refresh[1:]
    store = int(waited[for_room[1:]].sum())
    return Stalls(int(gaps[0]), int(waited.sum()) - store, int(refresh.sum()), store, end - int(ends[-1]))
