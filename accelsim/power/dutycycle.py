"""A device that sleeps between inferences: its average power, its battery's life, cascades, and wake-up by events.

P = D Pactive + (1 - D) Psleep + Ewake / T, with duty D and period T. Every second of a period belongs to exactly one
part of it. mJ = mW x s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from accelsim.config import UserError

HOUR_S = 3600.0
MONTH_S = 30 * 24 * HOUR_S


class Inference(NamedTuple):
    """One inference of one network on one machine."""

    name: str  #: of the network
    seconds: float
    mj: float


class Stage(NamedTuple):
    """A network of a cascade; the next one runs only if this one does not answer."""

    inference: Inference
    answers: float  #: probability that it answers; 1 for the last stage


class Cascade(NamedTuple):
    """Networks that run one after the other until one answers, and what that takes."""

    stages: tuple[Stage, ...]
    reached: tuple[float, ...]  #: probability that each stage runs
    seconds: float  #: expected time
    mj: float  #: expected energy
    worst_seconds: float  #: time if every stage runs that can run
    worst_mj: float  #: energy if every stage runs that can run


class Rest(NamedTuple):
    """What a device draws between inferences: it idles with everything powered, or it sleeps and wakes up."""

    idle_mw: float
    sleep_mw: float
    wake_s: float  #: time to fall asleep and wake up
    wake_mj: float  #: energy to fall asleep and wake up

    @property
    def break_even_s(self) -> float:
        """The shortest gap between inferences for which sleeping pays; infinite where it never does."""
        saved = self.idle_mw - self.sleep_mw
        if self.wake_mj < self.idle_mw * self.wake_s:
            return self.wake_s
        if saved <= 0:
            return math.inf
        return max(self.wake_s, (self.wake_mj - self.sleep_mw * self.wake_s) / saved)


class Battery(NamedTuple):
    """A battery."""

    mah: float  #: charge
    volt: float
    usable: float  #: share of the charge that reaches the device, losses of converters included
    self_discharge_per_month: float  #: share of the charge that is lost by itself in 30 days

    @property
    def mj(self) -> float:
        """Energy that reaches the device."""
        return self.mah * self.volt * HOUR_S * self.usable

    def days(self, power_mw: float) -> float:
        """Days until it is empty at an average power; infinite where nothing is drawn or lost."""
        own = self.mah * self.volt * HOUR_S * self.self_discharge_per_month / MONTH_S
        drawn = power_mw + own * self.usable
        return self.mj / drawn / (24 * HOUR_S) if drawn > 0 else math.inf


class Cycle(NamedTuple):
    """One period of a device, in parts that add up to it."""

    period_s: float
    active_s: float  #: inferences
    wake_s: float  #: falling asleep and waking up
    rest_s: float  #: asleep, or idle
    active_mj: float
    wake_mj: float
    rest_mj: float
    watching_mj: float  #: energy of an always-on detector
    sleeps: bool  #: the device sleeps between inferences; else it idles, since that takes less energy

    @property
    def mj(self) -> float:
        """Energy of the whole period."""
        return math.fsum((self.active_mj, self.wake_mj, self.rest_mj, self.watching_mj))

    @property
    def average_mw(self) -> float:
        """Average power over the period."""
        return self.mj / self.period_s

    @property
    def duty(self) -> float:
        """Share of the period in which inferences run."""
        return self.active_s / self.period_s


class Watch(NamedTuple):
    """A detector that is always on, and how often it wakes the device."""

    power_mw: float  #: of the detector
    events_per_hour: float
    hit: float  #: probability that the detector sees an event
    false_alarms_per_hour: float

    @property
    def wakes_per_hour(self) -> float:
        """Wake-ups of the device, by events that the detector sees and by false alarms."""
        return self.events_per_hour * self.hit + self.false_alarms_per_hour


def combine_stages(stages: Sequence[Stage]) -> Cascade:
    """Combine networks that run one after the other until one answers; the last one should answer always.

    Raises: UserError for a probability outside 0 to 1.
    """
    for stage in stages:
        if not 0 <= stage.answers <= 1:
            raise UserError(f"{stage.inference.name}: answers with a probability from 0 to 1, got {stage.answers:g}")
    reached, here = [], 1.0
    for stage in stages:
        reached.append(here)
        here *= 1 - stage.answers
    pairs = list(zip(reached, stages, strict=True))
    return Cascade(
        tuple(stages),
        tuple(reached),
        math.fsum(chance * stage.inference.seconds for chance, stage in pairs),
        math.fsum(chance * stage.inference.mj for chance, stage in pairs),
        math.fsum(stage.inference.seconds for chance, stage in pairs if chance > 0),
        math.fsum(stage.inference.mj for chance, stage in pairs if chance > 0),
    )


def split_period(work: Cascade, period_s: float, rest: Rest, name: str = "period_s") -> Cycle:
    """Split a period of a device with one inference in it; it sleeps for the rest, or idles where that takes less.

    ``name`` is what the error calls the period. Raises: UserError for a period shorter than the slowest inference.
    """
    if work.worst_seconds > period_s * (1 + 1e-12):
        allowed = f"should be at least {work.worst_seconds:.6g}, which an inference may take"
        raise UserError(f"{name}: {allowed}, got {period_s:.6g}")
    gap = period_s - work.seconds
    asleep_mj = rest.wake_mj + (gap - rest.wake_s) * rest.sleep_mw
    if rest.wake_s > period_s - work.worst_seconds or asleep_mj >= gap * rest.idle_mw:
        return Cycle(period_s, work.seconds, 0.0, gap, work.mj, 0.0, gap * rest.idle_mw, 0.0, False)
    asleep = gap - rest.wake_s
    return Cycle(period_s, work.seconds, rest.wake_s, asleep, work.mj, rest.wake_mj, asleep * rest.sleep_mw, 0.0, True)


def split_event_hour(work: Cascade, watch: Watch, rest: Rest) -> Cycle:
    """Split an hour of a device that a detector wakes; in between it sleeps, or idles where that takes less.

    Raises: UserError for a probability outside 0 to 1, and for more wake-ups than an hour has time for.
    """
    if not 0 <= watch.hit <= 1:
        raise UserError(f"hit: should be a probability from 0 to 1, got {watch.hit:g}")
    wakes = watch.wakes_per_hour
    active, waking, watching_mj = wakes * work.seconds, wakes * rest.wake_s, watch.power_mw * HOUR_S
    if active > HOUR_S:
        allowed = f"at most {HOUR_S / work.seconds:.6g} of these inferences fit"
        raise UserError(f"events x hit + false alarms: {wakes:.6g} wake-ups an hour are too many: {allowed}")
    idle, asleep = HOUR_S - active, HOUR_S - active - waking
    if asleep < 0 or wakes * rest.wake_mj + asleep * rest.sleep_mw >= idle * rest.idle_mw:
        return Cycle(HOUR_S, active, 0.0, idle, wakes * work.mj, 0.0, idle * rest.idle_mw, watching_mj, False)
    return Cycle(
        HOUR_S, active, waking, asleep, wakes * work.mj, wakes * rest.wake_mj, asleep * rest.sleep_mw, watching_mj, True
    )
