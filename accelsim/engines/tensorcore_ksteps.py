"""When the k-steps of a tensor core begin and end: operands arrive on a bus, at most one k-step ahead of use.

A k-step has issue slots, at most one a cycle, and its operands take ticks of the bus, ``rate`` ticks to a cycle. Slot j
of J begins once ceil(ticks j / J) of the ticks have passed; the next k-step's operands follow as soon as this one
begins. A k-step whose slots last longer than its operands takes as many cycles as slots, whatever was before it. A row
of other k-steps takes the bus's time, except that the first may have been fetched ahead. Both can be counted at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from accelsim.config.integers import ceil_div


class Step(NamedTuple):
    """A k-step of a tile."""

    slots: int  #: issue slots, at most one a cycle
    busy: int  #: slots that instructions take; the others wait for sums
    rounds: int  #: instructions that one core issues
    ticks: int  #: bus ticks that the operands take


class Clock(NamedTuple):
    """The state of cores and bus after a k-step."""

    first: int = 1  #: cycle of the k-step's first slot, counted from 1
    last: int = 0  #: cycle of the k-step's last slot
    ticks: int = 0  #: bus ticks until its operands had arrived


def advance_one_step(clock: Clock, step: Step, rate: int) -> Clock:
    """Advance the clock by one k-step; the bus has ``rate`` ticks a cycle."""
    begun = max(clock.ticks, (clock.first - 1) * rate)
    ticks = begun + step.ticks
    first = max(clock.last + 1, ceil_div(begun + ceil_div(step.ticks, step.slots), rate))
    return Clock(first, max(first + step.slots - 1, ceil_div(ticks, rate)), ticks)


def advance_steps(clock: Clock, step: Step, times: int, rate: int) -> Clock:
    """Advance the clock by ``times`` equal k-steps."""
    for _ in range(min(times, 2)):
        clock = advance_one_step(clock, step, rate)
    if times <= 2:
        return clock
    skipped = times - 3  # the bus is never free between these, or the slots never wait
    last, ticks = clock.last + skipped * step.slots, clock.ticks + skipped * step.ticks
    if waits_for_operands(step, rate):
        clock = Clock(clock.first, max(last, ceil_div(ticks, rate)), ticks)
    elif skipped:
        begun = (last - 2 * step.slots) * rate  # tick at which the last one's operands begin
        clock = Clock(last - step.slots + 1, last, max(ticks, begun + step.ticks))
    return advance_one_step(clock, step, rate)


def waits_for_operands(step: Step, rate: int) -> bool:
    """Whether a k-step's operands take longer than its slots."""
    return step.ticks > step.slots * rate


def repeat_advance(
    clock: Clock, advance: Callable[[Clock], Clock], times: int, rate: int, bus_ticks: int | None = None
) -> Clock:
    """Call ``advance`` ``times`` times, and skip whole periods once bus and slots repeat an earlier relative position.

    bus_ticks is the number of ticks of one call in which every k-step waits for operands, else None: once one call
    ends with its operands, all later ones do.
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
