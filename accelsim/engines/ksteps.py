"""When the k-steps of a tensor core begin and end: operands arrive on a bus, at most one k-step ahead of use.

A k-step has issue slots, one a cycle at most, and a cost in ticks of the bus, of which a cycle has ``rate``. Slot j of
J is taken once ceil(cost j / J) of its ticks have passed; the next k-step's operands follow as soon as this one begins.
A k-step whose slots outlast its operands thus takes its slots, whatever was before it, and a row of others the bus's
time, except that the first of them may have been fetched ahead: both can be counted without going through them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from accelsim.engines.base import ceil_div


class Step(NamedTuple):
    """A k-step."""

    slots: int
    busy: int  #: of them, those that its instructions take; the rest waits for sums
    rounds: int  #: instructions of a core
    ticks: int  #: that its operands cost


class Clock(NamedTuple):
    """First and last slot of the latest k-step, in cycles from 1, and ticks until its operands were there."""

    first: int = 1
    last: int = 0
    ticks: int = 0


def after(clock: Clock, step: Step, rate: int) -> Clock:
    """The clock one k-step later."""
    begun = max(clock.ticks, (clock.first - 1) * rate)
    ticks = begun + step.ticks
    first = max(clock.last + 1, ceil_div(begun + ceil_div(step.ticks, step.slots), rate))
    return Clock(first, max(first + step.slots - 1, ceil_div(ticks, rate)), ticks)


def after_many(clock: Clock, step: Step, times: int, rate: int) -> Clock:
    """The clock so many equal k-steps later."""
    for _ in range(min(times, 2)):
        clock = after(clock, step, rate)
    if times <= 2:
        return clock
    skipped = times - 3  # the bus is never free between these, or the slots never wait
    last, ticks = clock.last + skipped * step.slots, clock.ticks + skipped * step.ticks
    if waits(step, rate):
        clock = Clock(clock.first, max(last, ceil_div(ticks, rate)), ticks)
    elif skipped:
        begun = (last - 2 * step.slots) * rate  # of the last one
        clock = Clock(last - step.slots + 1, last, max(ticks, begun + step.ticks))
    return after(clock, step, rate)


def waits(step: Step, rate: int) -> bool:
    """Whether a k-step's operands outlast its slots."""
    return step.ticks > step.slots * rate


def repeated(
    clock: Clock, advance: Callable[[Clock], Clock], times: int, rate: int, bus_ticks: int | None = None
) -> Clock:
    """``advance`` so many times; once bus and slots stand to each other as before, whole periods are skipped.

    bus_ticks: of one time, where each of its k-steps waits for operands. Once one ends with them, all later ones do.
    """
    seen: dict[tuple[int, int], tuple[int, Clock]] = {}
    done = 0
    while done < times:
        clock = advance(clock)
        done += 1
        if bus_ticks is not None and done < times - 1 and clock.last == ceil_div(clock.ticks, rate):
            ticks = clock.ticks + (times - 1 - done) * bus_ticks
            return advance(Clock(clock.first, ceil_div(ticks, rate), ticks))
        stand = clock.last - clock.first, clock.last * rate - clock.ticks
        if stand in seen:
            then, before = seen[stand]
            periods, cycles = (times - done) // (done - then), clock.last - before.last
            done += periods * (done - then)
            clock = Clock(
                clock.first + periods * cycles, clock.last + periods * cycles, clock.ticks + periods * cycles * rate
            )
            seen.clear()
        else:
            seen[stand] = done, clock
    return clock
