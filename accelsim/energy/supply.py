"""How the supply voltages scale energies and leakage."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.technology import Technology
from accelsim.hardware.laws import Leakage


class Supply(NamedTuple):
    """Factors on energies and leakage powers that are stated at their own reference voltages."""

    logic_dynamic: float = 1.0
    sram_dynamic: float = 1.0
    logic_leakage: float = 1.0
    sram_leakage: float = 1.0


def find_supply(technology: Technology, cell: str, voltage_v: float | None, sram_voltage_v: float | None) -> Supply:
    """The factors of the supply voltages of logic and SRAM, V; 1 where none is stated.

    Energies follow V^2, and leakage, also that of SRAM, follows the law of ``Logic``.

    Raises: UserError for a voltage at or below the threshold.
    """
    per_v, threshold = technology.logic.leakage_per_v, technology.logic.threshold_v
    for name, given in (("voltage_v", voltage_v), ("sram_voltage_v", sram_voltage_v)):
        if given is not None and given <= threshold:
            problem = f"should be above the threshold of {technology.name}, {threshold:g} V"
            raise UserError(f"technology.{name}: {problem}, got {given:g}")
    logic, sram = (
        (1.0, 1.0) if given is None else ((given / own) ** 2, Leakage(own, per_v).times(given))
        for given, own in (
            (voltage_v, technology.reference_voltage_v),
            (voltage_v if sram_voltage_v is None else sram_voltage_v, technology.sram.voltages_v[cell]),
        )
    )
    return Supply(logic[0], sram[0], logic[1], sram[1])
