"""Notebooks run as tests (nbmake), but not without the JIT: they run whole networks."""

import os

collect_ignore_glob = ["*.ipynb"] if os.environ.get("NUMBA_DISABLE_JIT") == "1" else []
