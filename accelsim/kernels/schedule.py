"""Buffering, step by step: when each transfer, computation and store starts and ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels import dram_cycle, dram_serial, dram_transaction
from accelsim.kernels.compiled import kernel
from accelsim.kernels.dram_serial import Port, Progress
from accelsim.kernels.dram_state import READS, REFRESH, WRITES

OPERANDS = 3  # ifmap, weight, ofmap
OFMAP = 2
STORE = 3
RESOLVED, COMPUTED, WORKED, BUS_FREE, SENT = range(5)  # places in state.at


class Steps(NamedTuple):
    """A stream of steps."""

    sizes: np.ndarray  #: int64[steps, 4], three loads and the store: bytes, or bus cycles of an ideal memory
    addresses: np.ndarray  #: int64[steps, 3], the store's being the ofmap's; of an ideal memory int64[0, 3]
    fresh: np.ndarray  #: bool[steps, 3]: a new content of an operand's buffer half begins
    compute_cycles: np.ndarray  #: int64[steps]
    vector_cycles: np.ndarray  #: int64[steps]
    halves: np.ndarray  #: int64[3]: contents that each operand's buffer has room for, 1 or 2


class Banks(NamedTuple):
    """A DRAM of banks."""

    rules: np.record
    channels: np.recarray
    clock: np.ndarray  #: int64[3]
    done: np.ndarray  #: int64[requests of all steps]
    window: int  #: requests that may be under way


class Wire(NamedTuple):
    """A memory behind a serial port."""

    port: Port
    state: np.ndarray  #: int64[9]: how far it is, a Progress


class Memory(NamedTuple):
    """What the DMA engine talks to: ideal unless one of the last three is there; the others are None."""

    latency: int  #: of the ideal one, from a read's request to its data
    request_bytes: int
    memory_cycles: int  #: as long as so many
    engine_cycles: int  #: of the engine
    cycles: Banks | None
    transactions: Banks | None
    wire: Wire | None


class State(NamedTuple):
    """What is known of all steps so far; engine cycles, int64."""

    compute: np.ndarray  #: [steps, 2]: start and end
    vector: np.ndarray  #: [steps, 2]
    bus: np.ndarray  #: [steps, 4, 2]: three loads and the store
    ready: np.ndarray  #: [steps]: when all that a step loads is there
    before: np.ndarray  #: [steps]: the last step that needs its ofmap half for another content, or -1
    room: np.ndarray  #: [steps]: when its ofmap half is free
    refreshes: np.ndarray  #: [steps]: how many there were when it was ready
    first: np.ndarray  #: [steps, 4]: number of each transfer's first request
    at: np.ndarray  #: [5]


@kernel
def play(stream, memory):
    """Run Steps through buffer halves, one DMA queue, the engine and the vector unit.

    The queue takes, in order: loads of step i, the store of step i-2 (i-1 where the ofmap's buffer has one half),
    partial sums of step i. A load waits for its buffer half, a store for its results; the ones behind it wait as well.

    Returns a State, whose transfers are apart from each other, and the cycle in which the memory is done.
    """
    steps, behind = stream.compute_cycles.size, stream.halves[OFMAP]
    state = State(
        np.zeros((steps, 2), np.int64),
        np.zeros((steps, 2), np.int64),
        np.zeros((steps, STORE + 1, 2), np.int64),
        np.zeros(steps, np.int64),
        np.zeros(steps, np.int64),
        np.zeros(steps, np.int64),
        np.zeros(steps, np.int64),
        np.zeros((steps, STORE + 1), np.int64),
        np.zeros(5, np.int64),
    )
    begun = np.zeros(OPERANDS, np.int64)  # the step at which the present content of each buffer began
    before = np.full(OPERANDS, -1, np.int64)  # the last step that needs its half for another one
    for i in range(steps):
        for operand in range(OPERANDS):
            if operand == OFMAP and i >= behind:
                _store(i - behind, stream, state, memory)
            if stream.fresh[i, operand]:
                before[operand] = (begun[operand] if stream.halves[operand] == 2 else i) - 1
                begun[operand] = i
            if stream.sizes[i, operand]:
                _resolve(before[operand], stream, state, memory)
                _send(i, operand, _free(before[operand], operand, state), stream, state, memory)
        state.before[i] = before[OFMAP]
    for i in range(max(steps - behind, 0), steps):
        _store(i, stream, state, memory)
    _resolve(steps - 1, stream, state, memory)
    end = _drain(memory.cycles, memory.transactions)
    if end >= 0:
        _apart(state.bus, behind, _of_engine(end, memory))
    return state, max(state.at[BUS_FREE], _of_engine(end, memory))


@kernel
def _free(last, operand, state):
    """When a buffer half is free that is needed up to a step; at once for -1."""
    if last < 0:
        return 0
    if operand == OFMAP:
        return max(state.vector[last, 1], state.bus[last, STORE, 1])
    return state.compute[last, 1]


@kernel
def _store(step, stream, state, memory):
    """Hand over a step's results, if there are any, when they are known to be there."""
    if stream.sizes[step, STORE] == 0:
        return
    _resolve(step, stream, state, memory)
    _send(step, STORE, state.vector[step, 1], stream, state, memory)


@kernel
def _send(step, place, at, stream, state, memory):
    """Hand a transfer to the memory, not before a cycle, and note its end, or the first of its requests."""
    size = stream.sizes[step, place]
    if stream.addresses.shape[0] == 0:
        state.bus[step, place, 0] = max(state.at[BUS_FREE], at if place == STORE else at + memory.latency)
        state.bus[step, place, 1] = state.at[BUS_FREE] = state.bus[step, place, 0] + size
        return
    block, count = _blocks(stream.addresses[step, min(place, OFMAP)], size, memory.request_bytes)
    state.first[step, place] = number = state.at[SENT]
    state.at[SENT] += count
    asked = -(-at * memory.memory_cycles // memory.engine_cycles)
    kind = WRITES if place == STORE else READS
    end = _feed(block, count, kind, asked, number, memory.cycles, memory.transactions, memory.wire)
    state.bus[step, place, 0] = at
    state.bus[step, place, 1] = _of_engine(end, memory)
    if memory.wire is not None:
        state.bus[step, place, 0] = max(at, state.at[BUS_FREE])
        state.at[BUS_FREE] = state.bus[step, place, 1]


@kernel
def _feed(block, count, kind, at, number, cycles, transactions, wire):
    """Pass requests on to the memory that there is.

    Returns when the last was accepted, or on a serial port done; a write is done for the DMA engine in the cycle after.
    """
    if cycles is not None:
        return 1 + dram_cycle.feed(
            block, count, kind, at, number, cycles.window, cycles.rules, cycles.channels, cycles.clock, cycles.done
        )
    if transactions is not None:
        return 1 + dram_transaction.feed(
            block,
            count,
            kind,
            at,
            number,
            transactions.window,
            transactions.rules,
            transactions.channels,
            transactions.clock,
            transactions.done,
        )
    if wire is not None:
        s = wire.state
        before = Progress(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8])
        after = dram_serial.feed(wire.port, before, block, count, kind, at)
        for place in range(s.size):
            s[place] = after[place]
        return after.free
    return 0


@kernel
def _resolve(upto, stream, state, memory):
    """Find out when all steps up to one compute: only as far as the next transfer needs to know.

    A memory whose requests interact goes on meanwhile, but not past what a later one could still change.
    """
    for i in range(state.at[RESOLVED], upto + 1):
        ready = 0
        for operand in range(OPERANDS):
            if stream.sizes[i, operand]:
                end = _await(i, operand, stream, state, memory, memory.cycles, memory.transactions)
                if end >= 0:
                    state.bus[i, operand, 1] = _of_engine(end, memory)
                ready = max(ready, state.bus[i, operand, 1])
        state.refreshes[i] = _refreshes(memory.cycles, memory.transactions)
        state.ready[i] = ready
        state.room[i] = _free(state.before[i], OFMAP, state)
        state.compute[i, 0] = max(state.at[COMPUTED], ready, state.room[i])
        state.compute[i, 1] = state.at[COMPUTED] = state.compute[i, 0] + stream.compute_cycles[i]
        state.vector[i, 0] = max(state.at[WORKED], state.compute[i, 1])
        state.vector[i, 1] = state.at[WORKED] = state.vector[i, 0] + stream.vector_cycles[i]
    state.at[RESOLVED] = max(state.at[RESOLVED], upto + 1)


@kernel
def _await(step, operand, stream, state, memory, cycles, transactions):
    """When the last of a load's requests is done, in cycles of banks; -1 where its end is known already."""
    if cycles is None and transactions is None:
        return -1
    _, count = _blocks(stream.addresses[step, operand], stream.sizes[step, operand], memory.request_bytes)
    first = state.first[step, operand]
    if cycles is not None:
        return dram_cycle.await_done(first, first + count, cycles.rules, cycles.channels, cycles.clock, cycles.done)
    if transactions is not None:
        return dram_transaction.await_done(
            first, first + count, transactions.rules, transactions.channels, transactions.clock, transactions.done
        )
    return -1


@kernel
def _drain(cycles, transactions):
    """Let banks finish; returns when they have, or -1 where there are none."""
    if cycles is not None:
        return dram_cycle.drain(cycles.rules, cycles.channels, cycles.clock, cycles.done)
    if transactions is not None:
        return dram_transaction.drain(transactions.rules, transactions.channels, transactions.clock, transactions.done)
    return -1


@kernel
def _refreshes(cycles, transactions):
    """How many refreshes there were so far."""
    total = 0
    if cycles is not None:
        for index in range(cycles.channels.size):
            total += cycles.channels[index].commands[REFRESH]
    if transactions is not None:
        for index in range(transactions.channels.size):
            total += transactions.channels[index].commands[REFRESH]
    return total


@kernel
def _blocks(address, size, request_bytes):
    """Number of a transfer's first block, and how many there are."""
    block = address // request_bytes
    return block, (address + size - 1) // request_bytes - block + 1


@kernel
def _of_engine(cycle, memory):
    """A cycle of the memory as one of the engine, rounded up."""
    return -(-cycle * memory.engine_cycles // memory.memory_cycles)


@kernel
def _apart(bus, behind, end):
    """Cut transfers where they overlap, in the order of the queue: each begins when the last one's data have ended.

    If the last one is a store it ends with the memory, which may hold back what is written.
    """
    steps, free = bus.shape[0], 0
    last_step, last_place = -1, OFMAP
    for i in range(steps + behind):
        for place in (0, 1, STORE, OFMAP):
            step = i - behind if place == STORE else i
            if 0 <= step < steps and bus[step, place, 1] > 0:
                start = max(bus[step, place, 0], free)
                free = max(bus[step, place, 1], start)
                bus[step, place, 0] = start
                bus[step, place, 1] = free
                last_step, last_place = step, place
    if last_place == STORE:
        bus[last_step, last_place, 1] = max(free, end)
