"""From an engine's description to the engine: one line for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelsim.engines.base import Engine
from accelsim.engines.bitserial import BitSerialEngine
from accelsim.engines.systolic import SystolicEngine
from accelsim.engines.tensorcore import TensorCoreEngine
from accelsim.hardware import AnyEngine, Hardware

ENGINES: dict[str, Callable[[Any], Engine]] = {
    "systolic": SystolicEngine,
    "bitserial": BitSerialEngine,
    "tensorcore": TensorCoreEngine,
}


def engine_of(description: AnyEngine) -> Engine:
    """The engine of a description. A kind without a line in the table is a KeyError: a defect of the simulator."""
    return ENGINES[description.kind](description)


def engine_with_dataflow(hardware: Hardware, dataflow: str) -> Engine:
    """The engine as a layer with this dataflow uses it; any other engine where there is nothing to choose."""
    return engine_of(hardware.dataflows.get(dataflow, hardware).engine)
