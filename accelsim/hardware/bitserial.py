"""Bit-serial units as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config import Size
from accelsim.hardware.description import EngineDescription
from accelsim.hardware.precisions import BITS


class BitSerialUnit(EngineDescription):
    """Tiles of inner-product units that take operands bit by bit (Stripes, MICRO 2016, and its family).

    Each of ``tiles`` tiles computes ``rows`` filters for ``cols`` windows, ``lanes`` channels at a time. With
    ``serial: none`` and one column it is their bit-parallel baseline, DaDianNao.
    """

    kind: Literal["bitserial"]
    tiles: Size
    rows: Size  #: filters per tile
    cols: Size  #: windows side by side
    lanes: Size  #: channels of a brick
    serial: Literal["none", "activations", "weights", "both"]
    skip: Literal["none", "dynamic", "essential"] = "none"
    bits_per_cycle: Annotated[int, Field(ge=1, le=16)] = 1  #: of a serial activation
    shifter_bits: Annotated[int, Field(ge=0, le=4)] = 2  #: first-stage shifter of ``skip: essential``
    column_registers: Annotated[int, Field(ge=0, le=1024)] = 0  #: how far columns may run ahead of each other
    pe_bits: Annotated[int, Field(ge=1, le=16)] = 16  #: widest operand
    pack_first_layer: bool = False  #: three input channels and a stride: space to depth first
    pack_depthwise: bool = False  #: one channel a group: kernel positions share the lanes

    @property
    def operand_bits(self) -> int:
        """Width of operands that state none, in bits."""
        return self.pe_bits

    @property
    def precision(self) -> str:
        """Number format of the widest operands."""
        return "int8" if self.pe_bits <= BITS["int8"] else "int16"

    @property
    def width_limit(self) -> str:
        """The words of an error message that say which widths are allowed, and by which key."""
        return f" (engine.pe_bits); allowed: 1 to {self.pe_bits}"

    def at_precision(self, precision: str) -> BitSerialUnit:
        """The unit as it is: it takes narrow integers one by one. Raises: ValueError for other formats."""
        if not precision.startswith("int"):
            raise ValueError("takes integers only")
        return self

    @model_validator(mode="after")
    def _skips_only_serial_activations(self) -> BitSerialUnit:
        if self.skip != "none" and self.serial != "activations":
            raise ValueError(f"skip: {self.skip} needs serial: activations, got {self.serial}")
        if self.column_registers and self.skip == "none":
            raise ValueError("column_registers let columns of unequal length run apart; they need skip")
        return self
