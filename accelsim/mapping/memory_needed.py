"""The memory that a network needs: whether it fits an edge device at all."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.config.integers import ceil_div
from accelsim.hardware import Hardware
from accelsim.hardware.sparsity import Pattern
from accelsim.mapping.footprint import count_bias_bytes, count_weight_bytes
from accelsim.workload.gemm import OperandBits, apply_pattern, find_operand_widths, lower_to_gemm
from accelsim.workload.network import Node, Workload, find_peak_activations


@dataclass(frozen=True, slots=True)
class MemoryNeeds:
    """The memory that a network needs, in bytes at the stored widths."""

    weight_bytes: int  #: all weights and start values, metadata included
    peak_activation_bytes: int  #: largest sum of tensors that are needed at the same time, for the whole batch
    peak_activation_layer: str  #: the layer at which that is

    @property
    def total_bytes(self) -> int:
        """Weights and activations together."""
        return self.weight_bytes + self.peak_activation_bytes


def count_memory_needed(workload: Workload, hardware: Hardware) -> MemoryNeeds:
    """Count the bytes of weights, and of activations where most are needed at once, at the widest one's width."""
    bits = find_operand_widths(workload, hardware.engine.operand_bits)
    pattern = hardware.engine.sparse_pattern
    weights = sum(count_stored_bytes(node, b, pattern) for node, b in zip(workload.nodes, bits, strict=True))
    elements, layer = find_peak_activations(workload)
    activations = ceil_div(elements * workload.file.batch * max(b.activation for b in bits), 8)
    return MemoryNeeds(weights, activations, layer)


def count_stored_bytes(node: Node, bits: OperandBits, pattern: Pattern | None = None) -> int:
    """Count the stored bytes of a layer: weights with a pattern's metadata, and start values at 32 bits.

    Batch norm is folded into the weights.
    """
    gemm = lower_to_gemm(node, 1, bits)
    if gemm is None:
        return ceil_div(node.params * bits.weight, 8)
    if not gemm.weights_stored:
        return 0
    weights = int(count_weight_bytes(apply_pattern(gemm, pattern), gemm.k, gemm.n))
    return (weights + int(count_bias_bytes(gemm, gemm.n))) * gemm.groups
