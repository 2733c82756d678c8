"""What a network needs in memory: the out-of-memory question of every edge device."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.hardware import Hardware
from accelsim.hardware.sparsity import Pattern
from accelsim.mapping.footprint import bias_bytes, weight_bytes
from accelsim.workload.gemm import OperandBits, apply_pattern, find_operand_widths, lower_to_gemm
from accelsim.workload.network import Node, Workload, find_peak_activations


@dataclass(frozen=True, slots=True)
class MemoryNeeds:
    """Bytes at the stored widths."""

    weight_bytes: int
    peak_activation_bytes: int  #: largest sum of tensors alive at once, whole batch
    peak_activation_layer: str

    @property
    def total_bytes(self) -> int:
        """Weights and activations together."""
        return self.weight_bytes + self.peak_activation_bytes


def memory_needed(workload: Workload, hardware: Hardware) -> MemoryNeeds:
    """Weights, and activations at the moment at which most of them are alive, at the widest activation's width."""
    bits = find_operand_widths(workload, hardware.engine.operand_bits)
    pattern = hardware.engine.sparse_pattern
    weights = sum(stored_bytes(node, b, pattern) for node, b in zip(workload.nodes, bits, strict=True))
    elements, layer = find_peak_activations(workload)
    activations = -(-elements * workload.file.batch * max(b.activation for b in bits) // 8)
    return MemoryNeeds(weights, activations, layer)


def stored_bytes(node: Node, bits: OperandBits, pattern: Pattern | None = None) -> int:
    """A layer's weights at their width, in a pattern with their metadata, and its start values at 32 bits.

    Batch norm is folded in.
    """
    gemm = lower_to_gemm(node, 1, bits)
    if gemm is None:
        return -(-node.params * bits.weight // 8)
    if not gemm.weights_stored:
        return 0
    weights = int(weight_bytes(apply_pattern(gemm, pattern), gemm.k, gemm.n))
    return (weights + int(bias_bytes(gemm, gemm.n))) * gemm.groups
