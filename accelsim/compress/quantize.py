"""What a stated precision makes of hardware and network."""

from __future__ import annotations

from accelsim.config import UserError
from accelsim.hardware import BITS, Hardware
from accelsim.workload.network import Workload, set_width


def apply_precision(hardware: Hardware, workload: Workload, precision: str) -> tuple[Hardware, Workload]:
    """PEs of that precision, and every operand of its width; bit-serial units take narrow operands as they are.

    Raises: UserError where the engine has no such precision.
    """
    try:
        engine = hardware.engine.at_precision(precision)
    except ValueError as error:
        raise UserError(f"--precision {precision}: {hardware.name}: {error}") from None
    hardware = hardware.model_copy(update={"engine": engine})
    return hardware, set_width(workload, BITS[precision])
