"""The schedule of a stream of tiles: when engine, vector unit and DMA work, and what the engine waits for."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import Hardware
from accelsim.memory.attached_device import Used, attach_device, make_ideal_memory
from accelsim.memory.ideal_dram import count_read_latency, count_transfer_cycles
from accelsim.memory.stalls import StallCause
from accelsim.memory.stream import STORE, TileStream
from accelsim.memory.timeline import Timeline, merge_intervals
from accelsim.workload.gemm import INT64_MAX

if TYPE_CHECKING:
    from accelsim.kernels.schedule import State


class Stalls(NamedTuple):
    """Cycles in which the engine waits, by cause; in a layer without a product it is the vector unit that waits."""

    first_fill: int = 0  #: for the first operands of the layer
    load_wait: int = 0  #: for later operands
    refresh_wait: int = 0  #: for operands while the DRAM refreshes
    store_wait: int = 0  #: for room for results in their buffer
    drain: int = 0  #: from the engine's end to the layer's: the last vector work and stores


class Waits(NamedTuple):
    """The gap before each step of the engine, or of the vector unit in a layer without a product; int64[steps], cycles.

    A gap has two parts: from ``starts`` to ``after_refresh`` a refresh is waited for, from there to ``ends`` room for
    results or operands.
    """

    starts: np.ndarray  #: int64[steps]
    after_refresh: np.ndarray  #: int64[steps]
    ends: np.ndarray  #: int64[steps]: the step begins
    for_room: np.ndarray  #: bool[steps]: the second part waits for room for results; else for operands
    last: int  #: end of the last step


class ScheduledLayer(NamedTuple):
    """When the units of one layer work: half-open intervals [start, end) in cycles from the layer's beginning."""

    engine: np.ndarray  #: int64[steps, 2]; intervals of a unit do not overlap
    vector: np.ndarray  #: int64[steps, 2]
    transfers: np.ndarray  #: int64[steps, 4, 2]: loads of ifmap, weights and partial sums, and the store
    latency: int  #: cycles from a request to its transfer, where the transfer does not include them
    lanes_only: bool  #: the layer has no product: the vector unit reads the buffers
    waits: Waits
    total_cycles: int  #: end of the last event
    used: Used | None  #: what the DRAM took; None for an ideal one

    def waits_for(self, cause: StallCause) -> np.ndarray:
        """The intervals in which the engine waits for a cause of ``SCHEDULED``: int64[n, 2], begin and end, cycles."""
        w, first = self.waits, np.arange(len(self.waits.starts)) == 0
        chosen = {
            StallCause.FIRST_FILL: (w.after_refresh, w.ends, first),
            StallCause.LOAD_WAIT: (w.after_refresh, w.ends, ~first & ~w.for_room),
            StallCause.REFRESH_WAIT: (w.starts, w.after_refresh, ~first),
            StallCause.STORE_WAIT: (w.after_refresh, w.ends, ~first & w.for_room),
            StallCause.DRAIN: (np.array([w.last]), np.array([self.total_cycles]), np.array([True])),
        }
        starts, ends, among = chosen[cause]
        return merge_intervals(np.stack((starts, ends), axis=1)[among])

    @property
    def stalls(self) -> Stalls:
        """Cycles in which the engine waits, by cause."""
        w = self.waits
        others = w.ends - w.after_refresh
        waited, store = int(others[1:].sum()), int(others[1:][w.for_room[1:]].sum())
        refresh = int((w.after_refresh - w.starts).sum())
        return Stalls(int(others[0]), waited - store, refresh, store, self.total_cycles - w.last)

    @property
    def idle_at_end(self) -> int:
        """Cycles from the last load to the layer's end in which no result is stored either: the DMA engine is idle."""
        after = int(self.transfers[:, :STORE, 1].max())
        stores = self.transfers[:, STORE]
        late = np.minimum(stores[:, 1], self.total_cycles) - np.maximum(stores[:, 0], after)
        return self.total_cycles - after - int(np.maximum(late, 0).sum())

    @property
    def timeline(self) -> Timeline:
        """The busy intervals of all units, each in order, with touching ones joined."""
        ifmap, weight, sums, results = (self.transfers[:, place] for place in range(STORE + 1))
        reader = self.vector if self.lanes_only else self.engine
        asked = np.concatenate((ifmap, weight, sums))
        asked = np.stack((np.maximum(asked[:, 0] - self.latency, 0), asked[:, 1]), axis=1)[asked[:, 1] > asked[:, 0]]
        return Timeline(
            engine=merge_intervals(self.engine),
            vector=merge_intervals(self.vector),
            sram_ifmap=merge_intervals(reader, ifmap),
            sram_weight=merge_intervals(reader, weight),
            sram_ofmap=merge_intervals(self.engine, self.vector, sums, results),
            dma=merge_intervals(asked, results),
            dram=merge_intervals(self.dram),
        )

    @property
    def dram(self) -> np.ndarray:
        """The intervals of all transfers, int64[4 steps, 2]; those of transfers without bytes are empty."""
        return self.transfers.reshape(-1, 2)


def schedule_stream(stream: TileStream, hardware: Hardware) -> ScheduledLayer:
    """Schedule a stream of tiles on a machine.

    Loads run ahead into free halves of the buffers, where these have two, while the engine computes; stores follow. One
    DMA queue serves the transfers in the order of the steps. Layers do not overlap. A stream with addresses runs on the
    hardware's memory device, one without on an ideal DRAM.

    Raises: UserError for cycles that do not fit 64 bits, and as ``attach_device``.
    """
    from accelsim.kernels.schedule import Steps
    from accelsim.kernels.schedule import play as kernel

    device = hardware.dram.memory
    simulated = device is not None and stream.addresses is not None
    attached = attach_device(stream, hardware, device) if device is not None and simulated else None
    sizes = stream.sizes if attached else count_transfer_cycles(stream.sizes, hardware)
    latency = count_read_latency(hardware)
    work = (sizes, stream.engine_cycles, stream.vector_cycles)
    if sum(float(cycles.sum(dtype=float)) for cycles in work) + 3.0 * latency * len(sizes) > INT64_MAX / 2:
        raise UserError("the cycles of a layer do not fit a 64-bit count; make it smaller or the memory faster")
    first, second = stream.engine_cycles, stream.vector_cycles
    if stream.lanes_only:  # the vector unit reads the buffers
        first, second = second, first
    addresses = stream.addresses if stream.addresses is not None else np.zeros((0, 3), np.int64)
    memory = attached.memory if attached else make_ideal_memory(latency)
    state, memory_end = kernel(Steps(sizes, addresses, stream.fresh, first, second, np.array(stream.halves)), memory)
    end = max(int(state.compute[-1, 1]), int(state.vector[-1, 1]), int(memory_end))
    engine, vector = (state.vector, state.compute) if stream.lanes_only else (state.compute, state.vector)
    used = attached.used(end * 1e3 / hardware.clock_mhz) if attached else None
    waits = _waits(state, attached.refresh_cycles if attached else 0)
    return ScheduledLayer(engine, vector, state.bus, 0 if attached else latency, stream.lanes_only, waits, end, used)


def _waits(state: State, refresh_cycles: int) -> Waits:
    """The gap before each step: a refresh in it takes at most all of it; for the rest what came last is the cause."""
    begins, ends = state.compute[:, 0], state.compute[:, 1]
    starts = np.concatenate((_ZERO, ends[:-1]))
    for_room = state.room >= state.ready
    if not refresh_cycles:
        return Waits(starts, starts, begins, for_room, int(ends[-1]))
    refreshes = np.diff(state.refreshes, prepend=0) * refresh_cycles
    refresh = np.where(for_room, 0, np.minimum(begins - starts, refreshes))
    refresh[0] = 0
    return Waits(starts, starts + refresh, begins, for_room, int(ends[-1]))


_ZERO = np.zeros(1, np.int64)


def join_schedules(layers: list[ScheduledLayer]) -> ScheduledLayer:
    """Join the schedules of layers, or of parts of one layer, that run one after the other."""
    begins = [0, *accumulate(layer.total_cycles for layer in layers)]
    later = list(zip(layers, begins, strict=False))
    waits = Waits(
        starts=np.concatenate([layer.waits.starts + at for layer, at in later]),
        after_refresh=np.concatenate([layer.waits.after_refresh + at for layer, at in later]),
        ends=np.concatenate([layer.waits.ends + at for layer, at in later]),
        for_room=np.concatenate([layer.waits.for_room for layer in layers]),
        last=layers[-1].waits.last + begins[-2],
    )
    waits.starts[[0, *accumulate(len(layer.waits.starts) for layer in layers[:-1])]] = [
        0,
        *(layer.waits.last + at for layer, at in later[:-1]),
    ]
    return layers[0]._replace(
        engine=np.concatenate([layer.engine + at for layer, at in later]),
        vector=np.concatenate([layer.vector + at for layer, at in later]),
        transfers=np.concatenate([_moved(layer.transfers, at) for layer, at in later]),
        waits=waits,
        total_cycles=begins[-1],
        used=_all_used([layer.used for layer in layers]),
    )


def _moved(transfers: np.ndarray, at: int) -> np.ndarray:
    """Transfers, int64[steps, 4, 2], so many cycles later; empty ones stay [0, 0)."""
    return np.where((transfers[..., 1] > transfers[..., 0])[..., None], transfers + at, 0)


def _all_used(used: list[Used | None]) -> Used | None:
    """The sum of what a DRAM took; None where all of them are ideal."""
    parts = [part for part in used if part]
    if not parts:
        return None
    counts = {name: sum(part.counts[name] for part in parts) for name in parts[0].counts}
    return Used(sum(part.commands_pj for part in parts), sum(part.standby_pj for part in parts), counts)
