"""What a network needs in memory: the out-of-memory question of every edge device."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.footprint import bias_bytes
from accelsim.hardware import Hardware
from accelsim.lowering import Bits, gemm_of, widths
from accelsim.workload import Node, Workload, peak_activations


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
    bits = widths(workload, hardware.engine.operand_bits)
    weights = sum(stored_bytes(node, b) for node, b in zip(workload.nodes, bits, strict=True))
    elements, layer = peak_activations(workload)
    activations = -(-elements * workload.file.batch * max(b.activation for b in bits) // 8)
    return MemoryNeeds(weights, activations, layer)


def stored_bytes(node: Node, bits: Bits) -> int:
    """A layer's weights at their width, and its start values, batch norm folded in, at 32 bits."""
    gemm = gemm_of(node, 1, bits)
    if gemm is None:
        return -(-node.params * bits.weight // 8)
    if not gemm.weights_stored:
        return 0
    return (-(-gemm.k * gemm.n * bits.weight // 8) + int(bias_bytes(gemm, gemm.n))) * gemm.groups
