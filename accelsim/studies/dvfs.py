"""DVFS: run a network at every operating point of a machine, and let governors choose among the points."""

from __future__ import annotations

import math
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import COMPONENTS, STATIC
from accelsim.energy.technology import Technology, load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.hardware import DramFidelity, Hardware, OperatingPoint, OperatingPoints
from accelsim.hardware.laws import AlphaPower
from accelsim.power.governors import Governors, Period, PointRun, govern
from accelsim.power.thermal import RunawayError
from accelsim.simulation.network import simulate
from accelsim.workload.network import Workload

SLACK = 0.01  # share of its time by which a layer, or all of them, may get slower and still count as not slowed


class Slowed(NamedTuple):
    """A layer that a lower clock hardly slows, since it waits for the DRAM."""

    layer: str
    point: OperatingPoint  #: the lowest at which the layer takes at most SLACK more time than at the highest
    added: float  #: time that it takes more there, as a share of its time at the highest point
    saved_pj: float  #: energy that it takes less there


class DvfsResult(NamedTuple):
    """A network at every operating point, and what each governor chooses."""

    points: OperatingPoints
    derived: str  #: how the points were derived; empty where the hardware file states them
    runs: list[PointRun]  #: one for each point that the package allows, voltages ascending
    layers: list[str]  #: names, in the order of the network
    period: Period
    governors: Governors
    too_hot: list[str]  #: points at which the die does not stay cool enough, and why

    @property
    def slowed(self) -> list[Slowed]:
        """Layers that take less energy at a lower point in hardly more time, those that save most first."""
        top, found = self.runs[-1], []
        for number, name in enumerate(self.layers):
            limit = top.time_ns[number] * (1 + SLACK)
            slowest = next(run for run in self.runs if run.time_ns[number] <= limit)
            saved = top.energy_pj[number] - slowest.energy_pj[number]
            if slowest is not top and saved > 0:
                added = slowest.time_ns[number] / top.time_ns[number] - 1 if top.time_ns[number] else 0.0
                found.append(Slowed(name, slowest.point, added, saved))
        return sorted(found, key=lambda each: -each.saved_pj)


def find_operating_points(hardware: Hardware) -> tuple[OperatingPoints, str]:
    """Find the operating points of a machine, and how they were derived, in words that are empty for stated ones.

    Where the hardware file states none, the technology's alpha-power law is laid through its voltage and clock.
    """
    if hardware.operating_points is not None:
        return hardware.operating_points, ""
    technology = load_technology(hardware.technology.name)
    nominal = hardware.technology.voltage_v or technology.reference_voltage_v
    law = _law(technology, nominal, hardware.clock_mhz)
    over, step_v = technology.logic.over_threshold_v, technology.logic.regulator_step_v
    steps = math.floor((nominal - law.threshold_v - over) / step_v + 1e-9)
    voltages = [round(nominal - step_v * step, 9) for step in range(max(steps, 0), -1, -1)]
    points = tuple(OperatingPoint(voltage_v=v, clock_mhz=law.frequency_mhz(v)) for v in voltages[:-1])
    nominal_point = OperatingPoint(voltage_v=nominal, clock_mhz=hardware.clock_mhz)
    how = (
        f"points derived: f = k (V - {law.threshold_v:g} V)^{law.alpha:g} / V through {nominal_point}, down to"
        f" {over:g} V above the threshold; {technology.logic.clock_source}"
    )
    return OperatingPoints(points=(*points, nominal_point)), how


def _law(technology: Technology, voltage_v: float, clock_mhz: float) -> AlphaPower:
    """The technology's alpha-power law, scaled so that it gives ``clock_mhz`` at ``voltage_v``."""
    logic = technology.logic
    unscaled = AlphaPower(1.0, logic.threshold_v, logic.alpha)
    return unscaled._replace(k_mhz=clock_mhz / unscaled.frequency_mhz(voltage_v))


def dvfs(
    hardware: Hardware,
    workload: Workload,
    deadline_ms: float | None = None,
    idle_mw: float | None = None,
    dram: DramFidelity | None = None,
) -> DvfsResult:
    """Run a network at each operating point of a machine and let every governor choose among the points.

    An operating point sets the voltages and the clock of engine and SRAM. The DRAM keeps its clock, so that layers that
    wait for it are hardly slowed. With ``deadline_ms`` an inference starts every so many milliseconds, and the machine
    idles in between at ``idle_mw`` (default: all of it leaks at the lowest voltage). Without a deadline the next
    inference follows at once, and a choice may take 1 % (SLACK) longer than the fastest point. ``dram`` is how exactly
    the DRAM is simulated, if not as the hardware file says.

    Returns a run for each point (``runs``), the governors' choices (``governors.choices``) and ``slowed`` layers.

    Raises: UserError where no point meets the deadline or keeps the die cool, and as ``simulate``.
    """
    points, derived = find_operating_points(hardware)
    tried = [_run(hardware.at(point), point, workload, dram) for point in points.points]
    runs, too_hot = [run for run in tried if isinstance(run, PointRun)], [run for run in tried if isinstance(run, str)]
    if not runs:
        raise UserError(f"operating_points: none of them can go on: {too_hot[0]}")
    lowest = runs[0].static_mw if idle_mw is None else idle_mw
    within = (1 + SLACK) * min(run.total_ns for run in runs)
    deadline = within if deadline_ms is None else deadline_ms * 1e6
    period = Period(
        deadline_ns=deadline,
        idle_mw=0.0 if deadline_ms is None else lowest,
        transition_ns=points.transition_us * 1e3,
        transition_pj=points.transition_uj * 1e6,
        repeats=deadline_ms is not None,
    )
    layers = [node.layer.name for node in workload.nodes]
    return DvfsResult(points, derived, runs, layers, period, govern(runs, period), too_hot)


def _run(hardware: Hardware, point: OperatingPoint, workload: Workload, dram: DramFidelity | None) -> PointRun | str:
    """A network at a point; where its die does not stay cool enough, a text that says so."""
    table = price_hardware(hardware, load_technology(hardware.technology.name))
    try:
        result = simulate(hardware, workload, dram=dram)
    except RunawayError as error:
        return f"{point}: {error}"
    if result.summary.get("thermal", {}).get("throttled_to_share", 1.0) < 1:
        return f"{point}: throttles at {result.summary['thermal']['temperature_k']:g} K"
    rows = result.rows
    return PointRun(
        point,
        tuple(row.total_cycles * table.cycle_ns for row in rows),
        tuple(row.energy_pj for row in rows),
        {name: math.fsum(row.energy_pj_by_component[name] for row in rows) for name in COMPONENTS},
        math.fsum(getattr(table, f"{name}_mw") for name in STATIC),
    )
