"""A stream of steps -> the busy intervals of engine, vector unit and DRAM."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.hardware import Hardware
from accelsim.memory.attached_device import AttachedDevice, Used, make_ideal_memory
from accelsim.memory.ideal_dram import count_latency_cycles, count_transfer_cycles
from accelsim.memory.stalls import StallCause
from accelsim.memory.stream import STORE, TileStream
from accelsim.memory.timeline import Timeline, merge_intervals
from accelsim.workload.gemm import INT64_MAX

if TYPE_CHECKING:
    from accelsim.kernels.schedule import State


class Stalls(NamedTuple):
    """Cycles in which the engine (of a layer without a product the vector unit) waits, by what it waits for."""

    first_fill: int = 0  #: its first operands
    load_wait: int = 0  #: operands
    refresh_wait: int = 0  #: operands, while the DRAM refreshes
    store_wait: int = 0  #: room for results
    drain: int = 0  #: from its end to the layer's: last vector work and stores


class Waits(NamedTuple):
    """Gaps before the steps of the engine (of a layer without a product the vector unit), int64[steps]."""

    starts: np.ndarray
    after_refresh: np.ndarray  #: until here for a refresh,
    ends: np.ndarray  #: until here for room for results, or else for operands, the first time for the first ones
    for_room: np.ndarray  #: bool
    last: int  #: end of the last step


class ScheduledLayer(NamedTuple):
    """When one layer's units worked, [start, end) of each piece, and when its last event ended."""

    engine: np.ndarray  #: int64[steps, 2]; pieces of a unit do not overlap
    vector: np.ndarray  #: int64[steps, 2]
    transfers: np.ndarray  #: int64[steps, 4, 2]: loads of ifmap, weights and sums, and the store
    latency: int  #: from a request to the transfer, where that is not in it
    lanes_only: bool
    waits: Waits
    total_cycles: int
    used: Used | None  #: by a DRAM that is not ideal

    def waits_for(self, cause: StallCause) -> np.ndarray:
        """The gaps of a cause that the schedule finds (see SCHEDULED), int64[n, 2], from and to, cycles."""
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
        """Cycles in which the engine waits."""
        w = self.waits
        others = w.ends - w.after_refresh
        waited, store = int(others[1:].sum()), int(others[1:][w.for_room[1:]].sum())
        refresh = int((w.after_refresh - w.starts).sum())
        return Stalls(int(others[0]), waited - store, refresh, store, self.total_cycles - w.last)

    @property
    def idle_at_end(self) -> int:
        """Cycles from the last transfer to the layer's end that bring nothing in and take nothing out."""
        after = int(self.transfers[:, :STORE, 1].max())
        stores = self.transfers[:, STORE]
        late = np.minimum(stores[:, 1], self.total_cycles) - np.maximum(stores[:, 0], after)
        return self.total_cycles - after - int(np.maximum(late, 0).sum())

    @property
    def timeline(self) -> Timeline:
        """All units, each in order, with touching pieces joined."""
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
        """Every transfer, int64[n, 2]."""
        return self.transfers.reshape(-1, 2)


def schedule_stream(stream: TileStream, hardware: Hardware) -> ScheduledLayer:
    """Loads run ahead into free buffer halves, if there are two, while the engine computes; stores follow behind.

    One DMA queue serves transfers in the order of the steps. Layers do not overlap.
    """
    from accelsim.kernels.schedule import Steps
    from accelsim.kernels.schedule import play as kernel

    device = hardware.dram.memory
    simulated = device is not None and stream.addresses is not None
    attached = AttachedDevice(stream, hardware, device) if device is not None and simulated else None
    sizes = stream.sizes if attached else count_transfer_cycles(stream.sizes, hardware)
    latency = count_latency_cycles(hardware)
    work = (sizes, stream.engine_cycles, stream.vector_cycles)
    if sum(float(cycles.sum(dtype=float)) for cycles in work) + 3.0 * latency * len(sizes) > INT64_MAX / 2:
        raise UserError("the cycles of a layer do not fit a 64-bit count; make it smaller or the memory faster")
    first, second = stream.engine_cycles, stream.vector_cycles
    if stream.lanes_only:  # the lanes are what reads the buffers
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
    """Each gap before a step is put down to what came last; refreshes in it, at most all of it, to them."""
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


def join_schedules(plays: list[ScheduledLayer]) -> ScheduledLayer:
    """Layers, or parts of one, one after the other."""
    begins = [0, *accumulate(played.total_cycles for played in plays)]
    later = list(zip(plays, begins, strict=False))
    waits = Waits(
        starts=np.concatenate([played.waits.starts + at for played, at in later]),
        after_refresh=np.concatenate([played.waits.after_refresh + at for played, at in later]),
        ends=np.concatenate([played.waits.ends + at for played, at in later]),
        for_room=np.concatenate([played.waits.for_room for played in plays]),
        last=plays[-1].waits.last + begins[-2],
    )
    waits.starts[[0, *accumulate(len(played.waits.starts) for played in plays[:-1])]] = [
        0,
        *(played.waits.last + at for played, at in later[:-1]),
    ]
    return plays[0]._replace(
        engine=np.concatenate([played.engine + at for played, at in later]),
        vector=np.concatenate([played.vector + at for played, at in later]),
        transfers=np.concatenate([_moved(played.transfers, at) for played, at in later]),
        waits=waits,
        total_cycles=begins[-1],
        used=_all_used([played.used for played in plays]),
    )


def _moved(transfers: np.ndarray, at: int) -> np.ndarray:
    """Transfers later; those that there are not stay empty."""
    return np.where((transfers[..., 1] > transfers[..., 0])[..., None], transfers + at, 0)


def _all_used(used: list[Used | None]) -> Used | None:
    parts = [part for part in used if part]
    if not parts:
        return None
    counts = {name: sum(part.counts[name] for part in parts) for name in parts[0].counts}
    return Used(sum(part.commands_pj for part in parts), sum(part.standby_pj for part in parts), counts)
