"""An independent check of DRAM command lists: every timing rule of a device, from its file's plain values.

It knows nothing of the simulator: a device is the dict that its YAML holds, a command a tuple
(cycle, channel, name, rank, bank of the rank, row, column), a request (arrival, address, is_write).
"""

from collections import Counter, defaultdict

NEVER = -(10**9)


def cycles_between(device):
    """The least distance of two commands, by what both are and how their banks are related; 0 for no rule."""
    t = defaultdict(int, device["timing_cycles"])
    burst = -(-device["burst_length"] // device["beats_per_cycle"])
    read, write = t["al"] + t["cl"], t["al"] + t["cwl"]
    groups = device["bank_groups"] > 1
    long, short = ("_l", "_s") if groups else ("_s", "_s")
    rules = {}
    for where, size in (("bank", long), ("group", long), ("rank", short)):
        rules["RD", "RD", where] = rules["WR", "WR", where] = max(burst, t["tccd" + size])
        rules["WR", "RD", where] = write + burst + t["twtr" + size]
        rules["RD", "WR", where] = read + burst - write + t["trtrs"]
        rules["ACT", "ACT", where] = t["trrd" + size]
        rules["PRE", "PRE", where] = t["tppd"]
    rules["RD", "RD", "channel"] = burst + t["trtrs"]
    rules["WR", "WR", "channel"] = burst
    rules["RD", "WR", "channel"] = read + burst - write + t["trtrs"]
    rules["WR", "RD", "channel"] = write + burst - read + t["trtrs"]
    rules["ACT", "ACT", "bank"] = t["tras"] + t["trp"]
    rules["ACT", "RD", "bank"], rules["ACT", "WR", "bank"] = t["trcd_read"], t["trcd_write"]
    rules["ACT", "PRE", "bank"] = t["tras"]
    rules["PRE", "ACT", "bank"] = t["trp"]
    rules["RD", "PRE", "bank"] = t["al"] + t["trtp"]
    rules["WR", "PRE", "bank"] = write + burst + t["twr"]
    return rules


class Rank:
    """What is known of a rank: open rows, and when each command came last to each bank."""

    def __init__(self, banks):
        self.rows = [None] * banks
        self.last = {}
        self.acts = []
        self.refreshed = NEVER
        self.refreshes = []
        self.closed_at = [NEVER] * banks  # cycle from which the bank has been precharging


def check(device, commands):
    """Raises AssertionError for the first command that breaks a rule."""
    t = defaultdict(int, device["timing_cycles"])
    rules = cycles_between(device)
    groups, per_group = device["bank_groups"], device["banks_per_group"]
    burst = -(-device["burst_length"] // device["beats_per_cycle"])
    latency = {"RD": t["al"] + t["cl"], "WR": t["al"] + t["cwl"]}
    closed_page = device.get("page_policy") == "closed"
    two_buses = device.get("controller", {}).get("command_buses", 1) == 2
    channels = defaultdict(lambda: [Rank(groups * per_group) for _ in range(device["ranks"])])
    issued, bus = defaultdict(lambda: (NEVER, set())), defaultdict(lambda: NEVER)

    for command in commands:
        cycle, channel, name, number, bank, row, _ = command
        ranks = channels[channel]
        rank = ranks[number]
        column = name in ("RD", "WR")

        before, classes = issued[channel]
        assert cycle >= before, f"{command} is out of order"
        if cycle == before:
            assert two_buses, f"{command} shares its cycle with another"
            assert column not in classes, f"{command} shares its bus with another"
            classes.add(column)
        else:
            issued[channel] = (cycle, {column})

        if name == "REF":
            assert not any(r is not None for r in rank.rows), f"{command} while a bank is open"
            assert cycle - max(rank.closed_at) >= t["trp"], f"{command} too soon after a precharge"
            assert cycle - rank.refreshed >= t["trfc"], f"{command} too soon after a refresh"
            rank.refreshed = cycle
            rank.refreshes.append(cycle)
            continue

        group = bank // per_group
        for other_number, other in enumerate(ranks):
            for (other_bank, other_name), at in other.last.items():
                if other_number != number:
                    where = "channel"
                elif other_bank == bank:
                    where = "bank"
                else:
                    where = "group" if other_bank // per_group == group else "rank"
                gap = rules.get((other_name, name, where), 0)
                assert cycle - at >= gap, f"{command} {cycle - at} after {other_name} of {where}, rule {gap}"

        if name == "ACT":
            assert rank.rows[bank] is None, f"{command} on an open bank"
            assert cycle - rank.closed_at[bank] >= t["trp"], f"{command} before the precharge was over"
            assert cycle - rank.refreshed >= t["trfc"], f"{command} during a refresh"
            for size, window in ((4, t["tfaw"]), (32, t["t32aw"])):
                if window and len(rank.acts) >= size:
                    assert cycle - rank.acts[-size] >= window, f"{command} is one activate too many in {window}"
            rank.acts = [*rank.acts[-31:], cycle]
            rank.rows[bank] = row
        elif name == "PRE":
            assert rank.rows[bank] is not None, f"{command} on a closed bank"
            rank.rows[bank] = None
            rank.closed_at[bank] = cycle
        else:
            assert rank.rows[bank] == row, f"{command} but row {rank.rows[bank]} is open"
            start = cycle + latency[name]
            assert start >= bus[channel], f"{command}: its data meet others on the bus"
            bus[channel] = start + burst
            if closed_page:
                opened = rank.last[bank, "ACT"]
                after = t["al"] + t["trtp"] if name == "RD" else latency["WR"] + burst + t["twr"]
                rank.closed_at[bank] = max(cycle + after, opened + t["tras"])
                rank.rows[bank] = None
        rank.last[bank, name] = cycle

    if device.get("refresh", True):
        _check_refreshes(device, channels, max((c[0] for c in commands), default=0))


def _check_refreshes(device, channels, end):
    """No rank waits for a refresh longer than it takes to close its banks and finish the one before."""
    t = defaultdict(int, device["timing_cycles"])
    burst = -(-device["burst_length"] // device["beats_per_cycle"])
    closing = t["tras"] + t["trp"] + t["al"] + t["cwl"] + burst + t["twr"] + t["trfc"]
    closing += device["bank_groups"] * device["banks_per_group"] * max(t["tppd"], 1) * device["ranks"]
    closing += (device["ranks"] - 1) * t["trfc"]
    for ranks in channels.values():
        for number, rank in enumerate(ranks):
            due = (number + 1) * t["trefi"] // device["ranks"]
            for at in rank.refreshes:
                assert 0 <= at - due <= closing, f"rank {number} refreshed in {at}, due in {due}"
                due += t["trefi"]
            assert due > end - closing, f"rank {number} was not refreshed in {due}"


def place(device, address):
    """Channel, rank, bank of the rank, row and column of an address."""
    sizes = {
        "ch": device["channels"],
        "ra": device["ranks"],
        "bg": device["bank_groups"],
        "ba": device["banks_per_group"],
        "ro": device["rows"],
        "co": device["columns"] // device["burst_length"],
    }
    number = address // (device["bus_width_bits"] // 8 * device["burst_length"])
    mapping, found = device["mapping"], {}
    for start in range(len(mapping) - 2, -1, -2):
        field = mapping[start : start + 2]
        number, found[field] = divmod(number, sizes[field])
    bank = found["bg"] * device["banks_per_group"] + found["ba"]
    return found["ch"], found["ra"], bank, found["ro"], found["co"]


def check_served(device, requests, commands):
    """Every place that was asked for is read or written, no other one, and not more often than asked."""
    asked = {"RD": Counter(), "WR": Counter()}
    for _, address, is_write in requests:
        asked["WR" if is_write else "RD"][place(device, address)] += 1
    done = {"RD": Counter(), "WR": Counter()}
    for _, channel, name, rank, bank, row, column in commands:
        if name in done:
            done[name][channel, rank, bank, row, column] += 1
    assert set(done["WR"]) == set(asked["WR"])
    assert all(done["WR"][where] <= count for where, count in asked["WR"].items())
    assert set(done["RD"]) <= set(asked["RD"])
    assert all(done["RD"][where] <= asked["RD"][where] for where in done["RD"])
    written = set(asked["WR"])
    assert all(where in done["RD"] or where in written for where in asked["RD"])


def serial_end(device, requests):
    """The cycle in which a serial memory's last data end, and how many bursts it takes; requests in order."""
    data = device["request_bytes"] // device["bytes_per_cycle"]
    limit = device.get("longest_burst_ns")
    longest = int(limit * device["clock_mhz"] / 1000) if limit else None
    free, bursts, expected, kind, began = 0, 0, None, None, 0
    for arrival, address, is_write in requests:
        start = address - address % device["request_bytes"]
        goes_on = start == expected and is_write == kind and arrival <= free
        if goes_on and device.get("page_bytes") and start % device["page_bytes"] == 0:
            goes_on = False
        if goes_on and longest and free + data - began > longest:
            goes_on = False
        if goes_on:
            free += data
        else:
            began = max(arrival, free + (device["deselect_cycles"] if bursts else 0))
            latency = device["write_latency_cycles" if is_write else "read_latency_cycles"]
            free = began + device["command_cycles"] + latency + data
            bursts += 1
        expected, kind = start + device["request_bytes"], is_write
    return free, bursts
