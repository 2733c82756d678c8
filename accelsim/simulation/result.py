"""The result of a simulation: a row per layer, a summary, and the checks that every run must pass."""

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
    """Shapes, cycles, bytes and energy of one layer, for the whole batch."""

    layer: str
    """Name of the layer."""
    kind: str
    """Type of the layer; depthwise or grouped for such convolutions."""
    m: int
    """Output pixels of the matrix product, M; 0 for a layer without a product."""
    n: int
    """Filters of the matrix product, N; 0 for a layer without a product."""
    k: int
    """Reduction length of the matrix product, K; 0 for a layer without a product."""
    groups: int
    """Number of such products, one for each group; 0 for a layer without a product."""
    macs: int
    """Multiplications of the layer, m x n x k x groups; zeros that a pattern skips count."""
    compute_cycles: int
    """Cycles of the engine alone, as the command gemm counts them; of the vector unit for a layer without a product."""
    stall_cycles: int
    """Cycles that the layer takes beyond compute_cycles; the seven columns that follow add up to it."""
    tiling_cycles: int
    """Cycles that the engine takes longer because tiles cut its streams and each piece fills and drains."""
    bank_conflict_cycles: int
    """Cycles that the engine waits for banks of its buffers."""
    first_fill_cycles: int
    """Cycles that the engine waits for its first operands."""
    load_wait_cycles: int
    """Cycles that the engine waits for later operands."""
    refresh_wait_cycles: int
    """Cycles that the engine waits for operands while the DRAM refreshes."""
    store_wait_cycles: int
    """Cycles that the engine waits for room for its results."""
    drain_cycles: int
    """Cycles after the engine has finished, for the last vector work and the last stores."""
    total_cycles: int
    """Cycles of the layer, compute_cycles + stall_cycles."""
    utilization: float
    """Share of the engine's peak that is used, MACs / (peak x total_cycles); 0 for a layer without a product. The peak
    of an n:m pattern is m / n times the dense one."""
    compute_utilization: float
    """Share of the engine's peak that is used while it works, MACs / (peak x compute_cycles)."""
    dram_read_bytes: int
    """Bytes read from DRAM."""
    dram_write_bytes: int
    """Bytes written to DRAM."""
    compulsory_read_bytes: int
    """Bytes that must be read: every operand once."""
    compulsory_write_bytes: int
    """Bytes that must be written: the result once."""
    least_bytes: int
    """Bytes that must be moved in any order of work with this much SRAM: the compulsory bytes, or where it is more the
    bound of a matrix product (Smith et al. 2019, arXiv:1702.02017) or a convolution (Chen et al., HPCA 2020)."""
    ifmap_refetch: float | None
    """How many times the input activations are read from DRAM; empty where they need not be read."""
    weight_refetch: float | None
    """How many times the weights are read from DRAM; empty where they need not be read."""
    ofmap_refetch: float | None
    """How many times the results cross the chip's edge, with partial sums that come back; empty where they need not."""
    ideal_speedup: float | None
    """Speedup of computing that bit widths (bit-serial units, over a bit-parallel unit of the same peak) or the pattern
    (tensor cores, over dense weights) would give by themselves; empty on other engines."""
    speedup: float | None
    """Speedup of computing that bit widths or the pattern really give; empty on other engines."""
    ifmap_held_bytes: int
    """Most bytes that the buffer of input activations holds at a time, with what stays for other layers."""
    weight_held_bytes: int
    """Most bytes that the weight buffer holds at a time, with what stays for other layers."""
    ofmap_held_bytes: int
    """Most bytes that the result buffer holds at a time, partial sums at their own width."""
    vector_cycles: int
    """Cycles in which the vector unit works."""
    dram_busy_cycles: int
    """Cycles in which the DRAM works."""
    energy_pj: float
    """Energy of the layer, pJ; the columns that begin with energy_pj_ add up to it."""
    arithmetic_intensity: float | None
    """MACs per byte of DRAM traffic; empty for a layer without a product or without traffic."""
    bound: str
    """What limits the layer: compute, memory or vector, the unit that works longest; latency where even that unit
    mostly waits; none where nothing happens."""
    reason: str
    """What limits the layer, in words."""
    dataflow: str
    """Dataflow of the systolic array; empty on other engines."""
    mapping: str
    """Tile of one step, M x K x N with its groups, and loops over tiles, outermost first; empty without a product."""
    on_chip: str
    """Which of ifmap, weight and ofmap stayed on chip."""
    prefetched_bytes: int
    """Bytes of weights that came while the layer before ran."""
    energy_pj_by_component: Mapping[str, float]
    """Energy of the layer by component, pJ; in layers.csv a column for each, such as energy_pj_dram."""

    @property
    def stall_cycles_by_cause(self) -> dict[str, int]:
        """The parts of ``stall_cycles`` by cause, cycles."""
        return {cause: getattr(self, f"{cause}_cycles") for cause in CAUSES}


CAUSES = tuple(cause.value for cause in StallCause)  #: causes of stall cycles in the order of the columns
LAYER_COLUMNS = tuple(field.name for field in fields(LayerResult) if field.name != "energy_pj_by_component")


@dataclass(frozen=True)
class Result:
    """A simulated network."""

    rows: tuple[LayerResult, ...]  #: one row per layer, in order
    summary: dict[str, Any]  #: totals, notes and sources, as in summary.json
    timeline: Timeline  #: busy intervals of all units, in cycles from the start
    products: tuple[Product | None, ...] = ()  #: the product of each row; None for a layer without one

    @cached_property
    def layers(self) -> pd.DataFrame:
        """The rows as a DataFrame with the columns of layers.csv."""
        import pandas as pd

        return pd.DataFrame([self.record(row) for row in self.rows])

    @staticmethod
    def record(row: LayerResult) -> dict[str, Any]:
        """Turn a row into plain columns, one for the energy of each component."""
        record = {name: getattr(row, name) for name in LAYER_COLUMNS}
        return record | {f"energy_pj_{name}": value for name, value in row.energy_pj_by_component.items()}


def check_layer(row: LayerResult, engine_busy_cycles: int, peak_macs_per_cycle: float) -> None:
    """Check the invariants of a layer. Raises: InvariantError where one does not hold."""
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
