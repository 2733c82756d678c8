"""On-chip buffers as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config import Size, Value

IfmapLayout = Literal["as_read", "channels_last", "rows"]


class Sram(Value):
    """An on-chip buffer. Consecutive words lie in consecutive banks."""

    capacity_kib: Size
    """Capacity of the buffer, KiB."""
    banks: Size = 1
    """Number of equal banks of the buffer; they set its energy, leakage and access time."""
    width_bits: Size = 64
    """Width of one access to a bank, a word, bits."""
    ports: Annotated[int, Field(ge=1, le=8)] | None = None
    """Number of words that a bank reads or writes in a cycle; without it the engine never waits for a bank."""
    layout: IfmapLayout = "as_read"
    """How activations lie in the buffer: as_read (as the engine reads them, arranged by a unit in front of the
    buffer), channels_last (pixel by pixel, with its channels) or rows (channel by channel, in rows of pixels)."""
    double_buffered: bool = True
    """Whether one half fills (or empties) while the engine uses the other; if not, a tile may fill the whole buffer,
    and the next tile comes once the engine has done with it."""

    @model_validator(mode="after")
    def _layout_of_ports(self) -> Sram:
        if self.layout != "as_read" and self.ports is None:
            raise ValueError(f"layout: {self.layout} makes banks collide, which needs ports; state how many a bank has")
        return self


class OperandSrams(Value):
    """One buffer for each operand, or one buffer that all three share."""

    ifmap: Sram | None = None
    """Buffer of the input activations."""
    weight: Sram | None = None
    """Buffer of the weights."""
    ofmap: Sram | None = None
    """Buffer of the results and partial sums."""
    shared: Sram | None = None
    """One buffer for all three operands, instead of the other three."""

    @model_validator(mode="after")
    def _all_or_shared(self) -> OperandSrams:
        operands = (self.ifmap, self.weight, self.ofmap)
        if (self.shared is None) == any(s is None for s in operands) or (self.shared and any(operands)):
            raise ValueError("give either ifmap, weight and ofmap, or shared alone")
        for name in ("weight", "ofmap"):
            sram = getattr(self, name)
            if sram and sram.layout != "as_read":
                raise ValueError(f"{name}: layout: is one of activations, in ifmap or shared; got {sram.layout}")
        return self

    @property
    def halves(self) -> tuple[int, int, int]:
        """Number of tiles of ifmap, weights and ofmap in a buffer at a time: 2 if it is double-buffered, else 1."""
        three = (self.shared or getattr(self, name) for name in ("ifmap", "weight", "ofmap"))
        ifmap, weight, ofmap = (1 + sram.double_buffered for sram in three)
        return ifmap, weight, ofmap

    @property
    def operand_bytes(self) -> tuple[int, int, int]:
        """Room for ifmap, weights and ofmap, bytes: the buffer of each, or a third of the shared one."""
        if self.shared:
            return (self.capacity_bytes // 3,) * 3
        sizes = [s.capacity_kib * 1024 for s in (self.ifmap, self.weight, self.ofmap) if s]
        return sizes[0], sizes[1], sizes[2]

    @property
    def capacity_bytes(self) -> int:
        """Capacity of all buffers, bytes."""
        return sum(s.capacity_kib for s in (self.ifmap, self.weight, self.ofmap, self.shared) if s) * 1024
