"""Energy in pJ by component: activity counts times an energy table. Integers become floats here.

A component pays for its actions (``mac``, ``registers``, ``vector``, ``sram_*``, ``dram``) or for the time in which it
has power (``leakage_logic``, ``leakage_sram``, ``dram_standby``; pJ = mW x ns).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.energy.datapath import Constant, EngineDatapath, price_datapath
from accelsim.energy.sram_banks import SramCells, interpolate_bank, read_sram_cells
from accelsim.energy.supply import Supply, find_supply
from accelsim.energy.technology import SramTable, Technology
from accelsim.hardware import Hardware, Sram

DYNAMIC = ("mac", "registers", "vector", "sram_ifmap", "sram_weight", "sram_ofmap", "dram")
STATIC = ("leakage_logic", "leakage_sram", "dram_standby")
COMPONENTS = DYNAMIC + STATIC  #: the components that every price names, in order


@dataclass(frozen=True, slots=True)
class Activity:
    """The actions of an accelerator's parts in some time; all integers.

    ``a + b`` is a followed by b; ``a * n`` is a repeated n times.
    """

    cycles: int = 0  #: cycles of the engine's clock, stalls included
    macs: int = 0  #: MACs of whole multipliers
    bit_steps: int = 0  #: steps of bit-serial lanes
    selections: int = 0  #: selections of an activation by the metadata of a sparse weight
    register_steps: int = 0  #: steps of a PE, lane or multiplier in which its registers change, gated or not
    ifmap_read_bits: int = 0
    ifmap_write_bits: int = 0
    weight_read_bits: int = 0
    weight_write_bits: int = 0
    ofmap_read_bits: int = 0
    ofmap_write_bits: int = 0
    dram_read_bytes: int = 0
    dram_write_bytes: int = 0
    vector_operations: Mapping[str, int] = field(default_factory=dict)  #: elements, by kind of operation

    def __add__(self, other: Activity) -> Activity:
        kinds = add_counts(self.vector_operations, other.vector_operations)
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return Activity(vector_operations=kinds, **counts)

    def __mul__(self, times: int) -> Activity:
        kinds = {kind: count * times for kind, count in self.vector_operations.items()}
        counts = {name: getattr(self, name) * times for name in _COUNTS}
        return Activity(vector_operations=kinds, **counts)

    __rmul__ = __mul__


_COUNTS = tuple(f.name for f in fields(Activity) if f.name != "vector_operations")


class BufferCost(NamedTuple):
    """Energy, leakage, area and access time of one SRAM with all its banks."""

    read_pj_per_bit: float
    write_pj_per_bit: float
    leakage_mw: float
    area_mm2: float
    access_ns: float  #: access time at the table's own voltage and node

    def at(self, supply: Supply, table: SramTable) -> BufferCost:
        """Scale to another voltage, and to the technology's node; the access time there is not known and stays."""
        energy = supply.sram_dynamic * table.energy_factor
        return self._replace(
            read_pj_per_bit=self.read_pj_per_bit * energy,
            write_pj_per_bit=self.write_pj_per_bit * energy,
            leakage_mw=self.leakage_mw * supply.sram_leakage,
            area_mm2=self.area_mm2 * table.area_factor,
        )


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """Energy of each action of an accelerator, and the power that its parts draw while they are on."""

    cycle_ns: float  #: clock period of the engine
    mac_pj: float  #: energy of a MAC; 0 for serial lanes
    bit_step_pj: float  #: energy of a serial lane's step; 0 for whole multipliers
    selection_pj: float  #: energy of selecting an activation; 0 where weights are dense
    register_pj: float  #: energy of one PE's, lane's or multiplier's registers and their clock in a step
    vector_pj: Mapping[str, float]  #: energy per element, by kind of operation
    buffers: Mapping[str, BufferCost]  #: the SRAMs of the machine: ifmap, weight and ofmap, or shared
    ifmap: BufferCost  #: the SRAM that holds ifmaps
    weight: BufferCost  #: the SRAM that holds weights
    ofmap: BufferCost  #: the SRAM that holds ofmaps
    dram_pj_per_bit: float  #: energy of a bit read from or written to DRAM
    leakage_logic_mw: float  #: leakage of engine and vector unit
    leakage_sram_mw: float  #: leakage of all SRAMs
    dram_standby_mw: float  #: standby power of the DRAM
    area_mm2: Mapping[str, float]  #: area of the engine, the vector unit and each SRAM
    constants: tuple[Constant, ...]  #: the figures behind the table, with sources
    notes: tuple[str, ...]  #: remarks for the reader of the figures

    @property
    def leakage_mw(self) -> dict[str, float]:
        """Leakage of each part in ``area_mm2``; the logic's is divided in proportion to area."""
        logic = {name: self.area_mm2[name] for name in ("engine", "vector")}
        total = math.fsum(logic.values())
        parts = {name: self.leakage_logic_mw * mm2 / total for name, mm2 in logic.items()}
        return parts | {f"sram_{name}": buffer.leakage_mw for name, buffer in self.buffers.items()}


def price(activity: Activity, table: EnergyTable, dram: tuple[float, float] | None = None) -> dict[str, float]:
    """Price an activity: pJ of each of COMPONENTS; ``dram`` gives pJ of a simulated DRAM's commands and standby."""
    a, elapsed_ns = activity, activity.cycles * table.cycle_ns
    return {
        "mac": a.macs * table.mac_pj + a.bit_steps * table.bit_step_pj + a.selections * table.selection_pj,
        "registers": a.register_steps * table.register_pj,
        "vector": math.fsum(count * table.vector_pj[kind] for kind, count in a.vector_operations.items()),
        "sram_ifmap": _accesses_pj(a.ifmap_read_bits, a.ifmap_write_bits, table.ifmap),
        "sram_weight": _accesses_pj(a.weight_read_bits, a.weight_write_bits, table.weight),
        "sram_ofmap": _accesses_pj(a.ofmap_read_bits, a.ofmap_write_bits, table.ofmap),
        "dram": dram[0] if dram else (a.dram_read_bytes + a.dram_write_bytes) * 8 * table.dram_pj_per_bit,
        "leakage_logic": table.leakage_logic_mw * elapsed_ns,
        "leakage_sram": table.leakage_sram_mw * elapsed_ns,
        "dram_standby": dram[1] if dram else table.dram_standby_mw * elapsed_ns,
    }


def _accesses_pj(read_bits: int, write_bits: int, buffer: BufferCost) -> float:
    return read_bits * buffer.read_pj_per_bit + write_bits * buffer.write_pj_per_bit


def sum_pj(parts: Mapping[str, float]) -> float:
    """Add the components of a price, rounded once."""
    return math.fsum(parts.values())


def list_sources(table: EnergyTable) -> list[Constant]:
    """List every figure that a price is computed from, with its unit and source."""
    return list(table.constants)


def build_energy_table(hardware: Hardware, engine: EngineDatapath, technology: Technology) -> EnergyTable:
    """Build the energy table of a machine from its engine's datapath and a technology.

    Raises: UserError for an SRAM that the technology's table cannot price, and for a voltage below the threshold.
    """
    choice = hardware.technology
    supply = find_supply(technology, choice.sram_cell, choice.voltage_v, choice.sram_voltage_v)
    logic, serial = price_datapath(hardware, engine, technology, supply), engine.serial
    buffers, notes = _buffers(hardware, technology, supply)
    ifmap, weight, ofmap = (buffers.get("shared") or buffers[name] for name in ("ifmap", "weight", "ofmap"))
    dram, standby = _dram_bit(hardware, technology), _dram_standby(hardware)
    constants = [
        *logic.constants,
        *_buffer_constants(buffers, f"{technology.sram.source}; {choice.sram_cell} at {choice.temperature_k:g} K"),
        dram,
        standby,
        *_supply_constants(hardware, technology),
    ]
    return EnergyTable(
        cycle_ns=1e3 / hardware.clock_mhz,
        mac_pj=0.0 if serial else logic.mac_pj,
        bit_step_pj=logic.mac_pj if serial else 0.0,
        selection_pj=logic.selection_pj,
        register_pj=logic.register_pj,
        vector_pj=logic.vector_pj,
        buffers=buffers,
        ifmap=ifmap,
        weight=weight,
        ofmap=ofmap,
        dram_pj_per_bit=dram.value,
        leakage_logic_mw=logic.leakage_mw,
        leakage_sram_mw=math.fsum(buffer.leakage_mw for buffer in buffers.values()),
        dram_standby_mw=standby.value,
        area_mm2=logic.area_mm2 | {f"sram_{name}": buffer.area_mm2 for name, buffer in buffers.items()},
        constants=tuple(constants),
        notes=(*technology.notes, *notes),
    )


def _supply_constants(hardware: Hardware, technology: Technology) -> list[Constant]:
    """The constants that scale the others where the hardware states a voltage."""
    choice, logic, sram = hardware.technology, technology.logic, technology.sram
    if choice.voltage_v is None and choice.sram_voltage_v is None:
        return []
    own = sram.voltages_v[choice.sram_cell]
    return [
        Constant("logic reference voltage", technology.reference_voltage_v, "V", "of the listed operations"),
        Constant("SRAM reference voltage", own, "V", f"{sram.voltage_source}; {choice.sram_cell}"),
        Constant("leakage over voltage", logic.leakage_per_v, "1/V", logic.leakage_voltage_source),
    ]


def _buffers(
    hardware: Hardware, technology: Technology, supply: Supply
) -> tuple[dict[str, BufferCost], tuple[str, ...]]:
    """The cost of each SRAM, and notes on those that the table fits badly. Raises: UserError as ``price_buffer``."""
    choice, srams = hardware.technology, hardware.sram
    cells = read_sram_cells(technology.sram.table, technology.sram.node_nm or technology.node_nm, choice.sram_cell)
    buffers: dict[str, BufferCost] = {}
    notes: list[str] = []
    for name in ("ifmap", "weight", "ofmap", "shared"):
        sram: Sram | None = getattr(srams, name)
        if sram is None:
            continue
        try:
            buffers[name] = price_buffer(sram, cells, choice.temperature_k).at(supply, technology.sram)
        except UserError as error:
            bank = f"{sram.capacity_kib * 1024 // sram.banks} bytes a bank ({sram.capacity_kib} KiB in {sram.banks})"
            raise UserError(f"sram.{name}: {bank}: {error}") from None
        if sram.width_bits < min(cells.banks):
            notes.append(
                f"sram.{name}: {sram.width_bits} bits are narrower than the table's {min(cells.banks)}; priced as if"
                " consecutive accesses shared one of that width"
            )
        access_ns, cycle_ns = buffers[name].access_ns, 1e3 / hardware.clock_mhz
        if access_ns > cycle_ns:
            notes.append(
                f"sram.{name}: an access takes {access_ns:.2f} ns in {choice.sram_cell} cells, longer than the clock's"
                f" {cycle_ns:.2f} ns; it would have to be pipelined"
            )
    return buffers, tuple(notes)


def price_buffer(sram: Sram, cells: SramCells, temperature_k: float) -> BufferCost:
    """Price an SRAM of equal banks, each of as few equal macros side by side as the table's widest allows.

    A bank narrower than the table's narrowest is priced as if one word of that width served several accesses in a
    row, which is a lower bound.

    Raises: UserError for a macro outside the table.
    """
    narrowest, widest = min(cells.banks), max(cells.banks)
    macros = ceil_div(sram.width_bits, widest)
    macro_bits = max(sram.width_bits / macros, narrowest)
    macro = interpolate_bank(cells, sram.capacity_kib * 1024 / sram.banks / macros, macro_bits, temperature_k)
    return BufferCost(
        read_pj_per_bit=macro.read_pj / macro_bits,
        write_pj_per_bit=macro.write_pj / macro_bits,
        leakage_mw=macro.leakage_mw * macros * sram.banks,
        area_mm2=macro.area_mm2 * macros * sram.banks,
        access_ns=macro.access_ns,
    )


def _buffer_constants(buffers: Mapping[str, BufferCost], source: str) -> list[Constant]:
    return [
        constant
        for name, buffer in buffers.items()
        for constant in (
            Constant(f"SRAM {name} read", buffer.read_pj_per_bit, "pJ/bit", source),
            Constant(f"SRAM {name} write", buffer.write_pj_per_bit, "pJ/bit", source),
            Constant(f"SRAM {name} leakage", buffer.leakage_mw, "mW", source),
        )
    ]


def _dram_bit(hardware: Hardware, technology: Technology) -> Constant:
    dram, memory = hardware.dram, hardware.dram.memory
    if dram.energy_pj_per_bit is not None:
        return Constant("DRAM", dram.energy_pj_per_bit, "pJ/bit", "hardware file, dram.energy_pj_per_bit")
    if memory is not None:
        source = f"device {memory.name}: whole rows read one after the other, wires included"
        return Constant("DRAM", memory.stream_pj_per_bit, "pJ/bit", source)
    listed = technology.operations["dram_bit"]
    return Constant("DRAM", listed.energy_pj, "pJ/bit", listed.source)


def _dram_standby(hardware: Hardware) -> Constant:
    dram, memory = hardware.dram, hardware.dram.memory
    if dram.standby_mw is None and memory is not None:
        return Constant("DRAM standby", memory.standby_mw, "mW", f"device {memory.name}: all banks closed, refreshed")
    return Constant("DRAM standby", dram.standby_mw or 0.0, "mW", "hardware file, dram.standby_mw")


def add_counts(mine: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    """Add counts kind by kind."""
    return {kind: mine.get(kind, 0) + theirs.get(kind, 0) for kind in (*mine, *theirs)}
