"""Action counts x an energy table -> pJ by component. Floats begin here.

A component is charged for what it did (``mac``, ``vector``, ``sram_*``, ``dram``) or for the time it was powered
(``leakage_logic``, ``leakage_sram``, ``dram_standby``; pJ = mW x ns).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.energy.datapath import Constant, EngineDatapath, price_datapath
from accelsim.energy.sram_banks import SramCells, bank_at, sram_cells
from accelsim.energy.supply import Supply, supply_of
from accelsim.energy.technology import SramTable, Technology
from accelsim.hardware import Hardware, Sram

DYNAMIC = ("mac", "registers", "vector", "sram_ifmap", "sram_weight", "sram_ofmap", "dram")
STATIC = ("leakage_logic", "leakage_sram", "dram_standby")
COMPONENTS = DYNAMIC + STATIC  #: the keys of a price, in order


@dataclass(frozen=True, slots=True)
class Activity:
    """What the parts of an accelerator did in some time; all integers.

    ``a + b`` is a followed by b; ``a * n`` is a repeated n times.
    """

    cycles: int = 0  #: of the engine's clock, stalls included
    macs: int = 0  #: by whole multipliers
    bit_steps: int = 0  #: of bit-serial lanes
    selections: int = 0  #: of an activation by the metadata of a sparse weight
    register_steps: int = 0  #: of a PE, lane or multiplier at work, gated or not: its registers take other values
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
    """One SRAM with all its banks."""

    read_pj_per_bit: float
    write_pj_per_bit: float
    leakage_mw: float
    area_mm2: float
    access_ns: float

    def at(self, supply: Supply, table: SramTable) -> BufferCost:
        """At another voltage, and another node than the table's rows; how long an access takes there is not known."""
        energy = supply.sram_dynamic * table.energy_factor
        return self._replace(
            read_pj_per_bit=self.read_pj_per_bit * energy,
            write_pj_per_bit=self.write_pj_per_bit * energy,
            leakage_mw=self.leakage_mw * supply.sram_leakage,
            area_mm2=self.area_mm2 * table.area_factor,
        )


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """What an accelerator pays per action, and in mW for being powered."""

    cycle_ns: float
    mac_pj: float
    bit_step_pj: float
    selection_pj: float
    register_pj: float  #: of one PE's, lane's or multiplier's registers and their clock
    vector_pj: Mapping[str, float]  #: per element, by kind of operation
    buffers: Mapping[str, BufferCost]  #: the SRAMs there are: ifmap, weight and ofmap, or shared
    ifmap: BufferCost
    weight: BufferCost
    ofmap: BufferCost
    dram_pj_per_bit: float
    leakage_logic_mw: float
    leakage_sram_mw: float
    dram_standby_mw: float
    area_mm2: Mapping[str, float]  #: of the engine, the vector unit and each SRAM
    constants: tuple[Constant, ...]
    notes: tuple[str, ...]  #: what a reader of the figures should know

    @property
    def leakage_mw(self) -> dict[str, float]:
        """Of the parts that ``area_mm2`` has; the logic's by area."""
        logic = {name: self.area_mm2[name] for name in ("engine", "vector")}
        total = math.fsum(logic.values())
        parts = {name: self.leakage_logic_mw * mm2 / total for name, mm2 in logic.items()}
        return parts | {f"sram_{name}": buffer.leakage_mw for name, buffer in self.buffers.items()}


def price(activity: Activity, table: EnergyTable, dram: tuple[float, float] | None = None) -> dict[str, float]:
    """Energy in pJ of each of COMPONENTS; that of a simulated DRAM, by commands and by standby, is given."""
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


def total_pj(parts: Mapping[str, float]) -> float:
    """The sum of a price, rounded once."""
    return math.fsum(parts.values())


def list_sources(table: EnergyTable) -> list[Constant]:
    """Every figure that a price rests on, with its unit and source."""
    return list(table.constants)


def build_table(hardware: Hardware, engine: EngineDatapath, technology: Technology) -> EnergyTable:
    """Build the prices of a machine from its engine's datapath and a technology.

    Raises: UserError for an SRAM that the technology's table cannot price.
    """
    choice = hardware.technology
    supply = supply_of(technology, choice.sram_cell, choice.voltage_v, choice.sram_voltage_v)
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
    """What scales the others, where the hardware states a voltage."""
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
    """Each SRAM's cost, and notes on those that the table fits badly."""
    choice, srams = hardware.technology, hardware.sram
    cells = sram_cells(technology.sram.table, technology.sram.node_nm or technology.node_nm, choice.sram_cell)
    buffers: dict[str, BufferCost] = {}
    notes: list[str] = []
    for name in ("ifmap", "weight", "ofmap", "shared"):
        sram: Sram | None = getattr(srams, name)
        if sram is None:
            continue
        try:
            buffers[name] = buffer_cost(sram, cells, choice.temperature_k).at(supply, technology.sram)
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


def buffer_cost(sram: Sram, cells: SramCells, temperature_k: float) -> BufferCost:
    """An SRAM of equal banks, each of as few equal macros side by side as the table's widest allows.

    A bank narrower than the table's narrowest is priced as one of that width whose word serves several accesses in
    a row: the least it can be.
    Raises: UserError for a macro outside the table.
    """
    narrowest, widest = min(cells.banks), max(cells.banks)
    macros = -(-sram.width_bits // widest)
    macro_bits = max(sram.width_bits / macros, narrowest)
    macro = bank_at(cells, sram.capacity_kib * 1024 / sram.banks / macros, macro_bits, temperature_k)
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
    """Counts by kind, added."""
    return {kind: mine.get(kind, 0) + theirs.get(kind, 0) for kind in (*mine, *theirs)}
