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
    """Kind of the engine: a bit-serial unit."""
    tiles: Size
    """Number of tiles, each of which computes filters of its own."""
    rows: Size
    """Number of filters that a tile computes at a time."""
    cols: Size
    """Number of windows (output pixels) that a tile computes at a time."""
    lanes: Size
    """Number of channels that an inner-product unit multiplies at a time, a brick."""
    serial: Literal["none", "activations", "weights", "both"]
    """Operand that comes bit by bit."""
    skip: Literal["none", "dynamic", "essential"] = "none"
    """Bits of a serial activation that take no cycle: none, those above the widest value of a step (dynamic), or
    all zero bits (essential)."""
    bits_per_cycle: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of bits of a serial activation that are taken in a cycle."""
    shifter_bits: Annotated[int, Field(ge=0, le=4)] = 2
    """Reach of the first shifter, bits: lanes take set bits within 2^shifter_bits positions in a cycle (skip:
    essential)."""
    column_registers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Number of steps that a column may run ahead of the slowest one (with skip)."""
    pe_bits: Annotated[int, Field(ge=1, le=16)] = 16
    """Width of the widest operand that the unit takes, bits."""
    pack_first_layer: bool = False
    """Whether a convolution of three channels with a stride is rearranged from space to depth, which fills lanes."""
    pack_depthwise: bool = False
    """Whether the kernel positions of a depthwise convolution share the lanes."""

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
