"""The cycles of a network by what they were spent on; in each layer the parts add up exactly to all cycles.

A cycle in which the engine works is split into exact fractions by what its PEs, lanes or multipliers did; a cycle in
which it waits belongs to the unit that it waits for.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace
from fractions import Fraction

import numpy as np

from accelsim.engines.products import Product
from accelsim.engines.table import build_engine_with_dataflow
from accelsim.hardware import Hardware
from accelsim.memory.timeline import Timeline
from accelsim.simulation.result import InvariantError, LayerResult, Result


@dataclass(frozen=True, slots=True)
class CycleParts:
    """Cycles as fractions by what they were spent on; ``a + b`` is a followed by b. All parts add up to ``total``."""

    useful: Fraction = Fraction(0)  #: cycles that the product's multiplications take at the engine's peak
    channels: Fraction = Fraction(0)  #: lost since K or channels leave rows, lanes, instructions or groups unfilled
    edge: Fraction = Fraction(0)  #: lost since pixels and filters leave the array, tiles, cores or cycles unfilled
    operands: Fraction = Fraction(0)  #: cycles in which the engine waits for operands from its buffers
    pipeline: Fraction = Fraction(0)  #: filling, draining, waiting for sums or the slowest column, less what is skipped
    memory: Fraction = Fraction(0)  #: waiting for DRAM, or filling and draining again since tiles cut the streams
    vector: Fraction = Fraction(0)  #: cycles in which only the vector unit works

    def __add__(self, other: CycleParts) -> CycleParts:
        return CycleParts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def engine(self) -> Fraction:
        """The cycles of the product alone, as in ``compute_cycles``."""
        return self.useful + self.channels + self.edge + self.operands + self.pipeline

    @property
    def total(self) -> Fraction:
        """All cycles."""
        return self.engine + self.memory + self.vector


CYCLE_PARTS = tuple(part.name for part in fields(CycleParts))


def split_network_cycles(result: Result, hardware: Hardware) -> list[CycleParts]:
    """Split the cycles of each layer of a result.

    Raises: InvariantError where the parts do not add up to a layer's cycles, which is a defect of the simulator.
    """
    layers = []
    waits = split_waits(result.timeline, [row.total_cycles for row in result.rows])
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


def split_waits(timeline: Timeline, layer_cycles: list[int]) -> list[tuple[int, int]]:
    """Split each layer's cycles in which the engine is idle into those of the memory and those of the vector unit.

    A cycle in which both the DRAM and the vector unit work belongs to the one that is busy longer in the layer; a cycle
    in which neither works belongs to the memory, since it is latency of the DRAM.
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
    """Split the row's engine cycles, which are those of all bands where the layer is cut into bands."""
    counts = replace(product.counted.counts, cycles=row.compute_cycles)
    engine = build_engine_with_dataflow(hardware, row.dataflow)
    return CycleParts(*engine.split_cycles(product.gemm, product.counted._replace(counts=counts)))


LEAST_PART_SHARE = 0.0005  # parts of a gap below this share of the ideal cycles are not mentioned

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
