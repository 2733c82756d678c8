"""A hardware description with what every layer needs of it, derived once."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import EnergyTable
from accelsim.energy.technology import load_technology
from accelsim.engines.base import Engine
from accelsim.engines.pricing import energy_table
from accelsim.engines.table import engine_of
from accelsim.hardware import Hardware
from accelsim.memory.bank_conflicts import Buffers, describe_buffers
from accelsim.workload.gemm import Gemm


class Machine(NamedTuple):
    """Hardware of one dataflow, its engine, its prices, and its buffers as their ports see them."""

    hardware: Hardware
    engine: Engine
    table: EnergyTable
    buffers: Buffers


def build_machine(hardware: Hardware) -> Machine:
    """Derive a machine. Raises: UserError for an SRAM that the technology cannot price."""
    table = energy_table(hardware, load_technology(hardware.technology.name))
    return Machine(hardware, engine_of(hardware.engine), table, describe_buffers(hardware))


def refuse_too_wide(gemm: Gemm, hardware: Hardware) -> None:
    """Raises: UserError for operands that the engine has no room for."""
    engine, widest = hardware.engine, max(gemm.activation_bits, gemm.weight_bits)
    if widest > engine.operand_bits:
        told = f"{widest}-bit operands do not fit the engine's {engine.operand_bits} bits"
        raise UserError(told + engine.width_limit)
