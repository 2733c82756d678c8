"""A memory behind a serial port: requests one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel


class Port(NamedTuple):
    """Cycles of a serial memory's clock, and sizes in bytes; 0 where there is no limit."""

    command: int
    read_latency: int
    write_latency: int
    data: int  #: of one request
    deselect: int
    request_bytes: int
    page_bytes: int
    longest_burst: int


class Progress(NamedTuple):
    """Where a port stands between two pieces of a trace."""

    free: int  #: cycle in which the last data ended
    selected: int  #: cycle in which the burst under way began
    next_address: int  #: that would continue it, -1 before the first
    writing: int
    bursts: int
    latency: int  #: sum over reads, from arrival at the port to the end of the data
    longest: int
    active_reading: int  #: cycles
    active_writing: int


@kernel
def serve(port, progress, arrival, address, is_write):
    """Serve requests in order; int64 each, is_write uint8."""
    for i in range(arrival.size):
        progress = _one(port, progress, arrival[i], address[i] // port.request_bytes, np.int64(is_write[i]))
    return progress


@kernel
def feed(port, progress, block, count, kind, at):
    """Serve successive requests that are there at a cycle."""
    for number in range(count):
        progress = _one(port, progress, at, block + number, kind)
    return progress


@kernel
def _one(port, progress, arrival, block, write):
    """Serve a request.

    One that continues the burst under way, and is there before its data end, needs no command: unless a page ends,
    or chip enable would stay low too long.
    """
    free, selected, next_address, writing, bursts, latency, longest, reading_cycles, writing_cycles = progress
    place = block * port.request_bytes
    joins = place == next_address and write == writing and arrival <= free
    if joins and port.page_bytes:
        joins = place % port.page_bytes != 0
    if joins and port.longest_burst:
        joins = free + port.data - selected <= port.longest_burst
    accepted = max(arrival, free)
    begin = free
    if not joins:
        begin = arrival
        if next_address >= 0:
            begin = max(arrival, free + port.deselect)
        selected = begin
        bursts += 1
    first_data = begin if joins else begin + port.command + (port.write_latency if write else port.read_latency)
    free = first_data + port.data
    if write:
        writing_cycles += free - begin
    else:
        reading_cycles += free - begin
        latency += free - accepted
        longest = max(longest, free - accepted)
    return Progress(
        free, selected, place + port.request_bytes, write, bursts, latency, longest, reading_cycles, writing_cycles
    )
