"""Steps along K: many equal ones at once end as one after the other."""

from hypothesis import given
from hypothesis import strategies as st

from accelsim.engines.tensorcore_ksteps import (
    Clock,
    Step,
    advance_one_step,
    advance_steps,
    repeat_advance,
    waits_for_operands,
)

steps = st.builds(
    lambda slots, rounds, ticks: Step(slots, slots, rounds, ticks), st.integers(1, 9), st.just(1), st.integers(0, 90)
)


@given(st.lists(st.tuples(steps, st.integers(1, 12)), min_size=1, max_size=5), st.integers(1, 12), st.integers(1, 60))
def test_skipping_equal_k_steps_changes_nothing(parts, rate, times):
    def slowly(clock):
        for step, repeat in parts:
            for _ in range(repeat):
                clock = advance_one_step(clock, step, rate)
        return clock

    def at_once(clock):
        for step, repeat in parts:
            clock = advance_steps(clock, step, repeat, rate)
        return clock

    all_wait = all(waits_for_operands(step, rate) for step, _ in parts)
    bus_ticks = sum(step.ticks * repeat for step, repeat in parts) if all_wait else None

    one_by_one = Clock()
    for _ in range(times):
        one_by_one = slowly(one_by_one)
    skipped = repeat_advance(Clock(), at_once, times, rate, bus_ticks)
    assert (skipped.last, skipped.ticks) == (one_by_one.last, one_by_one.ticks)
