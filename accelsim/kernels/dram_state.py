"""What a DRAM controller knows: its rules, and for each channel what it holds between two cycles.

Structured records: numba passes one by its address, whatever it holds, and its layout is known when it compiles.
So their sizes are fixed, at the largest that a device may have. Every field is an int64 unless said.
"""

from __future__ import annotations

import numpy as np

NEVER = 2**62  # a cycle that does not come
UNKNOWN = -1  # a cycle that has to be found anew

# The largest channel
RANKS, GROUPS, BANKS = 8, 64, 64
QUEUE, WAITING = 32, 128  # a power of two each
REQUESTS = 2 * WAITING + BANKS * QUEUE

ACTIVATE, PRECHARGE, READ, WRITE, REFRESH = range(5)  # commands
SAME_GROUP, SAME_RANK, OTHER_RANK = range(3)  # relations between the banks of two column commands
READS, WRITES = 0, 1  # kinds of requests, as is_write has them
FILTER = 1024


def _record(fields: dict[str, int | tuple[int, ...] | tuple[np.dtype, int]]) -> np.dtype:
    """int64 fields of the given shapes; 0 is a plain number."""
    entries = [
        (name, *shape) if isinstance(shape, tuple) and isinstance(shape[0], np.dtype) else (name, np.int64, shape or ())
        for name, shape in fields.items()
    ]
    return np.dtype((np.record, np.dtype(entries)))


RULES = _record(
    {
        "channels": 0,
        "ranks": 0,
        "groups": 0,
        "banks": 0,  # of a group
        "waiting": 0,  # requests of the read queue, and of the write buffer
        "queue": 0,  # requests of a bank queue
        "row_hit_cap": 0,
        "idle_drain": 0,  # more writes than this are drained once no bank has work
        "closed_page": 0,
        "two_buses": 0,  # a row and a column command may issue in one cycle
        "shift": 6,  # of channel, rank, group, bank, row, column in a block's number
        "mask": 6,
        # cycles that must pass between two commands; 0 where there is no such rule
        "act_to_column": 2,  # to a read, to a write
        "act_to_pre": 0,
        "act_to_act": 0,
        "act_to_act_group": 0,
        "act_to_act_rank": 0,
        "four_acts": 0,
        "many_acts": 0,  # window of 32 activates
        "pre_to_act": 0,
        "pre_to_pre": 0,
        "column_to_pre": 2,
        "column_to_column": (2, 3, 2),  # from a read or write, by relation, to a read or write
        "data_end": 2,  # from a read or write to the end of its data
        "refresh": 0,
        "refresh_interval": 0,
    }
)
BANK = _record(
    {
        "group": 0,  # of the channel
        "rank": 0,
        "row": 0,  # the open one, or -1
        "act_at": 0,  # the first cycle in which the bank itself allows the command
        "pre_at": 0,
        "column_at": 2,
        "served": 0,  # column commands since the row was opened
        "length": 0,
        "queue": QUEUE,  # requests, oldest first
        "waits": 2,  # reads, writes that wait for a place in it
        "stale": 0,  # whether the next three have to be found anew
        "first_hit": 2,  # place in the queue of the oldest read, write of the open row that may go, or -1
        "may_close": 0,  # whether the oldest request may close the row
    }
)
GROUP = _record({"act_at": 0, "column_at": 2})  # the first cycle in which other banks allow the command
RANK = _record(
    {
        "act_at": 0,  # by the windows of four and of 32 activates
        "pre_at": 0,
        "open": 0,  # banks
        "open_since": 0,
        "open_cycles": 0,
        "refresh_due": 0,
        "refresh_waiting": 0,  # cycle in which the waiting one fell due, or -1
        "acts": 0,
        "window": 32,  # cycles of the last activates
    }
)
REQUEST = _record(
    {
        "block": 0,
        "bank": 0,
        "row": 0,
        "column": 0,
        "write": 0,
        "joined": 0,  # reads that it stands for
        "accepted": 0,  # cycle of the first of them
        "accepted_sum": 0,
        "moved": 0,  # cycle in which it moved to its bank's queue
        "number": 0,  # in the trace; of the one that joined last
    }
)
CHANNEL = _record(
    {
        "wake": 0,  # next cycle in which something can happen
        "stirred": 0,  # request by request: whether wake has to be found anew
        "next_bank": 0,  # request by request: the bank that wakes first
        "moved": 0,  # request by request: the next cycle in which a request can move to its bank's queue
        "need": BANKS,  # request by request: what each bank's next request needs,
        "place": BANKS,  # its place in the queue,
        "kind": BANKS,  # and whether it writes
        "turn": 0,  # bank that issued last
        "queued": 0,  # requests in all bank queues
        "draining": 0,  # writes that the drain under way still has to move
        "waiting": 2,  # requests in the read queue, in the write buffer
        "lists": (2, WAITING),  # the same in a ring, oldest first
        "head": 2,  # where the oldest stands
        "movable": 2,  # how many of them find room in their bank's queue
        "free": 0,  # requests not in use
        "unused": REQUESTS,
        "pending": (2, FILTER),  # unserved reads, writes by a hash of their block
        "data_end": 0,
        "latency": 0,  # sum over reads, from acceptance to the end of the data
        "longest": 0,
        "row_hits": 0,
        "served_by_writes": 0,
        "joined": 2,
        "commands": 5,  # how many of each
        "issued": 0,  # commands of the last cycle, and what they were:
        "issue": (2, 5),  # command, bank, row, column, request; -1 where there is none
        "not_before": BANKS,  # cycle before which a bank's queue has no legal command, or UNKNOWN
        "banks": (BANK, BANKS),
        "groups": (GROUP, GROUPS),
        "ranks": (RANK, RANKS),
        "requests": (REQUEST, REQUESTS),
    }
)


def new_channels(rules: np.record) -> np.recarray:
    """Every bank closed, every queue empty, cycle 0; ranks refresh at even distances; a record for each channel."""
    channels = np.zeros(rules.channels, CHANNEL).view(np.recarray)
    channels["banks"]["row"] = -1
    channels["banks"]["first_hit"] = -1
    channels["unused"] = np.arange(REQUESTS)[::-1]
    channels["free"] = REQUESTS
    channels["not_before"] = NEVER
    bank = np.arange(BANKS)
    channels["banks"]["group"] = bank // rules.banks
    channels["banks"]["rank"] = bank // (rules.banks * rules.groups)
    channels["stirred"] = 1
    channels["turn"] = rules.ranks * rules.groups * rules.banks - 1
    channels["ranks"]["refresh_waiting"] = -1
    due = (np.arange(RANKS) + 1) * rules.refresh_interval // rules.ranks
    channels["ranks"]["refresh_due"] = due if rules.refresh_interval else NEVER
    return channels
