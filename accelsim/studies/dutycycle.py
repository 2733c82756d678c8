"""Networks on machines that sleep between inferences: latency and energy from runs, rest from leakage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import energy_table
from accelsim.hardware import DramFidelity, Hardware
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
from accelsim.studies.gating import low_power_shares
from accelsim.workload.network import Workload

PERIODS_S = (0.1, 1.0, 10.0, 60.0, 600.0)  # of the table of what if


class DeviceUse(NamedTuple):
    """What a user may state of a device; None is derived."""

    period_s: float
    sleep_mw: float | None = None
    wake_ms: float | None = None
    wake_uj: float | None = None
    battery: Battery | None = None
    watch: Watch | None = None


class DutyCycle(NamedTuple):
    """A device's average power, by period or by events."""

    work: Cascade
    rest: Rest
    cycle: Cycle
    others: list[Cycle]  #: other periods; none with a detector
    battery: Battery | None
    watch: Watch | None
    notes: list[str]


def dutycycle(
    hardware: Hardware,
    networks: Sequence[tuple[Workload, float]],
    asked: DeviceUse,
    dram: DramFidelity | None = None,
) -> DutyCycle:
    """Average power of networks in a row, each with the probability that it answers.

    Raises: UserError for a period or wake-ups that do not fit, and as ``simulate``.
    """
    stages, told = [], []
    for number, (network, answers) in enumerate(networks):
        last = number == len(networks) - 1
        inference, remarks = _inference(hardware, network, dram)
        stages.append(Stage(inference, 1.0 if last else answers))
        told += [f"{network.name}: {remark}" if len(networks) > 1 else remark for remark in remarks]
    work, (rest, assumed) = combine_stages(stages), find_rest(hardware, asked)
    notes = [*told, *assumed]
    if asked.watch is not None:
        return DutyCycle(work, rest, split_event_hour(work, asked.watch, rest), [], asked.battery, asked.watch, notes)
    cycle = split_period(work, asked.period_s, rest, "--period-s")
    others = [split_period(work, period, rest) for period in PERIODS_S if period >= work.worst_seconds]
    if len(others) < len(PERIODS_S):
        notes.append(f"other periods: left out below {work.worst_seconds:.4g} s, which an inference may take")
    return DutyCycle(work, rest, cycle, others, asked.battery, None, notes)


def _inference(hardware: Hardware, network: Workload, dram: DramFidelity | None) -> tuple[Inference, list[str]]:
    """What a run takes, and its notes."""
    summary = simulate(hardware, network, dram=dram).summary
    return Inference(network.name, summary["latency_ms"] * 1e-3, summary["energy_uj"] * 1e-3), summary["notes"]


def find_rest(hardware: Hardware, asked: DeviceUse) -> tuple[Rest, list[str]]:
    """What a machine draws between inferences, and what was assumed for it."""
    technology = load_technology(hardware.technology.name)
    table, switching, notes = energy_table(hardware, technology), technology.switching, []
    idle = table.leakage_logic_mw + table.leakage_sram_mw + table.dram_standby_mw
    sleep, wake_s = asked.sleep_mw, (switching.device_wake_ms if asked.wake_ms is None else asked.wake_ms) * 1e-3
    if sleep is None:
        refresh, left = low_power_shares(hardware)[1], (switching.logic_left_share, switching.sram_off_share)
        sleep = left[0] * table.leakage_logic_mw + left[1] * table.leakage_sram_mw + refresh * table.dram_standby_mw
        notes.append(
            f"asleep, assumed: logic and SRAM are off and leak {left[0]:.0%} and {left[1]:.0%} (1 to 10 %), the DRAM"
            f" refreshes itself at {refresh:.0%} of its standby; --sleep-mw states it"
        )
    if asked.wake_ms is None:
        notes.append(f"waking, assumed: {switching.device_wake_ms:g} ms (0.1 to 10); --wake-ms states it")
    wake_mj = idle * wake_s if asked.wake_uj is None else asked.wake_uj * 1e-3
    if asked.wake_uj is None:
        notes.append("waking draws what idling does; --wake-uj states it")
    if hardware.thermal is not None:
        kelvin = hardware.technology.temperature_k
        notes.append(f"between inferences leakage is that of technology.temperature_k, {kelvin:g} K")
    return Rest(idle, sleep, wake_s, wake_mj), notes


def find_detector_mw(hardware: Hardware, network: Workload, period_s: float) -> float:
    """Average power of a small network that runs every period on a machine of its own, which idles in between."""
    rest, _ = find_rest(hardware, DeviceUse(period_s))
    work = combine_stages([Stage(_inference(hardware, network, None)[0], 1.0)])
    return split_period(work, period_s, rest._replace(sleep_mw=rest.idle_mw), "--detector-period-s").average_mw
