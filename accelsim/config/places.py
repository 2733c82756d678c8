"""Where the shipped data files lie: inside an installed package, beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def hwconfigs_folder() -> Path:
    """Hardware files; energy and SRAM tables under ``technology/``, devices under ``dram/``."""
    return _shipped("hwconfigs")


def devices_folder() -> Path:
    """DRAM and other memories behind the chip's edge."""
    return hwconfigs_folder() / "dram"


def workloads_folder() -> Path:
    """One network each."""
    return _shipped("workloads")


def anchors_folder() -> Path:
    """Published figures."""
    return _PACKAGE / "anchors"


def _shipped(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
