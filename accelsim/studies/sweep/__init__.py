"""Sweeps: simulate many points of hardware and networks, on one machine or a cluster; keep, resume, write tables."""

from __future__ import annotations

from accelsim.studies.sweep.run_sweep import Sweep, sweep

__all__ = ["Sweep", "sweep"]
