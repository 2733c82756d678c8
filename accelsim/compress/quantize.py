"""What a stated precision makes of hardware and network."""

from __future__ import annotations

from pydantic import ValidationError

from accelsim.config import UserError
from accelsim.hardware import BITS, BitSerialUnit, Hardware
from accelsim.workload.network import Workload, set_width


def apply_precision(hardware: Hardware, workload: Workload, precision: str) -> tuple[Hardware, Workload]:
    """PEs of that precision, and every operand of its width; bit-serial units take narrow operands as they are.

    Raises: UserError where the engine has no such precision.
    """
    engine = hardware.engine
    if isinstance(engine, BitSerialUnit):
        if not precision.startswith("int"):
            raise UserError(f"--precision {precision}: {hardware.name} takes integers only")
    else:
        try:
            engine = type(engine).model_validate({**engine.model_dump(), "precision": precision})
        except ValidationError as error:
            told = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UserError(f"--precision {precision}: {hardware.name}: {told}") from None
        hardware = hardware.model_copy(update={"engine": engine})
    return hardware, set_width(workload, BITS[precision])
