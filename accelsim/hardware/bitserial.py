"""Bit-serial units as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config import Size, Value
from accelsim.hardware.precisions import BITS
from accelsim.hardware.sparsity import Pattern


class BitSerialUnit(Value):
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
    zero_gating: bool = False  #: a lane with a zero weight costs no energy, but its cycles

    @property
    def lane_slots(self) -> int:
        """Bits of an activation that a lane has room for in a cycle; 1 where activations are not serial."""
        return self.bits_per_cycle if self.serial in ("activations", "both") else 1

    @property
    def activation_bits_per_cycle(self) -> int:
        """Bits that a lane really adds in a cycle: ``skip: essential`` takes one set bit, whatever room there is."""
        return 1 if self.skip == "essential" else self.lane_slots

    @property
    def operand_bits(self) -> int:
        """Width of operands that state none."""
        return self.pe_bits

    @property
    def precision(self) -> str:
        """Of the widest operands."""
        return "int8" if self.pe_bits <= BITS["int8"] else "int16"

    @property
    def pes(self) -> int:
        """Lanes, each with a bit of one operand a cycle (a whole multiplier each where nothing is serial)."""
        return self.tiles * self.rows * self.cols * self.lanes

    @property
    def title(self) -> str:
        """Size and kind in a few words."""
        kind = "bit-parallel" if self.serial == "none" else f"bit-serial {self.serial}"
        skip = "" if self.skip == "none" else f", {self.skip}"
        return f"{self.tiles}x{self.rows}x{self.cols}x{self.lanes} {kind}{skip}"

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int) -> float:
        """MACs in a cycle in which every lane works; where zero bits are skipped, as if each operand had one bit."""
        activation_cycles = -(-activation_bits // self.bits_per_cycle) if self.skip == "none" else 1
        cycles = {
            "none": 1,
            "activations": activation_cycles,
            "weights": weight_bits,
            "both": activation_cycles * weight_bits,
        }[self.serial]
        return self.pes / cycles

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N, K of one pass: windows, filters, and single channels that stream."""
        return self.cols, self.tiles * self.rows, 1

    @property
    def streamed(self) -> str:
        """The dimension that flows through the units."""
        return "k"

    @property
    def holds_sums(self) -> bool:
        """Sums stay in the units until they are finished."""
        return True

    @property
    def sparse_pattern(self) -> Pattern | None:
        """None: zeros are weights like others."""
        return None

    @model_validator(mode="after")
    def _skips_only_serial_activations(self) -> BitSerialUnit:
        if self.skip != "none" and self.serial != "activations":
            raise ValueError(f"skip: {self.skip} needs serial: activations, got {self.serial}")
        if self.column_registers and self.skip == "none":
            raise ValueError("column_registers let columns of unequal length run apart; they need skip")
        return self
