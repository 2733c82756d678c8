"""What a simulation gives back: a value per layer, their sum, and the checks that every run must pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accelsim.memory.stalls import StallCause
from accelsim.memory.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd

    from accelsim.engines.products import Product


class InvariantError(AssertionError):
    """A result contradicts itself: a defect of the simulator, never of the input."""


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer's shapes, cycles, bytes and energy, batch included. Vector layers have no m, n, k."""

    layer: str
    kind: str
    m: int
    n: int
    k: int
    groups: int
    macs: int
    compute_cycles: int  #: of the engine alone; of the vector unit for a layer without a product
    stall_cycles: int  #: all that the layer takes longer than compute_cycles
    tiling_cycles: int  #: of these: the engine's, where tiles cut its streams and each piece fills and drains;
    bank_conflict_cycles: int  #: for its buffers' banks, which serve so many words a cycle each;
    first_fill_cycles: int  #: it waits for its first operands;
    load_wait_cycles: int  #: for operands;
    refresh_wait_cycles: int  #: for operands, while the DRAM refreshes;
    store_wait_cycles: int  #: for room for results;
    drain_cycles: int  #: after it: last vector work and stores
    total_cycles: int
    utilization: float  #: MACs / (peak x total cycles); 0 without a product
    compute_utilization: float  #: MACs / (peak x compute cycles)
    dram_read_bytes: int
    dram_write_bytes: int
    compulsory_read_bytes: int  #: each operand once
    compulsory_write_bytes: int  #: the result once
    least_bytes: int  #: in and out, whatever the order of work, with this much SRAM
    ifmap_refetch: float | None  #: how often it moves; None where it need not
    weight_refetch: float | None
    ofmap_refetch: float | None  #: sums that come back included
    ideal_speedup: float | None  #: bit-serial: over a bit-parallel unit of the same peak, by widths alone; tensor
    #: cores: over dense weights, by the pattern alone
    speedup: float | None  #: the same, as it is
    ifmap_held_bytes: int  #: the most that its buffer holds at a time, both halves and what stays for others included
    weight_held_bytes: int
    ofmap_held_bytes: int  #: sums that wait to be added to at their own width
    vector_cycles: int
    dram_busy_cycles: int
    energy_pj: float
    arithmetic_intensity: float | None  #: MACs per DRAM byte
    bound: str  #: compute, memory, vector, latency; none for a layer that moves and computes nothing
    reason: str  #: the same in words
    dataflow: str  #: of a systolic array; empty without one
    mapping: str
    on_chip: str  #: which of ifmap, weight and ofmap did not cross the chip's edge
    prefetched_bytes: int  #: of weights, which came while the layer before ran
    energy_pj_by_component: Mapping[str, float]

    @property
    def stall_cycles_by_cause(self) -> dict[str, int]:
        """The parts of stall_cycles."""
        return {cause: getattr(self, f"{cause}_cycles") for cause in CAUSES}


CAUSES = tuple(cause.value for cause in StallCause)  #: of stall_cycles, in the order of the columns
LAYER_COLUMNS = tuple(field.name for field in fields(LayerResult) if field.name != "energy_pj_by_component")


@dataclass(frozen=True)
class Result:
    """A simulated network. ``rows`` are plain values; ``layers`` the same as a DataFrame."""

    rows: tuple[LayerResult, ...]
    summary: dict[str, Any]
    timeline: Timeline
    products: tuple[Product | None, ...] = ()  #: of each row; None without one

    @cached_property
    def layers(self) -> pd.DataFrame:
        """A row per layer, columns as in layers.csv."""
        import pandas as pd

        return pd.DataFrame([self.record(row) for row in self.rows])

    @staticmethod
    def record(row: LayerResult) -> dict[str, Any]:
        """One row as plain columns, energy by component spread out."""
        record = {name: getattr(row, name) for name in LAYER_COLUMNS}
        return record | {f"energy_pj_{name}": value for name, value in row.energy_pj_by_component.items()}


def check_layer(row: LayerResult, engine_busy_cycles: int, peak_macs_per_cycle: float) -> None:
    """Hold a layer against the invariants of the design; raises InvariantError."""
    holds = {
        "macs = M.N.K.groups": row.macs == row.m * row.n * row.k * row.groups,
        "stalls >= 0": row.stall_cycles >= 0,
        "compute + stall = total": row.compute_cycles + row.stall_cycles == row.total_cycles,
        "compute cycles >= MACs / peak": row.compute_cycles * peak_macs_per_cycle >= row.macs * (1 - 1e-12),
        "engine busy = compute + tiling + bank conflicts": engine_busy_cycles
        == (row.compute_cycles + row.tiling_cycles + row.bank_conflict_cycles) * (row.m > 0),
        "stalls by cause >= 0": min(row.stall_cycles_by_cause.values()) >= 0,
        "stalls by cause add up": sum(row.stall_cycles_by_cause.values()) == row.stall_cycles,
        "DRAM reads >= compulsory": row.dram_read_bytes >= row.compulsory_read_bytes,
        "DRAM writes >= compulsory": row.dram_write_bytes >= row.compulsory_write_bytes,
        "DRAM bytes >= least": row.dram_read_bytes + row.dram_write_bytes >= row.least_bytes,
        "utilization in [0, 1]": 0 <= row.utilization <= 1,
        "DRAM busy <= total": row.dram_busy_cycles <= row.total_cycles,
        "vector busy <= total": row.vector_cycles <= row.total_cycles,
        "energy parts add up": math.isclose(
            math.fsum(row.energy_pj_by_component.values()), row.energy_pj, rel_tol=1e-12, abs_tol=1e-12
        ),
        "energy parts >= 0": all(part >= 0 for part in row.energy_pj_by_component.values()),
    }
    broken = [rule for rule, held in holds.items() if not held]
    if broken:
        raise InvariantError(f"layer {row.layer}: {'; '.join(broken)} does not hold")
