"""The traffic of a layer in each memory: bits in and out of the buffers, bytes across the chip's edge."""

from __future__ import annotations

from math import ceil

from accelsim.config.integers import ceil_div
from accelsim.energy.prices import Activity
from accelsim.engines.counts import ActionCounts
from accelsim.hardware import ACCUMULATOR_BITS
from accelsim.mapping.mapping import ALONE, Context
from accelsim.memory.stream import TileStream
from accelsim.workload.gemm import Gemm, OperandBits
from accelsim.workload.layers import Embedding
from accelsim.workload.network import Node

TOKEN_BITS = 32  # a token is the number of a row of an embedding's table


def count_gemm_activity(
    gemm: Gemm, counts: ActionCounts, stream: TileStream, operations: dict[str, int], precision: str
) -> Activity:
    """Count the bits that the engine and the DMA move in each memory, and the element-wise work, of a product.

    Cycles and the engine's arithmetic are not counted here.
    """
    sum_bits = ACCUMULATOR_BITS[precision]
    loaded = [int(size) * 8 for size in stream.load_bytes.sum(axis=0)]
    finished = gemm.m * gemm.n * gemm.groups
    return Activity(
        ifmap_read_bits=counts.activation_reads * gemm.activation_bits,
        ifmap_write_bits=loaded[0],
        weight_read_bits=counts.weight_reads * gemm.stored_weight_bits,
        weight_write_bits=loaded[1] + stream.ahead_bytes * 8,
        ofmap_read_bits=counts.psum_reads * sum_bits + stream.write_bytes * 8,
        ofmap_write_bits=(counts.psum_writes - finished) * sum_bits + finished * gemm.output_bits + loaded[2],
        dram_read_bytes=stream.read_bytes,
        dram_write_bytes=stream.write_bytes,
        vector_operations=operations,
    )


def count_vector_bytes(node: Node, bits: OperandBits, batch: int) -> tuple[int, int, int]:
    """Count the bytes of activations and stored values that an element-wise layer reads, and of its results."""
    gathers = isinstance(node.layer, Embedding)
    elements = sum(shape.elements for shape in node.inputs) * batch
    stored = node.output.elements * batch if gathers else node.params
    return (
        ceil_div(elements * (TOKEN_BITS if gathers else bits.activation), 8),
        ceil_div(stored * bits.weight, 8),
        ceil_div(node.output.elements * batch * bits.output, 8),
    )


def count_vector_activity(
    traffic: tuple[int, int, int], moved: tuple[int, int, int], total_cycles: int, operations: dict[str, int]
) -> Activity:
    """Count the traffic of an element-wise layer; each operand passes its buffer once.

    ``traffic`` are the bytes that the lanes read (activations, stored values) and write (results); ``moved`` are those
    of them that cross the chip's edge.
    """
    read, weights, written = (nbytes * 8 for nbytes in traffic)
    return Activity(
        cycles=total_cycles,
        ifmap_read_bits=read,
        ifmap_write_bits=moved[0] * 8,
        weight_read_bits=weights,
        weight_write_bits=moved[1] * 8,
        ofmap_read_bits=moved[2] * 8,
        ofmap_write_bits=written,
        dram_read_bytes=moved[0] + moved[1],
        dram_write_bytes=moved[2],
        vector_operations=operations,
    )


def count_edge_bytes(context: Context, traffic: tuple[int, int, int]) -> tuple[int, int, int]:
    """Count the bytes of activations, stored values and results in ``traffic`` that cross the chip's edge."""
    read, weights, written = traffic
    if context == ALONE:  # the usual case, for which fractions would be slow
        return traffic
    return (
        ceil(max(read - context.there_bytes * context.bands, 0) * context.loaded_share),
        weights * (not context.resident_bytes),
        ceil(written * context.stored * context.stored_share),
    )
