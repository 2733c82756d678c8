"""On-chip buffers as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config import Size, Value

IfmapLayout = Literal["as_read", "channels_last", "rows"]


class Sram(Value):
    """An on-chip buffer; one half fills while the other is read, unless a whole operand fits or it has no halves.

    Consecutive words lie in consecutive banks, each of which serves ``ports`` words a cycle: without them the engine
    never waits for a bank. Activations lie as the
    engine reads them (a unit in front of the buffer has arranged them), pixel by pixel with the channels inside, or
    channel by channel in rows of pixels.
    """

    capacity_kib: Size
    banks: Size = 1
    width_bits: Size = 64
    ports: Annotated[int, Field(ge=1, le=8)] | None = None  #: words that a bank serves in a cycle; None: any number
    layout: IfmapLayout = "as_read"  #: of activations
    double_buffered: bool = True  #: else the next tile comes when the engine has done with this one, all the buffer's

    @model_validator(mode="after")
    def _layout_of_ports(self) -> Sram:
        if self.layout != "as_read" and self.ports is None:
            raise ValueError(f"layout: {self.layout} makes banks collide, which needs ports; state how many a bank has")
        return self


class OperandSrams(Value):
    """One buffer for each operand, or one that all three share as the mapping likes."""

    ifmap: Sram | None = None
    weight: Sram | None = None
    ofmap: Sram | None = None
    shared: Sram | None = None

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
        """Contents that ifmap, weights and ofmap have room for at a time: one that is used, one that comes or goes."""
        three = (self.shared or getattr(self, name) for name in ("ifmap", "weight", "ofmap"))
        ifmap, weight, ofmap = (1 + sram.double_buffered for sram in three)
        return ifmap, weight, ofmap

    @property
    def operand_bytes(self) -> tuple[int, int, int]:
        """Room for ifmap, weights and ofmap: each one's buffer, or a third of the shared one."""
        if self.shared:
            return (self.capacity_bytes // 3,) * 3
        sizes = [s.capacity_kib * 1024 for s in (self.ifmap, self.weight, self.ofmap) if s]
        return sizes[0], sizes[1], sizes[2]

    @property
    def capacity_bytes(self) -> int:
        """All buffers together."""
        return sum(s.capacity_kib for s in (self.ifmap, self.weight, self.ofmap, self.shared) if s) * 1024
