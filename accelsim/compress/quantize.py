"""Quantization: run a network at a stated precision."""

from __future__ import annotations

from accelsim.config import UserError
from accelsim.hardware import BITS, Hardware
from accelsim.workload.network import Workload, set_width


def apply_precision(hardware: Hardware, workload: Workload, precision: str) -> tuple[Hardware, Workload]:
    """Set the precision of the engine, and the width of every operand of the network, to a number format.

    Bit-serial units stay as they are, since they take narrow operands. Raises: UserError where the engine does not take
    the precision.
    """
    try:
        engine = hardware.engine.at_precision(precision)
    except ValueError as error:
        raise UserError(f"--precision {precision}: {hardware.name}: {error}") from None
    hardware = hardware.model_copy(update={"engine": engine})
    return hardware, set_width(workload, BITS[precision])
