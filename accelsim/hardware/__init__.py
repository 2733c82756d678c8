"""A hardware description: its engine, and the machine around it."""

from accelsim.hardware.banked_dram import BankedDevice
from accelsim.hardware.bitserial import BitSerialUnit
from accelsim.hardware.buffers import IfmapLayout, OperandSrams, Sram
from accelsim.hardware.devices import MemoryDevice
from accelsim.hardware.dram import Dram, DramFidelity
from accelsim.hardware.engines import AnyEngine
from accelsim.hardware.gating import GatedUnit, Gating
from accelsim.hardware.machine import (
    Dma,
    Hardware,
    Mapper,
    Objective,
    Schedule,
    TechnologyChoice,
    Thermal,
    VectorRates,
    VectorUnit,
    with_fidelity,
)
from accelsim.hardware.operating import ClockLaw, OperatingPoint, OperatingPoints
from accelsim.hardware.precisions import ACCUMULATOR_BITS, BITS, Precision
from accelsim.hardware.serial_device import SerialDevice
from accelsim.hardware.systolic import SystolicArray
from accelsim.hardware.tensorcore import TensorCore

__all__ = [
    "ACCUMULATOR_BITS",
    "BITS",
    "AnyEngine",
    "BankedDevice",
    "BitSerialUnit",
    "ClockLaw",
    "Dma",
    "Dram",
    "DramFidelity",
    "GatedUnit",
    "Gating",
    "Hardware",
    "IfmapLayout",
    "Mapper",
    "MemoryDevice",
    "Objective",
    "OperandSrams",
    "OperatingPoint",
    "OperatingPoints",
    "Precision",
    "Schedule",
    "SerialDevice",
    "Sram",
    "SystolicArray",
    "TechnologyChoice",
    "TensorCore",
    "Thermal",
    "VectorRates",
    "VectorUnit",
    "with_fidelity",
]
