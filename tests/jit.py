"""Whether numba compiles the kernels of this run; where it does not, tests take small sizes."""

import os

UNJITTED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
