"""Energy, area and leakage of an engine's and a vector unit's logic at a supply's voltage, each with its source."""

from __future__ import annotations

import math
from typing import NamedTuple

from accelsim.energy.operations import choose_lane_units, price_vector_operation
from accelsim.energy.supply import Supply
from accelsim.energy.technology import PricedOperation, Technology
from accelsim.hardware import Hardware


class Constant(NamedTuple):
    """A figure that the energies are computed from, as reports list it."""

    name: str
    value: float
    unit: str
    source: str


class EngineDatapath(NamedTuple):
    """The PEs of an engine as they are priced."""

    pes: int  #: number of PEs
    operation: PricedOperation  #: the operation of one PE in a cycle
    operation_name: str  #: its name in lists of sources
    register_bits: float  #: bits of one PE that change in a step; registers that hold their value are not clocked
    selection: PricedOperation | None = None  #: selection of an activation by a sparse weight; None if dense
    serial: bool = False  #: whether a PE adds bits of an operand in a cycle instead of a whole product


class Datapath(NamedTuple):
    """The priced logic of one machine."""

    mac_pj: float  #: energy of a MAC, or of a serial lane's step
    selection_pj: float  #: energy of selecting an activation; 0 where weights are dense
    register_pj: float  #: energy of one PE's registers in a step
    vector_pj: dict[str, float]  #: energy per element, by kind of vector operation
    area_mm2: dict[str, float]  #: area of engine and vector unit
    leakage_mw: float  #: leakage of both together
    constants: tuple[Constant, ...]  #: the figures behind these, with sources


def price_datapath(hardware: Hardware, engine: EngineDatapath, technology: Technology, supply: Supply) -> Datapath:
    """Price the engine and the vector unit of a machine."""
    precision, times, mac, selection = (
        hardware.engine.precision,
        supply.logic_dynamic,
        engine.operation,
        engine.selection,
    )
    vector = {kind: price_vector_operation(technology, kind, precision) for kind in technology.vector_operations}
    pe_um2 = mac.area_um2 + (selection.area_um2 if selection else 0.0)
    lanes_um2 = hardware.vector.lanes * sum(unit.area_um2 for unit in choose_lane_units(technology, precision))
    area_um2, factor = engine.pes * pe_um2 + lanes_um2, technology.logic.area_factor
    leakage = technology.logic_leakage_mw(area_um2, hardware.technology.temperature_k) * supply.logic_leakage
    registers = _registers(engine.register_bits, technology, math.sqrt(pe_um2 * factor) * 1e-3, times)
    named: list[tuple[str, PricedOperation | None]] = [
        (engine.operation_name, mac),
        ("selection", selection),
        *((f"vector {kind}", op) for kind, op in vector.items()),
    ]
    return Datapath(
        mac_pj=mac.energy_pj * times,
        selection_pj=selection.energy_pj * times if selection else 0.0,
        register_pj=registers.value,
        vector_pj={kind: op.energy_pj * times for kind, op in vector.items()},
        area_mm2={"engine": engine.pes * pe_um2 * factor * 1e-6, "vector": lanes_um2 * factor * 1e-6},
        leakage_mw=leakage,
        constants=(
            *(Constant(name, op.energy_pj * times, "pJ", op.source) for name, op in named if op),
            registers,
            Constant("logic leakage", leakage, "mW", f"{technology.logic.leakage_source}; area: MAC and vector units"),
            Constant("logic area over listed units", factor, "", technology.logic.area_source),
        ),
    )


def _registers(bits: float, technology: Technology, pitch_mm: float, times: float) -> Constant:
    """Price a step of one PE's registers: bits are clocked, written, and passed on to a neighbour."""
    flip, wire = technology.flip_flop, technology.wire
    energy = bits * (flip.clock_pj + flip.write_pj + wire.pj_per_bit_mm * pitch_mm) * times
    passed = f"passed on by {pitch_mm * 1e3:.0f} um: {wire.source}"
    source = f"{bits:g} bits, clocked and written; {flip.source}; and {passed}"
    return Constant("registers, a step", energy, "pJ", source)
