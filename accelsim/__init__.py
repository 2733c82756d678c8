"""accelsim: a cycle-exact simulator of edge-AI accelerators.

``load_hardware`` and ``load_workload`` take a shipped name or a path; ``simulate`` brings them together:

    import accelsim

    result = accelsim.simulate(accelsim.load_hardware("edge_npu"), accelsim.load_workload("mobilenet_v2"))
    result.summary["latency_ms"]
    result.layers  # a pandas DataFrame, a row per layer

``compare`` sets hardware, precisions and sparsities beside each other; ``dvfs`` runs a network at every operating
point, ``gate`` holds idle blocks against their break-even times.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from accelsim.version import __version__

if TYPE_CHECKING:
    from accelsim.config import UserError
    from accelsim.load import load_hardware, load_workload
    from accelsim.simulation.network import simulate
    from accelsim.simulation.result import Result
    from accelsim.studies.compare import Comparison, compare
    from accelsim.studies.dvfs import Dvfs, dvfs
    from accelsim.studies.gating import Gated, gate
    from accelsim.studies.sweep import sweep

__all__ = [
    "Comparison",
    "Dvfs",
    "Gated",
    "Result",
    "UserError",
    "__version__",
    "compare",
    "dvfs",
    "gate",
    "load_hardware",
    "load_workload",
    "simulate",
    "sweep",
]

_HOMES = {
    "Comparison": "accelsim.studies.compare",
    "Dvfs": "accelsim.studies.dvfs",
    "Gated": "accelsim.studies.gating",
    "Result": "accelsim.simulation.result",
    "UserError": "accelsim.config",
    "compare": "accelsim.studies.compare",
    "dvfs": "accelsim.studies.dvfs",
    "gate": "accelsim.studies.gating",
    "load_hardware": "accelsim.load",
    "load_workload": "accelsim.load",
    "simulate": "accelsim.simulation.network",
    "sweep": "accelsim.studies.sweep",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when first used: ``import accelsim`` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'accelsim' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
