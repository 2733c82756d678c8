"""Which of many candidate mappings is best: estimated cycles times DRAM bytes of each, in one pass."""

from __future__ import annotations

import math
from typing import NamedTuple

from accelsim.kernels.compiled import kernel


class Goal(NamedTuple):
    """What is made least: a cost of bytes and cycles, or that times cycles."""

    fixed: float
    per_byte: float
    per_cycle: float
    times_cycles: bool


@kernel
def least(
    pieces,
    piece_bytes,
    share,
    rest_share,
    compute,
    busiest,
    contents,
    end_bytes,
    moved,
    per_cycle,
    latency,
    goal,
    halves,
):
    """Index and score of the first candidate with the least score.

    pieces, piece_bytes, share and rest_share float64[3, n]: transfers of each operand, and the share of the time in
    which they lie; compute, busiest, moved float64[n], contents and end_bytes int64[n]; per_cycle bytes that DRAM
    moves in a cycle. Each transfer takes whole cycles. A buffer half is asked for only when it is free, so that of
    every two contents one latency shows; where a buffer has one half, all of its transfers do. goal is a Goal, halves
    three integers.
    """
    best, best_score = -1, math.inf
    for i in range(moved.size):
        ifmap = math.ceil(piece_bytes[0, i] / per_cycle) * pieces[0, i]
        weight = math.ceil(piece_bytes[1, i] / per_cycle) * pieces[1, i]
        ofmap = math.ceil(piece_bytes[2, i] / per_cycle) * pieces[2, i]
        transfers = ifmap + weight + ofmap
        crowded = 0.0
        for operand, each in enumerate((ifmap, weight, ofmap)):
            rest = transfers - each
            part = share[operand, i]
            time = max(part * busiest[i], each + part * rest) + rest_share[operand, i] * max(busiest[i], rest)
            crowded = max(crowded, time)
        in_turn = (contents[i] * latency + transfers + compute[i]) / 2
        shown = ifmap * (halves[0] == 1) + weight * (halves[1] == 1) + ofmap * (halves[2] == 1)
        if shown > 0:
            crowded = max(crowded, shown + contents[i] * latency + busiest[i])
        cycles = max(crowded, in_turn) + (end_bytes[i] / per_cycle + latency)
        cost = goal.fixed + goal.per_byte * moved[i] + goal.per_cycle * cycles
        score = cost * cycles if goal.times_cycles else cost
        if best < 0 or score < best_score:
            best, best_score = i, score
    return best, best_score
