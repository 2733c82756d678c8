"""The table of all kinds of engines: from a description to the engine."""

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


def build_engine(description: AnyEngine) -> Engine:
    """Build the engine of a description.

    Raises: KeyError for a kind that the table lacks, which is a defect of the simulator.
    """
    return ENGINES[description.kind](description)


def build_engine_with_dataflow(hardware: Hardware, dataflow: str) -> Engine:
    """Build the engine with one of the hardware's dataflows; the only engine where there is no choice."""
    return build_engine(hardware.dataflows.get(dataflow, hardware).engine)
