"""The prices of a machine: its engine says what a PE does, the technology what that costs."""

from __future__ import annotations

from accelsim.energy.prices import EnergyTable, build_table
from accelsim.energy.technology import Technology
from accelsim.engines.table import engine_of
from accelsim.hardware import Hardware


def energy_table(hardware: Hardware, technology: Technology) -> EnergyTable:
    """The prices of a hardware description in a technology.

    Raises: UserError for an SRAM that the technology's table cannot price.
    """
    return build_table(hardware, engine_of(hardware.engine).datapath(technology), technology)
