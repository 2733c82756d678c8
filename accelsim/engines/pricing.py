"""The energy table of a hardware description: its engine gives the operations, the technology their energies."""

from __future__ import annotations

from accelsim.energy.prices import EnergyTable, build_energy_table
from accelsim.energy.technology import Technology
from accelsim.engines.table import build_engine
from accelsim.hardware import Hardware


def price_hardware(hardware: Hardware, technology: Technology) -> EnergyTable:
    """Build the energy table of a hardware description in a technology.

    Raises: UserError for an SRAM that the technology's table cannot price, and for a voltage below the threshold.
    """
    return build_energy_table(hardware, build_engine(hardware.engine).datapath(technology), technology)
