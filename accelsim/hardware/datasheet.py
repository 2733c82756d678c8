"""What the data sheet of a DRAM says: timing, currents, and the energy of the wires to it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.config import NonNegative, Positive, Value

Cycles = Annotated[int, Field(ge=0, le=10**6)]


class Timing(Value):
    """The least time between two commands, in cycles of the command clock, under JEDEC's names in lower case."""

    al: Cycles = 0
    """Additive latency: cycles by which a read or write command is held back inside the device."""
    cl: Cycles
    """Read latency: cycles from a read command to its first data."""
    cwl: Cycles
    """Write latency: cycles from a write command to its first data."""
    trcd_read: Cycles
    """Cycles from an activate to a read of the same bank."""
    trcd_write: Cycles
    """Cycles from an activate to a write of the same bank."""
    trp: Cycles
    """Cycles from a precharge to the next activate of the same bank."""
    tras: Cycles
    """Cycles from an activate to the precharge of the same bank."""
    tccd_l: Cycles
    """Cycles between two reads, or two writes, of the same bank group."""
    tccd_s: Cycles
    """Cycles between two reads, or two writes, of different bank groups."""
    trrd_l: Cycles
    """Cycles between two activates in the same bank group."""
    trrd_s: Cycles
    """Cycles between two activates in different bank groups."""
    tfaw: Cycles
    """Window, in cycles, in which a rank takes at most four activates."""
    t32aw: Cycles = 0
    """Window, in cycles, in which a rank takes at most 32 activates; 0 means that there is no such limit."""
    twtr_l: Cycles
    """Cycles from the end of written data to a read of the same bank group."""
    twtr_s: Cycles
    """Cycles from the end of written data to a read of another bank group."""
    twr: Cycles
    """Write recovery: cycles from the end of written data to the precharge of the same bank."""
    trtp: Cycles
    """Cycles from a read to the precharge of the same bank."""
    trtrs: Cycles
    """Idle cycles of the data bus between bursts of two ranks, and between reads and writes."""
    tppd: Cycles = 0
    """Cycles between two precharges of different banks."""
    trfc: Cycles
    """Cycles that a refresh of all banks of a rank takes."""
    trefi: Cycles
    """Cycles from one refresh of a rank to the next."""


class Currents(Value):
    """Supply voltage and currents of one device: the data sheet's IDD values in mA."""

    supply_v: Positive
    """Supply voltage of the device, V."""
    idd0: NonNegative
    """Current while rows are opened and closed one row cycle apart, mA."""
    idd2n: NonNegative
    """Standby current while all banks are closed, mA."""
    idd3n: NonNegative
    """Standby current while a bank is open, mA."""
    idd4r: NonNegative
    """Current while read bursts follow one another, mA."""
    idd4w: NonNegative
    """Current while write bursts follow one another, mA."""
    idd5ab: NonNegative
    """Current while all banks are refreshed, mA."""
    idd2p: NonNegative | None = None
    """Current in power-down with all banks closed, mA; leave it out where the data sheet does not state it."""
    idd6: NonNegative | None = None
    """Current in self-refresh, mA; leave it out where the data sheet does not state it."""


class InputOutput(Value):
    """Energy on the wires between controller and device, which the currents of the device do not contain."""

    read_pj_per_bit: NonNegative
    """Energy that a bit read from the device takes on the wires, pJ."""
    write_pj_per_bit: NonNegative
    """Energy that a bit written to the device takes on the wires, pJ."""
