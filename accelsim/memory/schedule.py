"""A stream of steps -> the busy intervals of engine, vector unit and DRAM."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.hardware import Hardware
from accelsim.memory.dram import latency_cycles, transfer_cycles
from accelsim.tiles import TileStream
from accelsim.timeline import Timeline, merged


class Played(NamedTuple):
    """When one layer's units were busy, and when its last event ended."""

    timeline: Timeline
    total_cycles: int


def play(stream: TileStream, hardware: Hardware) -> Played:
    """Loads run ahead into free buffer halves while the engine computes; stores follow behind.

    One DMA queue serves transfers in the order of the steps. Layers do not overlap.
    """
    from accelsim.kernels.schedule import play as kernel

    compute, vector, bus = kernel(
        transfer_cycles(stream.load_bytes, hardware),
        transfer_cycles(stream.store_bytes, hardware),
        stream.fresh,
        stream.compute_cycles,
        stream.vector_cycles,
        latency_cycles(hardware),
    )
    end = max(int(compute[-1, 1]), int(vector[-1, 1]), int(bus[:, :, 1].max()))
    return Played(Timeline(merged(compute), merged(vector), merged(bus.reshape(-1, 2))), end)
