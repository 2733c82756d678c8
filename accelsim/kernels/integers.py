"""Integer arithmetic that several kernels share."""

from __future__ import annotations

from accelsim.kernels.compiled import kernel


@kernel
def ceil_div(a, b):
    """Least integer not below a / b."""
    return -(-a // b)
