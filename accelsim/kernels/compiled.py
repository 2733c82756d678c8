"""The options under which kernels are compiled, in one place.

No fastmath and no threads: a count does not depend on who counts. The error model only leaves out the test
for division by zero; no kernel divides by what can be zero.
"""

from __future__ import annotations

import numba

from accelsim.kernels import CACHED

kernel = numba.njit(cache=CACHED, nogil=True, error_model="numpy")
"""Decorator of every kernel. What runs each cycle takes few arrays: a call passes them element by element,
tuples of arrays too, and soon costs more than the work."""

inlined = numba.njit(cache=CACHED, nogil=True, error_model="numpy", inline="always")
"""Decorator of a kernel's part that is used in one place: compiled into it, so that no call is left."""

forceinlined = numba.njit(cache=CACHED, nogil=True, error_model="numpy", forceinline=True)
"""Decorator of a kernel's part that is used in several places: LLVM compiles it into each, where to pass its arrays
would cost more than its work."""
