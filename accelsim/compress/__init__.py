"""Compression: precision and sparsity, applied to tensors, networks and hardware."""

from accelsim.compress.prune import Compressed, compress_weights, prune_to_pattern, zero_smallest
from accelsim.compress.quantize import apply_precision
from accelsim.compress.sparsify import apply_sparsity

__all__ = ["Compressed", "apply_precision", "apply_sparsity", "compress_weights", "prune_to_pattern", "zero_smallest"]
