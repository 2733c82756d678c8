"""Duty cycles: networks on a machine that sleeps between inferences, which are simulated; what it leaks is priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from accelsim.config import Document, NonNegative, Positive, Value, validate_document
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.hardware import DramFidelity, Hardware
from accelsim.hardware.gating import Share
from accelsim.power.dutycycle import (
    Battery,
    Cascade,
    Cycle,
    Inference,
    Rest,
    Stage,
    Watch,
    combine_stages,
    split_event_hour,
    split_period,
)
from accelsim.simulation.network import simulate
from accelsim.studies.gating import find_low_power_shares
from accelsim.workload.network import Workload

PERIODS_S = (0.1, 1.0, 10.0, 60.0, 600.0)  # other periods that a report shows


class DeviceUse(Value):
    """How a device is used; a value that is None is derived from the hardware and its technology."""

    period_s: Positive = 1.0  #: an inference every so many seconds; without a detector
    sleep_mw: NonNegative | None = None  #: power of the sleeping device
    wake_ms: NonNegative | None = None  #: time to fall asleep and wake up
    wake_uj: NonNegative | None = None  #: energy to fall asleep and wake up
    battery_mah: Positive | None = None  #: charge of a battery; None: no battery
    battery_v: Positive = 3.7
    battery_usable: Annotated[float, Field(gt=0, le=1)] = 0.8  #: share of the charge that reaches the device
    self_discharge_per_month: Share = 0.02  #: share of the charge that the battery loses by itself
    detector_mw: NonNegative | None = None  #: power of a detector whose events start inferences; None: no detector
    events_per_hour: NonNegative = 10.0
    hit: Share = 0.95  #: probability that the detector sees an event
    false_alarms_per_hour: NonNegative = 1.0

    @property
    def battery(self) -> Battery | None:
        """The battery, if there is one."""
        if self.battery_mah is None:
            return None
        return Battery(self.battery_mah, self.battery_v, self.battery_usable, self.self_discharge_per_month)

    @property
    def watch(self) -> Watch | None:
        """The detector, if there is one."""
        if self.detector_mw is None:
            return None
        return Watch(self.detector_mw, self.events_per_hour, self.hit, self.false_alarms_per_hour)


class DutyCycle(NamedTuple):
    """What a device draws, by parts of a period, or of an hour with events."""

    work: Cascade  #: the networks, and what an inference takes
    rest: Rest  #: what the device draws between inferences
    cycle: Cycle
    others: list[Cycle]  #: the same for the periods PERIODS_S that an inference fits; none with a detector
    battery: Battery | None
    watch: Watch | None
    notes: list[str]  #: what is assumed, and what the runs warn of

    @property
    def average_mw(self) -> float:
        """Average power of the device."""
        return self.cycle.average_mw

    @property
    def battery_days(self) -> float | None:
        """Days until the battery is empty, infinite where nothing is drawn; None without a battery."""
        return self.battery.days(self.average_mw) if self.battery else None


def dutycycle(
    hardware: Hardware,
    workload: Workload | Sequence[tuple[Workload, float]],
    use: DeviceUse | Mapping[str, float | None] | None = None,
    dram: DramFidelity | None = None,
) -> DutyCycle:
    """Find the average power of a device that sleeps between inferences, and how long its battery lasts.

    ``workload`` is a network, or a cascade: pairs of a network and the probability that it answers, which run one after
    the other until one does; the last one always does. ``use`` says how the device is used, by the names of the fields
    of ``DeviceUse``: ``period_s`` (1), ``sleep_mw``, ``wake_ms``, ``wake_uj``; ``battery_mah``, ``battery_v`` (3.7),
    ``battery_usable`` (0.8), ``self_discharge_per_month`` (0.02); ``detector_mw``, ``events_per_hour`` (10), ``hit``
    (0.95), ``false_alarms_per_hour`` (1). With ``detector_mw`` events start inferences, and the period does not count.
    ``dram`` is how exactly the DRAM is simulated, if not as the hardware file says.

        accelsim.dutycycle(hardware, workload, {"period_s": 10, "battery_mah": 225, "battery_v": 3}).battery_days

    Returns ``average_mw``, ``battery_days``, and the parts of a period in mJ and s (``cycle``).

    Raises: UserError for an unknown or wrong value, for a period or wake-ups that the inferences do not fit, and as
    ``simulate``.
    """
    use = _read_use(use)
    networks = [(workload, 1.0)] if isinstance(workload, Workload) else workload
    stages, notes = [], []
    for number, (network, answers) in enumerate(networks):
        is_last = number == len(networks) - 1
        inference, remarks = _infer(hardware, network, dram)
        stages.append(Stage(inference, 1.0 if is_last else answers))
        notes += [f"{network.name}: {remark}" if len(networks) > 1 else remark for remark in remarks]
    work, (rest, assumed) = combine_stages(stages), find_rest(hardware, use)
    notes += assumed
    if use.watch is not None:
        return DutyCycle(work, rest, split_event_hour(work, use.watch, rest), [], use.battery, use.watch, notes)
    cycle = split_period(work, use.period_s, rest, "--period-s")
    others = [split_period(work, period, rest) for period in PERIODS_S if period >= work.worst_seconds]
    if len(others) < len(PERIODS_S):
        notes.append(f"other periods are left out below {work.worst_seconds:.4g} s, which an inference may take")
    return DutyCycle(work, rest, cycle, others, use.battery, None, notes)


def _read_use(use: DeviceUse | Mapping[str, float | None] | None) -> DeviceUse:
    """The use of a device, checked. Raises: UserError."""
    return use if isinstance(use, DeviceUse) else validate_document(DeviceUse, Document("use", dict(use or {}), {}))


def _infer(hardware: Hardware, network: Workload, dram: DramFidelity | None) -> tuple[Inference, list[str]]:
    """Time and energy of an inference, and the notes of its run."""
    summary = simulate(hardware, network, dram=dram).summary
    return Inference(network.name, summary["latency_ms"] * 1e-3, summary["energy_uj"] * 1e-3), summary["notes"]


def find_rest(hardware: Hardware, use: DeviceUse) -> tuple[Rest, list[str]]:
    """Find what a machine draws between inferences, and what is assumed for that, a sentence each."""
    technology = load_technology(hardware.technology.name)
    table, switching, notes = price_hardware(hardware, technology), technology.switching, []
    idle = table.leakage_logic_mw + table.leakage_sram_mw + table.dram_standby_mw
    sleep, wake_s = use.sleep_mw, (switching.device_wake_ms if use.wake_ms is None else use.wake_ms) * 1e-3
    if sleep is None:
        refresh, left = find_low_power_shares(hardware)[1], (switching.logic_left_share, switching.sram_off_share)
        sleep = left[0] * table.leakage_logic_mw + left[1] * table.leakage_sram_mw + refresh * table.dram_standby_mw
        notes.append(
            f"asleep, logic and SRAM are assumed to be off and to leak {left[0]:.0%} and {left[1]:.0%} (1 to 10 %),"
            f" and the DRAM to refresh itself at {refresh:.0%} of its standby; --sleep-mw states another power"
        )
    if use.wake_ms is None:
        notes.append(
            f"waking up is assumed to take {switching.device_wake_ms:g} ms (0.1 to 10); --wake-ms states another time"
        )
    wake_mj = idle * wake_s if use.wake_uj is None else use.wake_uj * 1e-3
    if use.wake_uj is None:
        notes.append("waking up is assumed to draw as much as idling; --wake-uj states another energy")
    if hardware.thermal is not None:
        kelvin = hardware.technology.temperature_k
        notes.append(f"between inferences leakage is that of technology.temperature_k, {kelvin:g} K")
    return Rest(idle, sleep, wake_s, wake_mj), notes


def find_detector_mw(hardware: Hardware, network: Workload, period_s: float) -> float:
    """Find the average power in mW of a small network that runs every period on a machine of its own, which idles.

    Raises: UserError for a period that is too short for an inference, and as ``simulate``.
    """
    rest, _ = find_rest(hardware, DeviceUse())
    work = combine_stages([Stage(_infer(hardware, network, None)[0], 1.0)])
    return split_period(work, period_s, rest._replace(sleep_mw=rest.idle_mw), "--detector-period-s").average_mw
