"""A run at the temperature that its own power heats the die to: leakage at that temperature, and throttling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from accelsim.energy.prices import EnergyTable, sum_pj
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.hardware import Hardware, Thermal
from accelsim.power.thermal import Package, find_seconds_to_limit, find_share_at_limit, find_steady_k, find_warmest_k
from accelsim.simulation.result import LayerResult

COOLEST_K, WARMEST_K = 300.0, 400.0  # ends of the SRAM table
SLOPE_K = 10.0  # beyond the table, leakage is extrapolated from its last ten kelvin
LEAKS = ("leakage_logic", "leakage_sram")


class WarmRows(NamedTuple):
    """The rows of a run with leakage at the temperature at which the die settles."""

    rows: list[LayerResult]
    record: dict[str, Any]  #: entries of the summary
    notes: list[str]  #: notes of the summary


def warm_rows(hardware: Hardware, rows: Sequence[LayerResult], table: EnergyTable) -> WarmRows:
    """Price the leakage of rows at the temperature at which the die settles, one inference after the other.

    Without a ``thermal`` section in the hardware file the rows stay as they are.

    Raises: UserError for thermal runaway, and for a limit that leakage alone exceeds.
    """
    thermal = hardware.thermal
    if thermal is None:
        return WarmRows(list(rows), {}, [])
    seconds = sum(row.total_cycles for row in rows) * table.cycle_ns * 1e-9
    on_chip = math.fsum(pj for row in rows for name, pj in row.energy_pj_by_component.items() if _heats(name))
    power_w = on_chip * 1e-12 / seconds if seconds else 0.0
    package = Package(thermal.resistance_k_per_w, thermal.capacitance_j_per_k, thermal.ambient_k)

    @lru_cache(maxsize=1 << 12)
    def leakage_mw(temperature_k: float) -> tuple[float, float]:
        return _leakage_mw(hardware, temperature_k)

    def leakage_w(temperature_k: float) -> float:
        return 1e-3 * sum(leakage_mw(temperature_k))

    temperature, share, until = _settle(thermal, package, power_w, leakage_w)
    before = (table.leakage_logic_mw, table.leakage_sram_mw)
    settled = zip(LEAKS, leakage_mw(temperature), before, strict=True)
    factors = {name: now / was if was else 1.0 for name, now, was in settled}
    found = [_at(row, factors) for row in rows]
    idle_pj = (1e3 * leakage_w(temperature) + table.dram_standby_mw) * seconds * 1e9 * (1 / share - 1)
    record = {
        "temperature_k": temperature,
        "power_w": power_w * share + leakage_w(temperature),
        "leakage_mw": 1e3 * leakage_w(temperature),
        "throttled_to_share": share,
        "sustained_latency_ms": 1e3 * seconds / share,
        "sustained_energy_uj": (math.fsum(row.energy_pj for row in found) + idle_pj) * 1e-6,
        "seconds_to_limit": until,
    }
    return WarmRows(found, {"thermal": record}, _notes(thermal, temperature, share))


def apply_temperature(hardware: Hardware, summary: dict[str, Any]) -> Hardware:
    """Set the hardware's temperature to the one that a run found, within the range of the SRAM table."""
    if "thermal" not in summary:
        return hardware
    kelvin = min(max(summary["thermal"]["temperature_k"], COOLEST_K), WARMEST_K)
    return hardware.model_copy(update={"technology": hardware.technology.model_copy(update={"temperature_k": kelvin})})


def _heats(component: str) -> bool:
    """Whether the die dissipates a component besides leakage; the DRAM is another die."""
    return component not in LEAKS and not component.startswith("dram")


def _settle(thermal: Thermal, package: Package, power_w: float, leakage_w: Any) -> tuple[float, float, float | None]:
    """Temperature, share of time at work, and seconds from ambient to the limit."""
    limit = thermal.limit_k
    if limit is None:
        return find_steady_k(package, power_w, leakage_w), 1.0, None
    share = find_share_at_limit(package, power_w, leakage_w, limit)
    until = find_seconds_to_limit(package, power_w, leakage_w, limit)
    if share < 1:
        return find_warmest_k(package, leakage_w, limit), share, until
    return find_steady_k(package, power_w, leakage_w), 1.0, until


def _leakage_mw(hardware: Hardware, temperature_k: float) -> tuple[float, float]:
    """Leakage of logic and SRAM in mW at any temperature."""
    inside = min(max(temperature_k, COOLEST_K), WARMEST_K)
    at_edge = _table_leakage_mw(hardware, inside)
    if inside == temperature_k:
        return at_edge
    within = inside - math.copysign(SLOPE_K, inside - (COOLEST_K + WARMEST_K) / 2)
    before = _table_leakage_mw(hardware, within)
    kelvins = (temperature_k - inside) / (inside - within)
    logic, sram = (
        edge * (edge / other) ** kelvins if other else edge for edge, other in zip(at_edge, before, strict=True)
    )
    return logic, sram


def _table_leakage_mw(hardware: Hardware, temperature_k: float) -> tuple[float, float]:
    choice = hardware.technology.model_copy(update={"temperature_k": temperature_k})
    table = price_hardware(hardware.model_copy(update={"technology": choice}), load_technology(choice.name))
    return table.leakage_logic_mw, table.leakage_sram_mw


def _at(row: LayerResult, factors: dict[str, float]) -> LayerResult:
    """Multiply the components of a row by factors."""
    parts = {name: pj * factors.get(name, 1.0) for name, pj in row.energy_pj_by_component.items()}
    return replace(row, energy_pj_by_component=parts, energy_pj=sum_pj(parts))


def _notes(thermal: Thermal, temperature_k: float, share: float) -> list[str]:
    found = f"the die settles at {temperature_k:.1f} K behind {thermal.resistance_k_per_w:g} K/W, one inference after"
    notes = [f"{found} the other; leakage is priced there"]
    if share < 1:
        notes.append(f"THROTTLED: it may work {share:.1%} of the time to stay at {temperature_k:g} K")
    if temperature_k > WARMEST_K:
        notes.append(f"above {WARMEST_K:g} K, where the SRAM table ends, leakage is extrapolated")
    return notes
