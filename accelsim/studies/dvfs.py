"""A network at every operating point of a machine, and the governors on it."""

from __future__ import annotations

import math
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import COMPONENTS, STATIC
from accelsim.energy.technology import Technology, load_technology
from accelsim.engines.pricing import energy_table
from accelsim.hardware import DramFidelity, Hardware, OperatingPoint, OperatingPoints
from accelsim.hardware.laws import AlphaPower
from accelsim.power.governors import Governors, Period, PointRun, govern
from accelsim.power.thermal import RunawayError
from accelsim.simulation.network import simulate
from accelsim.workload.network import Workload

SLACK = 0.01  # of its latency, that a layer, or all of them, may lose and still count as not slowed


class Slowed(NamedTuple):
    """A layer that a lower clock hardly slows, since it waits for something else."""

    layer: str
    point: OperatingPoint  #: the lowest at which it takes at most SLACK more than at the highest
    added: float  #: share of its time at the highest point
    saved_pj: float


class DvfsResult(NamedTuple):
    """A network at every operating point, and the governors on it."""

    points: OperatingPoints
    derived: str  #: how the points were found; empty for stated ones
    runs: list[PointRun]
    layers: list[str]
    period: Period
    governors: Governors
    too_hot: list[str]  #: points that the package does not allow, and why

    @property
    def slowed(self) -> list[Slowed]:
        """Layers that can be slowed at hardly any latency, most saved first."""
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
    """The stated operating points, or some derived by the technology's alpha-power law, and how."""
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
    """The technology's law through one point."""
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
    """Run a network at each operating point and let every governor choose.

    Each point has the engine's clock and voltages; the DRAM keeps its clock, so that what waits for it is not slowed.
    With a deadline, an inference starts every so often and idles in between; without one the next follows at once, and
    schedules may take SLACK longer than the fastest point.

    Raises: UserError where no point meets the deadline, and as ``simulate``.
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
    """A network at a point; why not, where its die does not stay cool enough."""
    table = energy_table(hardware, load_technology(hardware.technology.name))
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
