"""A machine: a hardware description with the engine, prices and buffers that are derived from it once."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.prices import EnergyTable
from accelsim.energy.technology import load_technology
from accelsim.engines.base import Engine
from accelsim.engines.pricing import price_hardware
from accelsim.engines.table import build_engine
from accelsim.hardware import Hardware
from accelsim.memory.bank_conflicts import Buffers, describe_buffers
from accelsim.workload.gemm import Gemm


class Machine(NamedTuple):
    """Hardware of one dataflow with its engine, its prices, and its buffers as the ports serve them."""

    hardware: Hardware
    engine: Engine
    table: EnergyTable
    buffers: Buffers


def build_machine(hardware: Hardware) -> Machine:
    """Build a machine from a hardware description. Raises: UserError for an SRAM that the technology cannot price."""
    table = price_hardware(hardware, load_technology(hardware.technology.name))
    return Machine(hardware, build_engine(hardware.engine), table, describe_buffers(hardware))


def refuse_too_wide(gemm: Gemm, hardware: Hardware) -> None:
    """Check a product's widths. Raises: UserError for operands that are wider than the engine's."""
    engine, widest = hardware.engine, max(gemm.activation_bits, gemm.weight_bits)
    if widest > engine.operand_bits:
        problem = f"{widest}-bit operands do not fit the engine's {engine.operand_bits} bits"
        raise UserError(problem + engine.width_limit)
