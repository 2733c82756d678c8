"""A DRAM of banks: its timing rules as the kernels want them, and the run of a trace through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from accelsim.hardware import BankedDevice
from accelsim.hardware.banked_dram import CommandBuses, PagePolicy
from accelsim.memory.traces import Requests

DRAM_COMMANDS = ("ACT", "PRE", "RD", "WR", "REF")  # in the order of the kernels' numbers
RECORDS = 1 << 14  # commands that are recorded before they are passed on

CommandCounts = tuple[dict[str, int], int]  #: counts by name, summed over channels, and the total cycles
Sink = Callable[[np.ndarray], None]
"""Takes commands: int64[n, 7] with cycle, channel, command, rank, bank, row and column, valid only during the call."""
IS_CLOSED_PAGE: Mapping[PagePolicy, bool] = {"open": False, "closed": True}
HAS_TWO_BUSES: Mapping[CommandBuses, bool] = {1: False, 2: True}


def make_rules(device: BankedDevice) -> Any:
    """Make the record of rules that the kernels want (kernels.dram_state.RULES), in cycles of the command clock."""
    from accelsim.kernels.dram_state import RULES

    t, burst = device.timing_cycles, device.burst_cycles
    read_latency, write_latency = t.al + t.cl, t.al + t.cwl
    grouped = device.bank_groups > 1  # without bank groups the short gaps hold everywhere
    long_gap = max(burst, t.tccd_l if grouped else t.tccd_s)
    short_gap = max(burst, t.tccd_s)
    turn_to_read = write_latency + burst
    rules = np.zeros(1, RULES).view(np.recarray)[0]
    rules.channels, rules.ranks = device.channels, device.ranks
    rules.groups, rules.banks = device.bank_groups, device.banks_per_group
    controller = device.controller
    rules.waiting, rules.queue = controller.transaction_queue, controller.bank_queue
    rules.row_hit_cap, rules.idle_drain = controller.row_hit_cap, controller.idle_drain
    rules.closed_page = IS_CLOSED_PAGE[device.page_policy]
    rules.two_buses = HAS_TWO_BUSES[controller.command_buses]
    bits, shifts = device.field_bits, device.shifts
    for place, field in enumerate(("ch", "ra", "bg", "ba", "ro", "co")):
        rules.shift[place], rules.mask[place] = shifts[field], (1 << bits[field]) - 1
    rules.act_to_column[:] = t.trcd_read, t.trcd_write
    rules.act_to_pre, rules.act_to_act = t.tras, t.tras + t.trp
    rules.act_to_act_group = t.trrd_l if grouped else t.trrd_s
    rules.act_to_act_rank = t.trrd_s
    rules.four_acts, rules.many_acts = t.tfaw, t.t32aw
    rules.pre_to_act, rules.pre_to_pre = t.trp, t.tppd
    rules.column_to_pre[:] = t.al + t.trtp, write_latency + burst + t.twr
    gaps = rules.column_to_column  # [from, relation, to]; a bus turns from reads to writes alike in all ranks
    gaps[0, :, 0] = long_gap, short_gap, burst + t.trtrs
    gaps[0, :, 1] = max(read_latency + burst - write_latency + t.trtrs, 1)
    gaps[1, :, 0] = (
        turn_to_read + (t.twtr_l if grouped else t.twtr_s),
        turn_to_read + t.twtr_s,
        max(turn_to_read + t.trtrs - read_latency, 1),
    )
    gaps[1, :, 1] = long_gap, short_gap, burst
    rules.data_end[:] = read_latency + burst, write_latency + burst
    rules.refresh, rules.refresh_interval = t.trfc, t.trefi if device.refresh else 0
    return rules


def run_cycles(device: BankedDevice, pieces: Iterable[Requests], sink: Sink | None = None) -> CommandCounts:
    """Run a trace, which comes in pieces, command by command; ``sink`` gets every command.

    Returns the counts by name, summed over channels, and the total cycles of the command clock.
    """
    from accelsim.kernels.dram_cycle import ENDED, FULL, MORE, RECORD, run
    from accelsim.kernels.dram_state import new_channels

    rules = make_rules(device)
    channels, clock = new_channels(rules), np.zeros(2, np.int64)
    records = np.zeros((RECORDS + 2 * device.channels if sink else 0, RECORD), np.int64)
    for requests, last in _with_end(pieces):
        block, taken, state = requests.address // device.request_bytes, 0, FULL
        while state == FULL:
            state, taken, recorded = run(
                rules, channels, clock, requests.arrival, block, requests.is_write, taken, last, records, _NOTHING
            )
            if sink and recorded:
                sink(records[:recorded])
        _check(state == (ENDED if last else MORE), clock)
    return collect_counts(device, channels, int(clock[0])), int(clock[0])


def run_transactions(device: BankedDevice, pieces: Iterable[Requests]) -> CommandCounts:
    """Run a trace, which comes in pieces, request by request; give counts and cycles as ``run_cycles`` does."""
    from accelsim.kernels.dram_state import new_channels
    from accelsim.kernels.dram_transaction import ENDED, MORE, run

    rules = make_rules(device)
    channels, clock = new_channels(rules), np.zeros(3, np.int64)
    for requests, last in _with_end(pieces):
        block = requests.address // device.request_bytes
        state, _ = run(rules, channels, clock, requests.arrival, block, requests.is_write, 0, last, _NOTHING)
        _check(state == (ENDED if last else MORE), clock)
    return collect_counts(device, channels, int(clock[0])), int(clock[0])


_NOTHING = np.zeros(0, np.int64)


def _with_end(pieces: Iterable[Requests]) -> Iterator[tuple[Requests, bool]]:
    """The pieces, each with whether it is the last: an empty one that ends the trace."""
    for requests in pieces:
        yield requests, False
    yield Requests(_NOTHING, _NOTHING, np.zeros(0, np.uint8)), True


def _check(went_on: bool, clock: np.ndarray) -> None:
    """Raises: RuntimeError where the kernel did not take all requests."""
    if not went_on:
        raise RuntimeError(f"the memory came to a standstill in cycle {clock[0]}")


def collect_counts(device: BankedDevice, channels: Any, total_cycles: int) -> dict[str, int]:
    """Collect what the channels of a device counted until ``total_cycles``, summed over them, by name.

    ``channels`` is the kernels' record array (kernels.dram_state), with one record for each channel.
    """
    ranks = channels["ranks"][:, : device.ranks]
    still_open = np.where(ranks["open"] > 0, total_cycles - ranks["open_since"], 0)
    names = ("latency", "row_hits", "served_by_writes")
    counts = {name: int(channels[name].sum()) for name in names}
    counts |= dict(zip(DRAM_COMMANDS, map(int, channels["commands"].sum(axis=0)), strict=True))
    counts["longest"] = int(channels["longest"].max())
    counts["joined_reads"], counts["joined_writes"] = map(int, channels["joined"].sum(axis=0))
    counts["active_cycles"] = int((ranks["open_cycles"] + still_open).sum())
    counts["standby_cycles"] = total_cycles * device.channels * device.ranks - counts["active_cycles"]
    return counts
