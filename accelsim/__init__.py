"""accelsim: a cycle-exact simulator of edge-AI accelerators.

``load_hardware`` and ``load_workload`` take a shipped name or a path; ``simulate`` brings the two together:

    import accelsim

    result = accelsim.simulate(accelsim.load_hardware("edge_npu"), accelsim.load_workload("mobilenet_v2"))
    result.summary["latency_ms"]
    result.layers  # a pandas DataFrame with a row per layer

``compare``, ``sweep``, ``pareto`` and ``roofline`` ask about several machines, ``dvfs``, ``dvfs_fit``, ``gating`` and
``dutycycle`` about power, ``run_trace`` about a memory device alone, ``validate`` about published figures. The names
in ``__all__`` are the public ones; each is imported when it is first used, so that ``import accelsim`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from accelsim.version import __version__

if TYPE_CHECKING:
    from accelsim.config import UserError
    from accelsim.energy.technology import load_technology
    from accelsim.load import load_device, load_hardware, load_workload
    from accelsim.memory.device_run import run_trace
    from accelsim.simulation.network import simulate
    from accelsim.simulation.result import Result
    from accelsim.studies.compare import compare
    from accelsim.studies.dutycycle import dutycycle
    from accelsim.studies.dvfs import dvfs
    from accelsim.studies.dvfs_fit import dvfs_fit
    from accelsim.studies.gating import gating
    from accelsim.studies.pareto import pareto
    from accelsim.studies.roofline import roofline
    from accelsim.studies.sweep import sweep
    from accelsim.studies.validate.anchors import validate

__all__ = [
    "Result",
    "UserError",
    "__version__",
    "compare",
    "dutycycle",
    "dvfs",
    "dvfs_fit",
    "gating",
    "load_device",
    "load_hardware",
    "load_technology",
    "load_workload",
    "pareto",
    "roofline",
    "run_trace",
    "simulate",
    "sweep",
    "validate",
]

_HOMES = {
    "Result": "accelsim.simulation.result",
    "UserError": "accelsim.config",
    "compare": "accelsim.studies.compare",
    "dutycycle": "accelsim.studies.dutycycle",
    "dvfs": "accelsim.studies.dvfs",
    "dvfs_fit": "accelsim.studies.dvfs_fit",
    "gating": "accelsim.studies.gating",
    "load_device": "accelsim.load",
    "load_hardware": "accelsim.load",
    "load_technology": "accelsim.energy.technology",
    "load_workload": "accelsim.load",
    "pareto": "accelsim.studies.pareto",
    "roofline": "accelsim.studies.roofline",
    "run_trace": "accelsim.memory.device_run",
    "simulate": "accelsim.simulation.network",
    "sweep": "accelsim.studies.sweep",
    "validate": "accelsim.studies.validate.anchors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'accelsim' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
