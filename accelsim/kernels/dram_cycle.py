"""A DRAM controller, command by command; cycles in which nothing can happen are skipped."""

from __future__ import annotations

from accelsim.kernels.compiled import inlined, kernel
from accelsim.kernels.dram_banks import (
    ANY,
    COLUMNS,
    ROWS,
    activate,
    class_of,
    next_legal,
    pick,
    precharge,
    refresh,
    toward_refresh,
    transfer,
)
from accelsim.kernels.dram_queues import accept, done_before, expected, finish, leave, move_one, start_drain, stirs
from accelsim.kernels.dram_state import (
    ACTIVATE,
    NEVER,
    PRECHARGE,
    READ,
    READS,
    REFRESH,
    UNKNOWN,
    WRITES,
)

NOW, PUSHED, LAST = 0, 1, 2  # places in clock; LAST: no request comes any more
MORE, FULL, ENDED = 0, 1, 2  # why run returned
RECORD = 7  # cycle, channel, command, rank, bank of the rank, row, column; -1 where there is none


@kernel
def run(rules, channels, clock, arrival, block, is_write, taken, last, records, done):
    """Feed requests from number `taken` on, in order and not before their arrival.

    rules a RULES, channels CHANNEL[channels], clock int64[2], arrival and block int64[requests] and is_write uint8;
    last: they are the trace's last. records int64[n, 7] takes every command, done int64[requests] each request's
    completion; both may be empty. Returns why it stopped: MORE requests wanted, records FULL, or ENDED; how many
    requests were taken, and how many records written.
    """
    now, pushed, recorded = clock[NOW], clock[PUSHED], 0
    ended = False
    while True:
        while pushed < rules.channels and taken < block.size and arrival[taken] <= now:
            channel = channels[block[taken] >> rules.shift[0] & rules.mask[0]]
            kind = WRITES if is_write[taken] else READS
            if channel.waiting[kind] == rules.waiting:
                break
            joined = accept(now, taken, block[taken], kind, rules, channel)
            if done.size:
                done[taken] = expected(now, joined)
            if stirs(rules, channel):
                channel.wake = now
            taken += 1
            pushed += 1
        starved = taken == block.size and not last
        full = records.size > 0 and recorded + 2 * rules.channels > records.shape[0]
        if full or (starved and pushed < rules.channels):
            clock[NOW], clock[PUSHED] = now, pushed
            return FULL if full else MORE, taken, recorded
        if last and taken == block.size and not ended:
            ended = True
            for index in range(rules.channels):
                channels[index].wake = now
        soonest, data_end, waits, recorded = _cycle(now, ended, rules, channels, records, recorded, done)
        if ended and not waits and soonest >= data_end:
            clock[NOW] = data_end
            return ENDED, taken, recorded
        if starved:
            soonest = now + 1
        elif taken < block.size:
            channel = channels[block[taken] >> rules.shift[0] & rules.mask[0]]
            if channel.waiting[WRITES if is_write[taken] else READS] < rules.waiting:
                soonest = min(soonest, max(arrival[taken], now + 1))
        now = soonest
        pushed = 0


@kernel
def feed(block, count, kind, at, number, window, rules, channels, clock, done):
    """Feed requests for successive blocks, not before a cycle; the channels go on until the last one is accepted.

    clock int64[3]; number of the first request, an index into done; window: a request waits until the one so many
    before it is done. Returns the cycle in which the last was accepted.
    """
    now, pushed, sent = clock[NOW], clock[PUSHED], 0
    while True:
        while (
            sent < count
            and pushed < rules.channels
            and _admits(now, block + sent, kind, at, number + sent, window, rules, channels, done)
        ):
            channel = channels[(block + sent) >> rules.shift[0] & rules.mask[0]]
            done[number + sent] = expected(now, accept(now, number + sent, block + sent, kind, rules, channel))
            if stirs(rules, channel):
                channel.wake = now
            sent += 1
            pushed += 1
        if sent == count:
            clock[NOW], clock[PUSHED] = now, pushed
            return now
        soonest, _, _ = _advance(now, rules, channels, clock, done)
        freed = done_before(number + sent, window, done)
        if _has_room(block + sent, kind, rules, channels) and freed >= 0:
            soonest = min(soonest, max(at, freed, now + 1))
        now, pushed = soonest, 0


@inlined
def _admits(now, block, kind, at, number, window, rules, channels, done):
    return at <= now and 0 <= done_before(number, window, done) <= now and _has_room(block, kind, rules, channels)


@inlined
def _has_room(block, kind, rules, channels):
    return channels[block >> rules.shift[0] & rules.mask[0]].waiting[kind] < rules.waiting


@kernel
def await_done(first, end, rules, channels, clock, done):
    """Let the channels go on until it is known when requests from first up to end are done; returns when the last is.

    No further than that: the next request may come in the cycle after.
    """
    latest, now = 0, clock[NOW]
    for number in range(first, end):
        while done[number] < 0:
            soonest, _, _ = _advance(now, rules, channels, clock, done)
            clock[NOW], clock[PUSHED] = now + 1, 0
            now = soonest
        latest = max(latest, done[number])
    return latest


@kernel
def drain(rules, channels, clock, done):
    """Let the channels finish all that waits; returns the end of the last data."""
    now = clock[NOW]
    clock[LAST] = 1
    for index in range(rules.channels):
        channels[index].wake = now
    while True:
        soonest, data_end, waits = _advance(now, rules, channels, clock, done)
        if not waits and soonest >= data_end:
            clock[NOW] = data_end
            return data_end
        now = soonest


@kernel
def _advance(now, rules, channels, clock, done):
    """A cycle of all channels, where nobody keeps a list of commands."""
    nothing = done[:0].reshape((0, 1))
    soonest, data_end, waits, _ = _cycle(now, clock[LAST] > 0, rules, channels, nothing, 0, done)
    return soonest, data_end, waits


@inlined
def _cycle(now, ended, rules, channels, records, recorded, done):
    """One cycle of all channels.

    Returns the next cycle in which something can happen, when the last data end, whether requests wait, and how many
    commands are written down.
    """
    soonest, data_end, waits = NEVER, 0, 0
    for index in range(rules.channels):
        channel = channels[index]
        if channel.wake <= now:
            channel.issued = 0
            channel.wake = tick(now, ended, rules, channel)
            for order in range(channel.issued):
                if records.size:
                    _record(now, index, order, rules, channel, records, recorded)
                    recorded += 1
                if done.size and channel.issue[order, 0] == READ:
                    finish(now + rules.data_end[READS], channel.requests[channel.issue[order, 4]], done)
        soonest = min(soonest, channel.wake)
        data_end = max(data_end, channel.data_end)
        waits += channel.waiting[READS] + channel.waiting[WRITES] + channel.queued
    return soonest, data_end, waits, recorded


@kernel
def _record(now, index, order, rules, channel, records, recorded):
    """Write a command down."""
    per_rank = rules.groups * rules.banks
    command, bank = channel.issue[order, 0], channel.issue[order, 1]
    records[recorded, 0], records[recorded, 1], records[recorded, 2] = now, index, command
    records[recorded, 3], records[recorded, 4] = bank // per_rank, -1 if command == REFRESH else bank % per_rank
    records[recorded, 5], records[recorded, 6] = channel.issue[order, 2], channel.issue[order, 3]


@inlined
def tick(now, ended, rules, channel):
    """One cycle of one channel: refresh, a command, a move; returns the next cycle in which something can happen."""
    frozen, oldest, soonest = _refresh_due(now, rules, channel)
    wanted = ANY
    for _ in range(1 + rules.two_buses):
        bank, command, place = -1, REFRESH, 0
        if oldest >= 0 and wanted == ANY:
            bank, command, at = toward_refresh(now, oldest, rules, channel)
            soonest = min(soonest, max(at, now + 1))
        if bank < 0:
            bank, command, place = pick(now, wanted, frozen, rules, channel)
            if bank < 0:
                break
            channel.turn = bank
        issue(now, bank, command, place, rules, channel)
        wanted = ROWS if class_of(command) == COLUMNS else COLUMNS
    start_drain(ended, rules, channel)
    move_one(now, rules, channel)
    if stirs(rules, channel):
        return now + 1
    return min(soonest, max(next_legal(rules, channel), now + 1))


@inlined
def _refresh_due(now, rules, channel):
    """Mask of ranks that wait for their refresh, the one that has waited longest or -1, and when the next falls due."""
    frozen, oldest, next_due = 0, -1, NEVER
    for number in range(rules.ranks):
        rank = channel.ranks[number]
        if rank.refresh_due <= now:
            if rank.refresh_waiting < 0:
                rank.refresh_waiting = rank.refresh_due
            rank.refresh_due += rules.refresh_interval
        next_due = min(next_due, rank.refresh_due)
        if rank.refresh_waiting >= 0:
            frozen |= 1 << number
            if oldest < 0 or rank.refresh_waiting < channel.ranks[oldest].refresh_waiting:
                oldest = number
    return frozen, oldest, next_due


@inlined
def issue(now, index, command, place, rules, channel):
    """Do what a command does, and count it."""
    bank = channel.banks[index]
    row, column, entry = bank.row, -1, -1
    if command == ACTIVATE:
        row = channel.requests[bank.queue[place]].row
        activate(now, index, row, rules, channel)
    elif command == PRECHARGE:
        precharge(now, index, rules, channel)
    elif command == REFRESH:
        refresh(now, bank.rank, rules, channel)
    else:
        entry = leave(place, bank, rules, channel)
        request = channel.requests[entry]
        column = request.column
        transfer(now, index, request.write, rules, channel)
        end = now + rules.data_end[request.write]
        channel.data_end = max(channel.data_end, end)
        channel.row_hits += bank.served > 1
        if request.write == READS:
            channel.latency += end * request.joined - request.accepted_sum
            channel.longest = max(channel.longest, end - request.accepted)
    bank.stale = 1
    channel.not_before[index] = UNKNOWN
    channel.commands[command] += 1
    _note(command, index, row, column, entry, channel)


@inlined
def _note(command, bank, row, column, entry, channel):
    """Leave word of a command for who keeps a list."""
    order = channel.issued
    channel.issue[order, 0] = command
    channel.issue[order, 1] = bank
    channel.issue[order, 2] = row
    channel.issue[order, 3] = column
    channel.issue[order, 4] = entry
    channel.issued += 1
