"""Where a network's cycles went: parts that add up, layer by layer and exactly, to all of them.

A cycle in which the engine works is split by what its PEs, lanes or multipliers did in it, in exact fractions; one in
which it waits goes to the unit that it waits for.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace
from fractions import Fraction

import numpy as np

from accelsim.engines.products import Product
from accelsim.engines.table import engine_with_dataflow
from accelsim.hardware import Hardware
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
    """The engine's share: of the row's cycles, which are those of its bands where the layer is cut into bands."""
    counts = replace(product.counted.counts, cycles=row.compute_cycles)
    engine = engine_with_dataflow(hardware, row.dataflow)
    return CycleParts(*engine.split_cycles(product.gemm, product.counted._replace(counts=counts)))


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
