"""Numba kernels: arrays and NamedTuples in and out, blind to everything above.

Compiled code is cached on disk in a folder keyed by the text of this package and numba's version,
because numba itself does not notice when a function in another file changes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numba


def _cache_folder() -> Path:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(base) / "accelsim" / "kernels" / digest.hexdigest()[:16]


numba.config.CACHE_DIR = str(_cache_folder())
