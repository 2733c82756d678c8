"""A device that sleeps between inferences: average power and battery life, cascades, and a small network that wakes it.

P = D Pactive + (1 - D) Psleep + Ewake / T, with every second of a period in exactly one of its parts. mJ = mW x s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from accelsim.config import UserError

HOUR_S = 3600.0
MONTH_S = 30 * 24 * HOUR_S


class Inference(NamedTuple):
    """One network on one machine."""

    name: str
    seconds: float
    mj: float


class Stage(NamedTuple):
    """A network of a cascade; the next one runs if it does not answer."""

    inference: Inference
    answers: float  #: probability; of the last stage 1


class Cascade(NamedTuple):
    """What a cascade takes on average, and at worst."""

    stages: tuple[Stage, ...]
    reached: tuple[float, ...]  #: probability that each stage runs
    seconds: float  #: expected
    mj: float  #: expected
    worst_seconds: float
    worst_mj: float


class Rest(NamedTuple):
    """Between inferences: idle with everything powered, or asleep."""

    idle_mw: float
    sleep_mw: float
    wake_s: float  #: to be awake again, falling asleep included
    wake_mj: float  #: both

    @property
    def break_even_s(self) -> float:
        """The shortest gap for which sleeping pays."""
        saved = self.idle_mw - self.sleep_mw
        if self.wake_mj < self.idle_mw * self.wake_s:
            return self.wake_s
        if saved <= 0:
            return math.inf
        return max(self.wake_s, (self.wake_mj - self.sleep_mw * self.wake_s) / saved)


class Battery(NamedTuple):
    """What a battery gives."""

    mah: float
    volt: float
    usable: float  #: share of its charge, converter losses included
    self_discharge_per_month: float  #: share that it loses by itself

    @property
    def mj(self) -> float:
        """Energy that the device may take."""
        return self.mah * self.volt * HOUR_S * self.usable

    def days(self, power_mw: float) -> float:
        """How long it lasts; inf for no power at all."""
        own = self.mah * self.volt * HOUR_S * self.self_discharge_per_month / MONTH_S
        drawn = power_mw + own * self.usable
        return self.mj / drawn / (24 * HOUR_S) if drawn > 0 else math.inf


class Cycle(NamedTuple):
    """One period, in parts that add up to it."""

    period_s: float
    active_s: float
    wake_s: float
    rest_s: float
    active_mj: float
    wake_mj: float
    rest_mj: float
    watching_mj: float  #: of an always-on detector
    sleeps: bool  #: else it idles, since that is cheaper

    @property
    def mj(self) -> float:
        """Of all parts."""
        return math.fsum((self.active_mj, self.wake_mj, self.rest_mj, self.watching_mj))

    @property
    def average_mw(self) -> float:
        """Of a period."""
        return self.mj / self.period_s

    @property
    def duty(self) -> float:
        """Share of the period at work."""
        return self.active_s / self.period_s


class Watch(NamedTuple):
    """A small always-on network, and what it wakes the big one for."""

    power_mw: float
    events_per_hour: float
    hit: float  #: probability that it sees an event
    false_alarms_per_hour: float

    @property
    def wakes_per_hour(self) -> float:
        """Of the big network, for events and for nothing."""
        return self.events_per_hour * self.hit + self.false_alarms_per_hour


def combine_stages(stages: Sequence[Stage]) -> Cascade:
    """Expectations of networks in a row; the last one always answers.

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
    """An inference every period; between them it sleeps, or idles where that takes less.

    Raises: UserError for a period that the slowest inference does not fit, which it calls by name.
    """
    if work.worst_seconds > period_s * (1 + 1e-12):
        told = f"should be at least {work.worst_seconds:.6g}, which an inference may take"
        raise UserError(f"{name}: {told}, got {period_s:.6g}")
    gap = period_s - work.seconds
    asleep_mj = rest.wake_mj + (gap - rest.wake_s) * rest.sleep_mw
    if rest.wake_s > period_s - work.worst_seconds or asleep_mj >= gap * rest.idle_mw:
        return Cycle(period_s, work.seconds, 0.0, gap, work.mj, 0.0, gap * rest.idle_mw, 0.0, False)
    asleep = gap - rest.wake_s
    return Cycle(period_s, work.seconds, rest.wake_s, asleep, work.mj, rest.wake_mj, asleep * rest.sleep_mw, 0.0, True)


def split_event_hour(work: Cascade, watch: Watch, rest: Rest) -> Cycle:
    """An hour of a device that its detector wakes; it sleeps between wake-ups, or always idles where that takes less.

    Raises: UserError for a probability outside 0 to 1, and for more wake-ups than an hour has time for.
    """
    if not 0 <= watch.hit <= 1:
        raise UserError(f"hit: should be a probability from 0 to 1, got {watch.hit:g}")
    wakes = watch.wakes_per_hour
    active, waking, watching_mj = wakes * work.seconds, wakes * rest.wake_s, watch.power_mw * HOUR_S
    if active > HOUR_S:
        told = f"at most {HOUR_S / work.seconds:.6g} of these inferences fit"
        raise UserError(f"events x hit + false alarms: {wakes:.6g} wake-ups an hour are too many: {told}")
    idle, asleep = HOUR_S - active, HOUR_S - active - waking
    if asleep < 0 or wakes * rest.wake_mj + asleep * rest.sleep_mw >= idle * rest.idle_mw:
        return Cycle(HOUR_S, active, 0.0, idle, wakes * work.mj, 0.0, idle * rest.idle_mw, watching_mj, False)
    return Cycle(
        HOUR_S, active, waking, asleep, wakes * work.mj, wakes * rest.wake_mj, asleep * rest.sleep_mw, watching_mj, True
    )
