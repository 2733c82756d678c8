"""The memory devices that a hardware file may name: one line each."""

from __future__ import annotations

from accelsim.hardware.banked import BankedDevice
from accelsim.hardware.serial import SerialDevice

MemoryDevice = BankedDevice | SerialDevice
