"""Double buffering, step by step: when each transfer, computation and store starts and ends."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.compiled import kernel

OPERANDS = 3  # ifmap, weight, ofmap
OFMAP = 2
STORE = 3


@kernel
def play(load_cycles, store_cycles, fresh, compute_cycles, vector_cycles, latency_cycles):
    """Run a stream of steps through buffer halves, one DMA queue, the engine and the vector unit.

    load_cycles int64[steps, 3] and store_cycles int64[steps] are bus cycles, fresh bool[steps, 3] marks a new
    content of an operand's buffer half. The queue serves, in order: loads of step i, the store of step i-2,
    partial sums of step i; a read's data arrive latency_cycles after its request at the earliest.

    Returns start and end, int64[steps, 2] each, of computations and vector work, and int64[steps, 4, 2] of the
    bus for three loads and the store.
    """
    steps = compute_cycles.size
    compute = np.zeros((steps, 2), np.int64)
    vector = np.zeros((steps, 2), np.int64)
    bus = np.zeros((steps, STORE + 1, 2), np.int64)
    bus_free = 0
    compute_end = 0
    vector_end = 0
    begun = np.zeros(OPERANDS, np.int64)  # the step at which the present content of each buffer began
    half_free = np.zeros(OPERANDS, np.int64)  # when the content before the one before it was done with
    for i in range(steps):
        ready = 0
        for operand in range(OPERANDS):
            if operand == OFMAP and i >= 2:
                bus_free = _store(i - 2, bus_free, store_cycles, vector, bus)
            if fresh[i, operand]:
                last = begun[operand] - 1
                if last >= 0:
                    done = max(vector[last, 1], bus[last, STORE, 1])
                    half_free[operand] = done if operand == OFMAP else compute[last, 1]
                begun[operand] = i
            cycles = load_cycles[i, operand]
            if cycles > 0:
                start = max(bus_free, half_free[operand] + latency_cycles)
                bus_free = start + cycles
                bus[i, operand, 0] = start
                bus[i, operand, 1] = bus_free
                ready = bus_free
        compute[i, 0] = max(compute_end, ready, half_free[OFMAP])
        compute_end = compute[i, 0] + compute_cycles[i]
        compute[i, 1] = compute_end
        vector[i, 0] = max(vector_end, compute_end)
        vector_end = vector[i, 0] + vector_cycles[i]
        vector[i, 1] = vector_end
    for i in range(max(steps - 2, 0), steps):
        bus_free = _store(i, bus_free, store_cycles, vector, bus)
    return compute, vector, bus


@kernel
def _store(step, bus_free, store_cycles, vector, bus):
    """Put the store of a step on the bus; returns when the bus is free again."""
    if store_cycles[step] == 0:
        return bus_free
    start = max(bus_free, vector[step, 1])
    bus[step, STORE, 0] = start
    bus[step, STORE, 1] = start + store_cycles[step]
    return bus[step, STORE, 1]
