"""Where a network's cycles went: parts that add up, layer by layer and exactly, to all of them.

A cycle in which the engine works is split by what its PEs, lanes or multipliers did in it, in exact fractions; one in
which it waits goes to the unit that it waits for.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from fractions import Fraction

import numpy as np

from accelsim.engines.bitserial import BitSerialEngine
from accelsim.engines.losses import Losses
from accelsim.engines.products import Product
from accelsim.engines.slots import MacSlots
from accelsim.engines.space_to_depth import pack_space_to_depth
from accelsim.engines.systolic import SystolicEngine
from accelsim.hardware import BitSerialUnit, Hardware, SystolicArray
from accelsim.memory.timeline import Timeline
from accelsim.simulation.result import InvariantError, LayerResult, Result


@dataclass(frozen=True, slots=True)
class CycleParts:
    """Cycles, as fractions; a + b is a followed by b. All parts add up to ``total``."""

    useful: Fraction = Fraction(0)  #: the product's multiplications at the engine's peak
    channels: Fraction = Fraction(0)  #: K or channels do not fill rows, lanes, instructions or a pattern's groups
    edge: Fraction = Fraction(0)  #: pixels and filters do not fill the array, tiles, cores or an instruction's cycles
    operands: Fraction = Fraction(0)  #: the engine waits for its buffers' operands
    pipeline: Fraction = Fraction(0)  #: filling, draining, waits for sums or the slowest column; less what is skipped
    memory: Fraction = Fraction(0)  #: the engine waits for DRAM, or fills and drains again as tiles cut its streams
    vector: Fraction = Fraction(0)  #: the vector unit alone works

    def __add__(self, other: CycleParts) -> CycleParts:
        return CycleParts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def engine(self) -> Fraction:
        """Of a product alone: what ``compute_cycles`` says."""
        return self.useful + self.channels + self.edge + self.operands + self.pipeline

    @property
    def total(self) -> Fraction:
        """All cycles."""
        return self.engine + self.memory + self.vector


CYCLE_PARTS = tuple(part.name for part in fields(CycleParts))


def cycle_parts(result: Result, hardware: Hardware) -> list[CycleParts]:
    """Parts of each layer.

    Raises: InvariantError where they do not add up to its cycles: a defect of the simulator.
    """
    layers = []
    waits = waiting(result.timeline, [row.total_cycles for row in result.rows])
    for row, product, (memory, vector) in zip(result.rows, result.products, waits, strict=True):
        parts = _engine_parts(product, row, hardware) if product else CycleParts()
        parts += CycleParts(
            operands=Fraction(row.bank_conflict_cycles),
            memory=Fraction(memory + row.tiling_cycles),
            vector=Fraction(vector),
        )
        if parts.total != row.total_cycles:
            raise InvariantError(f"layer {row.layer}: parts of {parts.total} cycles, not {row.total_cycles}")
        layers.append(parts)
    return layers


def waiting(timeline: Timeline, layer_cycles: list[int]) -> list[tuple[int, int]]:
    """Of each layer's cycles without the engine: those that wait for memory, and those of the vector unit.

    Where both the DRAM and the vector unit work, the one with more to do in this layer counts; where neither does,
    the DRAM's latency.
    """
    ends = np.cumsum(np.array(layer_cycles, dtype=np.int64))
    units = timeline.engine, timeline.vector, timeline.dram
    edges = np.unique(np.concatenate([np.array([0]), ends, *(unit.ravel() for unit in units)]))
    begins, lengths = edges[:-1], np.diff(edges)
    layer = np.searchsorted(ends, begins, side="right")
    engine, lanes, dram = (
        np.searchsorted(unit[:, 0], begins, side="right") > np.searchsorted(unit[:, 1], begins, side="right")
        for unit in units
    )

    def in_layers(busy: np.ndarray) -> np.ndarray:
        summed: np.ndarray = np.zeros(len(ends), np.int64)
        np.add.at(summed, layer[busy], lengths[busy])
        return summed

    memory_first = (in_layers(dram) >= in_layers(lanes))[layer]
    vector = in_layers(~engine & lanes & ~(dram & memory_first))
    return list(zip((in_layers(~engine) - vector).tolist(), vector.tolist(), strict=True))


def _engine_parts(product: Product, row: LayerResult, hardware: Hardware) -> CycleParts:
    gemm, counted, unit = product.gemm, product.counted, hardware.engine
    if isinstance(unit, SystolicArray):
        return _of_folds(product, row.compute_cycles, unit.model_copy(update={"dataflow": row.dataflow}))
    if not isinstance(unit, BitSerialUnit):
        return _of_slots(counted.slots, unit.pes)
    losses = counted.losses
    if not losses.total:  # bit-parallel: nothing was to be gained, so that nobody asked where it went
        laid = pack_space_to_depth(gemm) if unit.pack_first_layer else gemm
        losses = BitSerialEngine(unit).explain(laid)
        losses += Losses(useful=gemm.macs - losses.useful, packed_zeros=losses.useful - gemm.macs)
    return _of_losses(losses, unit)


def _of_folds(product: Product, cycles: int, array: SystolicArray) -> CycleParts:
    """Of a fold's streamed vectors each occupies the whole array for a cycle; all other cycles fill and drain it."""
    along_k = edge = 0
    for fold in SystolicEngine(array).folds(product.gemm):
        streamed = fold.streamed * fold.repeat
        rows, cols = (array.rows - fold.rows) * fold.cols, array.rows * (array.cols - fold.cols)
        along_k += 0 if array.dataflow == "os" else rows * streamed
        edge += (rows + cols if array.dataflow == "os" else cols) * streamed
    useful, channels, partial = (Fraction(slots, array.pes) for slots in (product.gemm.macs, along_k, edge))
    return CycleParts(useful, channels, partial, pipeline=cycles - useful - channels - partial)


def _of_losses(losses: Losses, unit: BitSerialUnit) -> CycleParts:
    slots = unit.pes * unit.lane_slots
    return CycleParts(
        useful=Fraction(losses.useful, slots),
        channels=Fraction(losses.packed_zeros + losses.idle_lanes, slots),
        edge=Fraction(losses.idle_rows + losses.idle_tiles + losses.idle_columns, slots),
        operands=Fraction(losses.weight_wait, slots),
        pipeline=Fraction(losses.unused_bits + losses.column_wait + losses.skipped, slots),
    )


def _of_slots(slots: MacSlots, pes: int) -> CycleParts:
    missing = slots.partial_m + slots.partial_n + slots.idle_cores + slots.idle_multiprocessors + slots.interval
    return CycleParts(
        useful=Fraction(slots.useful, pes),
        channels=Fraction(slots.padded_k, pes),
        edge=Fraction(missing, pes),
        operands=Fraction(slots.operand_wait, pes),
        pipeline=Fraction(slots.dependency + slots.ends, pes),
    )


LEAST_PART_SHARE = 0.0005  # of the ideal cycles, that is told


PART_HEADS = {
    "first_layer": "first",
    "channels": "K",
    "edge": "edge",
    "operands": "operands",
    "uncovered": "left out",
    "pipeline": "other",
    "memory": "memory",
    "vector": "vector",
}


PART_WORDS = PART_HEADS | {
    "first_layer": "the first layer",
    "channels": "K's remainder",
    "edge": "edges",
    "operands": "operand bandwidth",
    "uncovered": "products outside the pattern",
    "pipeline": "filling and draining",
    "vector": "vector work",
}
