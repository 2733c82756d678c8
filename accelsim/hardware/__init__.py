"""A hardware description: its engine, and the machine around it."""

from accelsim.hardware.devices import BankedDevice, MemoryDevice, SerialDevice
from accelsim.hardware.engines import BitSerialUnit, SystolicArray
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
from accelsim.hardware.precisions import ACCUMULATOR_BITS, BITS, Precision
from accelsim.hardware.tensorcore import TensorCore

__all__ = [
    "ACCUMULATOR_BITS",
    "BITS",
    "AnyEngine",
    "BankedDevice",
    "BitSerialUnit",
    "Dram",
    "Hardware",
    "MemoryDevice",
    "OperandSrams",
    "Precision",
    "SerialDevice",
    "Sram",
    "SystolicArray",
    "TechnologyChoice",
    "TensorCore",
    "VectorRates",
    "VectorUnit",
]
