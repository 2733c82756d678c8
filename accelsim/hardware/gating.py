"""What it costs to switch an idle block off and what it still draws; values that a file leaves out are derived."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.config import NonNegative, Value

Share = Annotated[float, Field(ge=0, le=1)]


class GatedUnit(Value):
    """How one kind of block is switched. A value that is left out is derived, by assumptions that the report prints."""

    gated: bool = True
    """Whether the block has a power switch."""
    residual_share: Share | None = None
    """Share of its power that the block still draws when it is off."""
    wake_ns: NonNegative | None = None
    """Time from switching the block on until it works again, ns."""
    overhead_pj: NonNegative | None = None
    """Energy of switching the whole block off and on once, pJ."""
    break_even_ns: NonNegative | None = None
    """Break-even time, ns, instead of overhead_pj: after so long in the off state the saving equals the overhead."""


class Gating(Value):
    """Switches of an accelerator's blocks."""

    engine: GatedUnit = GatedUnit()
    """Switches of the engine; PEs that a layer does not use are switched apart from those that wait."""
    vector: GatedUnit = GatedUnit()
    """Switch of the vector unit."""
    sram_retention: GatedUnit = GatedUnit()
    """Retention of an SRAM slice, which keeps its content at a lower voltage."""
    sram_off: GatedUnit = GatedUnit()
    """Switch of an SRAM slice that a layer leaves empty; its content is lost."""
    dram_power_down: GatedUnit = GatedUnit()
    """Power-down of the DRAM with all banks closed."""
    dram_self_refresh: GatedUnit = GatedUnit()
    """Self-refresh of the DRAM."""
    timeout_ns: NonNegative | None = None
    """Idle time after which the policy idle-detect switches a block off, ns; by default, and at least, the longer
    of the block's break-even and wake-up times."""
