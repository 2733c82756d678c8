"""Queues of a DRAM channel: requests come in, join others or are served at once, move to their banks, and leave."""

from __future__ import annotations

from accelsim.kernels.compiled import inlined, kernel
from accelsim.kernels.dram_state import FILTER, READS, UNKNOWN, WAITING, WRITES

RING = WAITING - 1
AT_ONCE = -2  # acknowledged or served in the next cycle


@inlined
def _hash(block):
    return (block ^ block >> 8 ^ block >> 14) & (FILTER - 1)


@kernel
def find(block, kind, bank, channel):
    """The unserved request of that kind and block, in its waiting list or its bank's queue; -1 for none."""
    if channel.pending[kind, _hash(block)] == 0:
        return -1
    for place in range(channel.waiting[kind]):
        request = channel.lists[kind, (channel.head[kind] + place) & RING]
        if channel.requests[request].block == block:
            return request
    for place in range(bank.length):
        request = bank.queue[place]
        if channel.requests[request].block == block and channel.requests[request].write == kind:
            return request
    return -1


@inlined
def accept(now, number, block, kind, rules, channel):
    """Take in a request for which there is room; returns the number of the read that it joins, or -1, or AT_ONCE.

    A read of a waiting write's block is served from it in the next cycle, a second request of a waiting block joins
    the first; a write is acknowledged in the next cycle, whenever its data go out.
    """
    index = block >> rules.shift[1] & rules.mask[1]
    index = index * rules.groups + (block >> rules.shift[2] & rules.mask[2])
    index = index * rules.banks + (block >> rules.shift[3] & rules.mask[3])
    bank = channel.banks[index]
    if find(block, WRITES, bank, channel) >= 0:
        channel.data_end = max(channel.data_end, now + 1)
        if kind == WRITES:
            channel.joined[WRITES] += 1
        else:
            channel.served_by_writes += 1
            channel.latency += 1
            channel.longest = max(channel.longest, 1)
        return AT_ONCE
    first = find(block, READS, bank, channel) if kind == READS else -1
    if first >= 0:
        channel.joined[READS] += 1
        request = channel.requests[first]
        request.joined += 1
        request.accepted_sum += now
        before = request.number
        request.number = number
        return before
    channel.free -= 1
    entry = channel.unused[channel.free]
    request = channel.requests[entry]
    request.block = block
    request.bank = index
    request.row = block >> rules.shift[4] & rules.mask[4]
    request.column = block >> rules.shift[5] & rules.mask[5]
    request.write = kind
    request.joined = 1
    request.accepted = now
    request.accepted_sum = now
    request.number = number
    channel.pending[kind, _hash(block)] += 1
    channel.lists[kind, (channel.head[kind] + channel.waiting[kind]) & RING] = entry
    channel.waiting[kind] += 1
    bank.waits[kind] += 1
    if bank.length < rules.queue:
        channel.movable[kind] += 1
    return AT_ONCE if kind == WRITES else -1


@kernel
def stirs(rules, channel):
    """Whether a request could move to its bank's queue, or a drain begin, in the next cycle."""
    if channel.draining > 0:
        return channel.movable[WRITES] > 0
    held = channel.waiting[WRITES]
    return channel.movable[READS] > 0 or held >= rules.waiting or (channel.queued == 0 and held > rules.idle_drain)


@inlined
def start_drain(ended, rules, channel):
    """Begin to drain a write buffer that is full; or holds enough, or anything at the end, while no bank has work."""
    held = channel.waiting[WRITES]
    if held and channel.draining == 0:
        enough = held > rules.idle_drain or (ended and channel.waiting[READS] == 0)
        if held >= rules.waiting or (channel.queued == 0 and enough):
            channel.draining = held


@inlined
def move_one(now, rules, channel):
    """Move one request to its bank's queue: a write during a drain, else a read; returns whether one moved."""
    kind = WRITES if channel.draining > 0 else READS
    place = _first_movable(kind, rules, channel)
    if kind == WRITES and place >= 0:
        request = channel.requests[channel.lists[WRITES, (channel.head[WRITES] + place) & RING]]
        if find(request.block, READS, channel.banks[request.bank], channel) >= 0:
            kind = READS  # a read of the same block goes first
            place = _first_movable(kind, rules, channel)
    if place < 0:
        return False
    entry = _take_out(kind, place, channel)
    channel.draining -= kind
    channel.requests[entry].moved = max(now, channel.requests[entry].accepted)
    index = channel.requests[entry].bank
    bank = channel.banks[index]
    channel.not_before[index] = UNKNOWN
    bank.queue[bank.length] = entry
    bank.length += 1
    bank.stale = 1
    bank.waits[kind] -= 1
    channel.queued += 1
    channel.movable[kind] -= 1
    if bank.length == rules.queue:
        channel.movable[READS] -= bank.waits[READS]
        channel.movable[WRITES] -= bank.waits[WRITES]
    return True


@kernel
def _first_movable(kind, rules, channel):
    """Place in the list of the oldest request whose bank queue has room, or -1."""
    if channel.movable[kind] == 0:
        return -1
    place = 0
    while True:
        entry = channel.lists[kind, (channel.head[kind] + place) & RING]
        if channel.banks[channel.requests[entry].bank].length < rules.queue:
            return place
        place += 1


@inlined
def _take_out(kind, place, channel):
    """Out of a waiting list; the older ones move up."""
    head = channel.head[kind]
    entry = channel.lists[kind, (head + place) & RING]
    for older in range(place, 0, -1):
        channel.lists[kind, (head + older) & RING] = channel.lists[kind, (head + older - 1) & RING]
    channel.head[kind] = (head + 1) & RING
    channel.waiting[kind] -= 1
    return entry


@inlined
def leave(place, bank, rules, channel):
    """Out of its bank's queue, as its column command issues; returns the request's index."""
    if bank.length == rules.queue:
        channel.movable[READS] += bank.waits[READS]
        channel.movable[WRITES] += bank.waits[WRITES]
    entry = bank.queue[place]
    bank.length -= 1
    for later in range(place, bank.length):
        bank.queue[later] = bank.queue[later + 1]
    request = channel.requests[entry]
    channel.pending[request.write, _hash(request.block)] -= 1
    channel.unused[channel.free] = entry
    channel.free += 1
    channel.queued -= 1
    return entry


@kernel
def expected(now, joined):
    """A request's entry in a list of completions as it is accepted: when it is done, if that is known.

    Reads that joined another form a chain, from the last to the first: an entry below 0 is -2 less the number of the
    one before, -1 for none.
    """
    return now + 1 if joined == AT_ONCE else -2 - joined


@kernel
def finish(end, request, done):
    """Note when the reads that a request stands for are done."""
    number = request.number
    while number >= 0:
        earlier = -2 - done[number]
        done[number] = end
        number = earlier


@kernel
def done_before(number, window, done):
    """When the request that lies so many before another is done; below 0 where that is not known yet."""
    return done[number - window] if number >= window else 0
