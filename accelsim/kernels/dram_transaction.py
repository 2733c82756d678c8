"""A DRAM, request by request: each is served when its bank and the buses allow, without its commands being played.

The queues are those of the command-by-command controller. Of all banks the one whose next request can move its data
first is served; rows are opened and closed in the background as early as the timing allows.
"""

from __future__ import annotations

from accelsim.kernels.compiled import inlined, kernel
from accelsim.kernels.dram_banks import activate, close, survey, transfer
from accelsim.kernels.dram_queues import accept, done_before, expected, finish, leave, move_one, start_drain
from accelsim.kernels.dram_state import ACTIVATE, NEVER, PRECHARGE, READ, READS, REFRESH, UNKNOWN, WRITES

NOW, GATE, PUSHED = 0, 1, 2  # places in clock
MORE, ENDED = 0, 2  # why run returned
NOTHING, HIT, MISS = 0, 1, 2  # what the next request of a bank needs


@kernel
def run(rules, channels, clock, arrival, block, is_write, taken, last, done):
    """Feed requests from number `taken` on, in order and not before their arrival; as in dram_cycle.run.

    clock int64[3]; done is empty. Returns MORE where it wants further requests, or ENDED, and the requests taken.
    """
    now, gate, pushed = clock[NOW], clock[GATE], clock[PUSHED]
    settled_end = False
    while True:
        while taken < block.size and arrival[taken] <= now:
            channel = channels[block[taken] >> rules.shift[0] & rules.mask[0]]
            kind = WRITES if is_write[taken] else READS
            if channel.waiting[kind] == rules.waiting:
                break
            if now > gate or pushed == rules.channels:  # so many are taken in a cycle
                gate, pushed = max(now, gate + 1), 0
            accept(gate, taken, block[taken], kind, rules, channel)
            _stir(gate, rules, channel)
            pushed += 1
            taken += 1
        if taken == block.size and not last:
            clock[NOW], clock[GATE], clock[PUSHED] = now, gate, pushed
            return MORE, taken
        ended = taken == block.size
        first, soonest = _soonest(now, ended, ended and not settled_end, rules, channels)
        settled_end = ended
        if not ended and now < arrival[taken] <= soonest:
            now = arrival[taken]
        elif first >= 0:
            now = max(now, soonest)
            _serve(soonest, rules, channels[first], done)
        else:
            break
    end = _end(rules, channels)
    clock[NOW] = end
    return ENDED, taken


@kernel
def feed(block, count, kind, at, number, window, rules, channels, clock, done):
    """Feed requests for successive blocks, not before a cycle; as in dram_cycle.feed."""
    now, gate, pushed, sent = clock[NOW], clock[GATE], clock[PUSHED], 0
    while True:
        freed = done_before(number + sent, window, done)
        channel = channels[(block + sent) >> rules.shift[0] & rules.mask[0]]
        room = channel.waiting[kind] < rules.waiting
        if room and 0 <= freed <= now and at <= now:
            if now > gate or pushed == rules.channels:
                gate, pushed = max(now, gate + 1), 0
            joined = accept(gate, number + sent, block + sent, kind, rules, channel)
            done[number + sent] = expected(gate, joined)
            _stir(gate, rules, channel)
            pushed += 1
            sent += 1
            if sent == count:
                clock[NOW], clock[GATE], clock[PUSHED] = now, gate, pushed
                return gate
            continue
        first, soonest = _soonest(now, False, False, rules, channels)
        allowed = max(at, freed)
        if freed >= 0 and now < allowed <= soonest:  # there may be room now, as requests moved on
            now = allowed
        else:
            now = max(now, soonest)
            _serve(soonest, rules, channels[first], done)


@kernel
def await_done(first, end, rules, channels, clock, done):
    """Serve requests until those from first up to end are done, or known to be; returns when the last is."""
    latest = 0
    for number in range(first, end):
        while done[number] < 0:
            index, soonest = _soonest(clock[NOW], False, False, rules, channels)
            clock[NOW] = max(clock[NOW], soonest)
            _serve(soonest, rules, channels[index], done)
        latest = max(latest, done[number])
    return latest


@kernel
def drain(rules, channels, clock, done):
    """Serve all that waits; returns the end of the last data."""
    anew = True
    while True:
        index, soonest = _soonest(clock[NOW], True, anew, rules, channels)
        if index < 0:
            clock[NOW] = _end(rules, channels)
            return clock[NOW]
        anew = False
        clock[NOW] = max(clock[NOW], soonest)
        _serve(soonest, rules, channels[index], done)


@kernel
def _soonest(now, ended, anew, rules, channels):
    """The channel that can move data first, or -1, and when; those that changed, or all, are looked at anew."""
    first, soonest = -1, NEVER
    for index in range(rules.channels):
        channel = channels[index]
        if channel.stirred or anew:
            _settle(now, ended, rules, channel)
        if channel.wake < soonest:
            first, soonest = index, channel.wake
    return first, soonest


@kernel
def _end(rules, channels):
    """The end of the last data, with every refresh that falls due until then."""
    end = 0
    for index in range(rules.channels):
        end = max(end, channels[index].data_end)
    for index in range(rules.channels):
        for number in range(rules.ranks):
            while channels[index].ranks[number].refresh_due < end:
                _refresh(number, rules, channels[index])
    return end


@kernel
def _stir(now, rules, channel):
    """A request came in: a drain may begin at once."""
    channel.stirred = 1
    if channel.queued == 0 and channel.waiting[WRITES] > rules.idle_drain:
        _move_all(now, False, rules, channel)


@kernel
def _settle(now, ended, rules, channel):
    """Move what can be moved to the banks' queues, and find out which bank can move data first."""
    _move_all(now, ended, rules, channel)
    channel.stirred = 0
    while True:
        _choose(rules, channel)
        if channel.wake == NEVER:
            return
        rank = channel.banks[channel.next_bank].rank
        if channel.wake < channel.ranks[rank].refresh_due:
            return
        _refresh(rank, rules, channel)


@kernel
def _move_all(now, ended, rules, channel):
    """Move what can be moved to the banks' queues, one a cycle."""
    start_drain(ended, rules, channel)
    moved = max(now, channel.moved)
    while move_one(moved, rules, channel):
        moved += 1
        start_drain(ended, rules, channel)
    channel.moved = moved


@inlined
def _choose(rules, channel):
    """The bank that can move data first; ties go by turns, starting after the one served last."""
    last = rules.ranks * rules.groups * rules.banks - 1  # all bits set, as banks are a power of two
    best, nearest = NEVER, 0
    index, group_index = 0, 0
    for number in range(rules.ranks):
        act_at = channel.ranks[number].act_at
        for _ in range(rules.groups):
            group = channel.groups[group_index]
            group_index += 1
            opens = max(act_at, group.act_at)
            for _ in range(rules.banks):
                if channel.not_before[index] == UNKNOWN:
                    _plan(index, rules, channel)
                need = channel.need[index]
                if need != NOTHING:
                    kind = channel.kind[index]
                    at = channel.not_before[index]
                    if need == MISS:
                        at = max(at, opens) + rules.act_to_column[kind]
                    at = max(at, group.column_at[kind])
                    turns = (index - channel.turn - 1) & last
                    if at < best or (at == best and turns < nearest):
                        best, nearest = at, turns
                index += 1
    channel.wake = best
    channel.next_bank = (channel.turn + 1 + nearest) & last


@inlined
def _plan(index, rules, channel):
    """Note what a bank's next request needs, its place in the queue, its kind, and when the bank itself is ready.

    For a hit that is when its column command may come, for a miss when its row may be opened.
    """
    bank = channel.banks[index]
    channel.need[index] = NOTHING
    channel.not_before[index] = 0
    if bank.length == 0:
        return
    if bank.stale:
        survey(bank, channel, rules.row_hit_cap)
    group = channel.groups[bank.group]
    opens = bank.act_at
    if bank.row >= 0:
        best = NEVER
        for kind in (READS, WRITES):
            hit = bank.first_hit[kind]
            if hit < 0:
                continue
            at = max(channel.requests[bank.queue[hit]].moved + 1, bank.column_at[kind])
            together = max(at, group.column_at[kind])
            if together < best or (together == best and hit < channel.place[index]):
                best = together
                channel.need[index], channel.place[index], channel.kind[index] = HIT, hit, kind
                channel.not_before[index] = at
        if not bank.may_close or best < bank.pre_at:
            return
        opens = max(opens, bank.pre_at + rules.pre_to_act)
    request = channel.requests[bank.queue[0]]
    known = request.moved + 1 + (rules.pre_to_act if bank.row >= 0 else 0)
    channel.need[index], channel.place[index], channel.kind[index] = MISS, 0, request.write
    channel.not_before[index] = max(opens, known)


@kernel
def _serve(at, rules, channel, done):
    """Serve the request that can move its data first, at the given cycle."""
    index = channel.next_bank
    channel.turn = index
    bank = channel.banks[index]
    place = channel.place[index]
    request = channel.requests[bank.queue[place]]
    rank = channel.ranks[bank.rank]
    if channel.need[index] == MISS:
        opened = max(channel.not_before[index], channel.groups[bank.group].act_at, rank.act_at)
        if bank.row >= 0:
            channel.commands[PRECHARGE] += 1
            close(opened - rules.pre_to_act, bank, rank)
        channel.commands[ACTIVATE] += 1
        activate(opened, index, request.row, rules, channel)
    leave(place, bank, rules, channel)
    transfer(at, index, request.write, rules, channel)
    bank.stale = 1
    channel.not_before[index] = UNKNOWN
    channel.stirred = 1
    channel.commands[READ + request.write] += 1
    channel.row_hits += bank.served > 1
    end = at + rules.data_end[request.write]
    channel.data_end = max(channel.data_end, end)
    if request.write == READS:
        channel.latency += end * request.joined - request.accepted_sum
        channel.longest = max(channel.longest, end - request.accepted)
        if done.size:
            finish(end, request, done)


@kernel
def _refresh(number, rules, channel):
    """Close a rank's banks and refresh them, as soon as it has fallen due."""
    rank = channel.ranks[number]
    banks = rules.groups * rules.banks
    first = number * banks
    ready, closing = rank.refresh_due, 0
    for index in range(first, first + banks):
        bank = channel.banks[index]
        if bank.row >= 0:
            ready = max(ready, bank.pre_at)
            closing += 1
        else:
            ready = max(ready, bank.act_at - rules.pre_to_act)
    if closing:
        ready = max(ready, rank.refresh_due + closing - 1)
        channel.commands[PRECHARGE] += closing
        rank.open_cycles += max(ready - rank.open_since, 0)
        ready += rules.pre_to_act
    for index in range(first, first + banks):
        bank = channel.banks[index]
        bank.row = -1
        bank.stale = 1
        bank.act_at = ready + rules.refresh
        channel.not_before[index] = UNKNOWN
    rank.open = 0
    channel.commands[REFRESH] += 1
    rank.refresh_due += rules.refresh_interval
