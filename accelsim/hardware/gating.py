"""What switching an idle block off takes and leaves; what is not stated is derived or assumed, and told so."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.config import NonNegative, Value

Share = Annotated[float, Field(ge=0, le=1)]


class GatedUnit(Value):
    """One kind of block."""

    gated: bool = True  #: false: it has no switch
    residual_share: Share | None = None  #: of its power that is left when it is off
    wake_ns: NonNegative | None = None  #: until it works again
    overhead_pj: NonNegative | None = None  #: of all of the block, each time that it goes off and on
    break_even_ns: NonNegative | None = None  #: instead of overhead_pj: off for so long, it saves as much as it costs


class Gating(Value):
    """Switches of an accelerator's blocks."""

    engine: GatedUnit = GatedUnit()  #: rows and columns of PEs that a layer does not use apart from those that wait
    vector: GatedUnit = GatedUnit()
    sram_retention: GatedUnit = GatedUnit()  #: a slice keeps its content at a lower voltage
    sram_off: GatedUnit = GatedUnit()  #: a slice that a layer does not use loses it
    dram_power_down: GatedUnit = GatedUnit()
    dram_self_refresh: GatedUnit = GatedUnit()
    timeout_ns: NonNegative | None = None  #: idle-detect: idle for so long before it goes off; default: its break-even
