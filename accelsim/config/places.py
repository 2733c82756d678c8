"""Where the shipped data files lie: inside the package where it is installed, beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def locate_package() -> Path:
    """Locate the folder of the package itself, which holds its code and the reference figures."""
    return _PACKAGE


def locate_hwconfigs() -> Path:
    """Locate the folder of the hardware files, with technologies in ``technology/`` and memory devices in ``dram/``."""
    return _shipped("hwconfigs")


def locate_devices() -> Path:
    """Locate the folder of the memory devices: DRAM, and serial memories such as PSRAM and flash."""
    return locate_hwconfigs() / "dram"


def locate_workloads() -> Path:
    """Locate the folder of the workload files, each of which holds one network."""
    return _shipped("workloads")


def locate_anchors() -> Path:
    """Locate the folder of the published and measured figures that ``validate`` compares with."""
    return _PACKAGE / "anchors"


def _shipped(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
