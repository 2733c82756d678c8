"""Numba kernels: arrays and NamedTuples in and out, blind to everything above.

Compiled code is cached on disk in a folder keyed by the text of this package and numba's version,
because numba itself does not notice when a function in another file changes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numba


def _cache_folder() -> Path:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(base)) / "accelsim" / "kernels" / digest.hexdigest()[:16]


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_folder = _cache_folder()
if not _usable(_folder):  # a read-only home: cache where temporary files go
    _folder = Path(tempfile.gettempdir()) / f"accelsim-{os.getuid() if hasattr(os, 'getuid') else 0}" / _folder.name
CACHED = _usable(_folder)  #: false: no folder can be written, kernels are compiled in every process
numba.config.CACHE_DIR = str(_folder)
