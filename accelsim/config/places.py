"""Where the shipped data files lie: inside an installed package, beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def locate_hwconfigs() -> Path:
    """Hardware files; energy and SRAM tables under ``technology/``, devices under ``dram/``."""
    return _shipped("hwconfigs")


def locate_devices() -> Path:
    """DRAM and other memories behind the chip's edge."""
    return locate_hwconfigs() / "dram"


def locate_workloads() -> Path:
    """One network each."""
    return _shipped("workloads")


def locate_anchors() -> Path:
    """Published figures."""
    return _PACKAGE / "anchors"


def _shipped(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
