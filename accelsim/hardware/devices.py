"""The memory devices that a hardware file may name: one line each."""

from __future__ import annotations

from accelsim.hardware.banked_dram import BankedDevice
from accelsim.hardware.serial_device import SerialDevice

MemoryDevice = BankedDevice | SerialDevice
