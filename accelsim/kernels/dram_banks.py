"""Banks of a DRAM channel: which command each needs, when it is legal, and what it keeps the others from."""

from __future__ import annotations

from accelsim.kernels.compiled import inlined, kernel
from accelsim.kernels.dram_state import (
    ACTIVATE,
    NEVER,
    OTHER_RANK,
    PRECHARGE,
    READ,
    READS,
    REFRESH,
    SAME_GROUP,
    SAME_RANK,
    UNKNOWN,
    WRITE,
    WRITES,
)

ANY, ROWS, COLUMNS = 0, 1, 2  # classes of commands


@inlined
def survey(bank, channel, row_hit_cap):
    """Note which requests of a bank's queue could use its open row, and whether the oldest may close it.

    A write behind an older read of the same place waits. The row is closed only when no request hits it, or when it
    has served its share.
    """
    read, write = -1, -1
    if bank.row >= 0:
        for place in range(bank.length):
            request = channel.requests[bank.queue[place]]
            if request.row != bank.row:
                continue
            if request.write == 0:
                if read < 0:
                    read = place
            elif write < 0 and (read < 0 or not _read_before(place, request, bank, channel)):
                write = place
            if read >= 0 and write >= 0:
                break
    bank.stale = 0
    bank.first_hit[READS] = read
    bank.first_hit[WRITES] = write
    conflict = bank.row >= 0 and bank.length > 0 and channel.requests[bank.queue[0]].row != bank.row
    bank.may_close = conflict and ((read < 0 and write < 0) or bank.served >= row_hit_cap)


@kernel
def _read_before(place, request, bank, channel):
    """Whether an older request of the bank reads the same column of the same row."""
    for earlier in range(place):
        other = channel.requests[bank.queue[earlier]]
        if other.write == 0 and other.row == request.row and other.column == request.column:
            return True
    return False


@kernel
def look(now, bank, rules, channel):
    """Which command a bank's queue needs first: the command, its place in the queue, and when it is legal.

    In the order of the queue among those legal now; where none is, the first cycle in which one becomes legal.
    """
    if bank.length == 0:
        return ACTIVATE, 0, NEVER
    if bank.stale:
        survey(bank, channel, rules.row_hit_cap)
    group, rank = channel.groups[bank.group], channel.ranks[bank.rank]
    if bank.row < 0:
        return ACTIVATE, 0, max(bank.act_at, group.act_at, rank.act_at)
    pre_at, read_at, write_at = NEVER, NEVER, NEVER
    read, write = bank.first_hit[READS], bank.first_hit[WRITES]
    if bank.may_close:
        pre_at = max(bank.pre_at, rank.pre_at)
        if pre_at <= now:
            return PRECHARGE, 0, pre_at
    if read >= 0:
        read_at = max(bank.column_at[READS], group.column_at[READS])
    if write >= 0:
        write_at = max(bank.column_at[WRITES], group.column_at[WRITES])
    if read_at <= now and (write_at > now or read < write):
        return READ, read, read_at
    return WRITE, write, min(pre_at, read_at, write_at)


@kernel
def pick(now, wanted, frozen, rules, channel):
    """First legal command, by turns over the bank queues, starting after the one that issued last.

    wanted: ANY, or only banks whose first legal command is one of ROWS or COLUMNS; frozen: a mask of ranks that wait
    for a refresh. Returns bank, command and place in the queue; bank -1 for none.
    """
    banks = rules.ranks * rules.groups * rules.banks
    index = channel.turn
    for _ in range(banks):
        index += 1
        if index == banks:
            index = 0
        if channel.not_before[index] > now:
            continue
        bank = channel.banks[index]
        if frozen >> bank.rank & 1:
            continue
        command, place, at = look(now, bank, rules, channel)
        if at > now:
            channel.not_before[index] = at  # what other banks do can only make it later
        elif wanted == ANY or wanted == class_of(command):
            return index, command, place
    return -1, ACTIVATE, 0


@kernel
def class_of(command):
    """ROWS or COLUMNS."""
    return COLUMNS if command in (READ, WRITE) else ROWS


@kernel
def next_legal(rules, channel):
    """A cycle before which no bank's command is legal."""
    soonest = NEVER
    for index in range(rules.ranks * rules.groups * rules.banks):
        if channel.not_before[index] == UNKNOWN:
            _, _, at = look(-1, channel.banks[index], rules, channel)
            channel.not_before[index] = at
        soonest = min(soonest, channel.not_before[index])
    return soonest


@inlined
def activate(now, index, row, rules, channel):
    """Open a row."""
    bank = channel.banks[index]
    bank.row = row
    bank.served = 0
    bank.act_at = now + rules.act_to_act
    bank.pre_at = now + rules.act_to_pre
    bank.column_at[READS] = now + rules.act_to_column[READS]
    bank.column_at[WRITES] = now + rules.act_to_column[WRITES]
    for group in range(bank.rank * rules.groups, (bank.rank + 1) * rules.groups):
        gap = rules.act_to_act_group if group == bank.group else rules.act_to_act_rank
        channel.groups[group].act_at = max(channel.groups[group].act_at, now + gap)
    rank = channel.ranks[bank.rank]
    rank.window[rank.acts % 32] = now
    rank.acts += 1
    if rank.acts >= 4:
        rank.act_at = rank.window[(rank.acts - 4) % 32] + rules.four_acts
    if rank.acts >= 32:
        rank.act_at = max(rank.act_at, rank.window[rank.acts % 32] + rules.many_acts)
    if rank.open == 0:
        rank.open_since = now
    rank.open += 1


@inlined
def precharge(now, index, rules, channel):
    """Close a row by command."""
    bank = channel.banks[index]
    rank = channel.ranks[bank.rank]
    rank.pre_at = now + rules.pre_to_pre
    bank.act_at = max(bank.act_at, now + rules.pre_to_act)
    close(now, bank, rank)


@kernel
def close(now, bank, rank):
    """The bank counts as closed from this cycle on."""
    bank.row = -1
    rank.open -= 1
    if rank.open == 0:
        rank.open_cycles += now - rank.open_since


@inlined
def transfer(now, index, write, rules, channel):
    """A column command: what it keeps other column commands, and the row's closing, from."""
    bank = channel.banks[index]
    index = 0
    for rank in range(rules.ranks):
        for _ in range(rules.groups):
            relation = SAME_GROUP if index == bank.group else SAME_RANK if rank == bank.rank else OTHER_RANK
            group = channel.groups[index]
            for kind in (READS, WRITES):
                at = now + rules.column_to_column[write, relation, kind]
                group.column_at[kind] = max(group.column_at[kind], at)
            index += 1
    bank.pre_at = max(bank.pre_at, now + rules.column_to_pre[write])
    bank.served += 1
    if rules.closed_page:
        bank.act_at = max(bank.act_at, bank.pre_at + rules.pre_to_act)
        close(now, bank, channel.ranks[bank.rank])


@kernel
def toward_refresh(now, number, rules, channel):
    """A rank's first legal precharge, or its refresh once every bank is closed.

    Returns bank, command and the first cycle in which one becomes legal; bank is -1 where none is legal now, and
    the rank's first bank for a refresh.
    """
    banks = rules.groups * rules.banks
    first = number * banks
    rank = channel.ranks[number]
    soonest, closed_at = NEVER, 0
    for index in range(first, first + banks):
        bank = channel.banks[index]
        if bank.row >= 0:
            at = max(bank.pre_at, rank.pre_at)
            if at <= now:
                return index, PRECHARGE, now
            soonest = min(soonest, at)
        else:
            closed_at = max(closed_at, bank.act_at)
    if soonest < NEVER:
        return -1, PRECHARGE, soonest
    if closed_at > now:
        return -1, REFRESH, closed_at
    return first, REFRESH, now


@inlined
def refresh(now, number, rules, channel):
    """Refresh a rank, whose banks are all closed."""
    banks = rules.groups * rules.banks
    for index in range(number * banks, (number + 1) * banks):
        channel.banks[index].act_at = now + rules.refresh
    channel.ranks[number].refresh_waiting = -1
