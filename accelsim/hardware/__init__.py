"""A hardware description: its engine, and the machine around it."""

from accelsim.hardware.engines import (
    ACCUMULATOR_BITS,
    BITS,
    BitSerialUnit,
    Precision,
    SystolicArray,
    TensorCore,
)
from accelsim.hardware.machine import (
    AnyEngine,
    Dram,
    Hardware,
    OperandSrams,
    Sram,
    TechnologyChoice,
    VectorRates,
    VectorUnit,
)

__all__ = [
    "ACCUMULATOR_BITS",
    "BITS",
    "AnyEngine",
    "BitSerialUnit",
    "Dram",
    "Hardware",
    "OperandSrams",
    "Precision",
    "Sram",
    "SystolicArray",
    "TechnologyChoice",
    "TensorCore",
    "VectorRates",
    "VectorUnit",
]
