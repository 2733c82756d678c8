"""What precision and sparsity do to the numbers."""

from accelsim.compress.prune import Compressed, compressed, pruned, thinned
from accelsim.compress.quantize import at_precision
from accelsim.compress.sparsify import sparse

__all__ = ["Compressed", "at_precision", "compressed", "pruned", "sparse", "thinned"]
