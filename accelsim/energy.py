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
from accelsim.counts import summed
from accelsim.hardware import ACCUMULATOR_BITS, BITS, AnyEngine, BitSerialUnit, Hardware, Sram
from accelsim.technology import (
    Operation,
    SramCells,
    Technology,
    bank_at,
    float_multiply,
    integer_add,
    integer_multiply,
    sram_cells,
)

DYNAMIC = ("mac", "vector", "sram_ifmap", "sram_weight", "sram_ofmap", "dram")
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
        kinds = summed(self.vector_operations, other.vector_operations)
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return Activity(vector_operations=kinds, **counts)

    def __mul__(self, times: int) -> Activity:
        kinds = {kind: count * times for kind, count in self.vector_operations.items()}
        counts = {name: getattr(self, name) * times for name in _COUNTS}
        return Activity(vector_operations=kinds, **counts)

    __rmul__ = __mul__


_COUNTS = tuple(f.name for f in fields(Activity) if f.name != "vector_operations")


class Constant(NamedTuple):
    """One figure behind the energies, as reports list it."""

    name: str
    value: float
    unit: str
    source: str


class BufferCost(NamedTuple):
    """One SRAM with all its banks."""

    read_pj_per_bit: float
    write_pj_per_bit: float
    leakage_mw: float
    area_mm2: float
    access_ns: float


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """What an accelerator pays per action, and in mW for being powered."""

    cycle_ns: float
    mac_pj: float
    bit_step_pj: float
    selection_pj: float
    vector_pj: Mapping[str, float]  #: per element, by kind of operation
    buffers: Mapping[str, BufferCost]  #: the SRAMs there are: ifmap, weight and ofmap, or shared
    ifmap: BufferCost
    weight: BufferCost
    ofmap: BufferCost
    dram_pj_per_bit: float
    leakage_logic_mw: float
    leakage_sram_mw: float
    dram_standby_mw: float
    constants: tuple[Constant, ...]
    notes: tuple[str, ...]  #: what a reader of the figures should know


def price(activity: Activity, table: EnergyTable, dram: tuple[float, float] | None = None) -> dict[str, float]:
    """Energy in pJ of each of COMPONENTS; that of a simulated DRAM, by commands and by standby, is given."""
    a, elapsed_ns = activity, activity.cycles * table.cycle_ns
    return {
        "mac": a.macs * table.mac_pj + a.bit_steps * table.bit_step_pj + a.selections * table.selection_pj,
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


def sources(table: EnergyTable) -> list[Constant]:
    """Every figure that a price rests on, with its unit and source."""
    return list(table.constants)


def energy_table(hardware: Hardware, technology: Technology) -> EnergyTable:
    """The prices of a hardware description.

    Raises: UserError for an SRAM that the technology's table cannot price.
    """
    choice, precision = hardware.technology, hardware.engine.precision
    mac = engine_operation(technology, hardware.engine)
    serial = isinstance(hardware.engine, BitSerialUnit) and hardware.engine.serial != "none"
    vector = {kind: vector_operation(technology, kind, precision) for kind in technology.vector_operations}
    buffers, notes = _buffers(hardware, technology)
    shared = buffers.get("shared")
    ifmap, weight, ofmap = (shared or buffers[name] for name in ("ifmap", "weight", "ofmap"))
    dram, standby = _dram_bit(hardware, technology), _dram_standby(hardware)
    lane_area_um2 = sum(unit.area_um2 for unit in _lane_units(technology, precision))
    selection = selection_operation(technology, hardware.engine)
    pe_area_um2 = mac.area_um2 + (selection.area_um2 if selection else 0.0)
    logic_area_um2 = hardware.engine.pes * pe_area_um2 + hardware.vector.lanes * lane_area_um2
    logic_mw = technology.logic_leakage_mw(logic_area_um2, choice.temperature_k)
    constants = [
        Constant("bit-serial step" if serial else f"MAC {precision}", mac.energy_pj, "pJ", mac.source),
        *([Constant("selection", selection.energy_pj, "pJ", selection.source)] if selection else []),
        *(Constant(f"vector {kind}", op.energy_pj, "pJ", op.source) for kind, op in vector.items()),
        *_buffer_constants(buffers, f"{technology.sram.source}; {choice.sram_cell} at {choice.temperature_k:g} K"),
        dram,
        Constant("logic leakage", logic_mw, "mW", f"{technology.logic.leakage_source}; area: MAC and vector units"),
        Constant("logic area over listed units", technology.logic.area_factor, "", technology.logic.area_source),
        standby,
    ]
    return EnergyTable(
        cycle_ns=1e3 / hardware.clock_mhz,
        mac_pj=0.0 if serial else mac.energy_pj,
        bit_step_pj=mac.energy_pj if serial else 0.0,
        selection_pj=selection.energy_pj if selection else 0.0,
        vector_pj={kind: op.energy_pj for kind, op in vector.items()},
        buffers=buffers,
        ifmap=ifmap,
        weight=weight,
        ofmap=ofmap,
        dram_pj_per_bit=dram.value,
        leakage_logic_mw=logic_mw,
        leakage_sram_mw=math.fsum(buffer.leakage_mw for buffer in buffers.values()),
        dram_standby_mw=standby.value,
        constants=tuple(constants),
        notes=notes,
    )


def engine_operation(technology: Technology, engine: AnyEngine) -> Operation:
    """What one PE does in a cycle: a MAC; in a bit-serial lane, the addition of one operand times bits of the other."""
    if not isinstance(engine, BitSerialUnit) or engine.serial == "none":
        return mac_operation(technology, engine.precision)
    if engine.serial == "both":  # the product of two bits, counted by a tree: as wide as the count of its lanes
        width = engine.lanes.bit_length()
        what = f"rule: an addition of {width} bits, the count of {engine.lanes} lanes, for each pair of bits"
    else:
        width = engine.pe_bits
        what = f"rule: an addition of {width} bits for each bit of the serial operand"
    addition = integer_add(technology, width)
    at_once = engine.activation_bits_per_cycle
    return Operation(energy_pj=addition.energy_pj * at_once, area_um2=addition.area_um2 * at_once,
                     source=f"{what}; {addition.source}")  # fmt: skip


def selection_operation(technology: Technology, engine: AnyEngine) -> Operation | None:
    """An m:1 multiplexer that picks the activation of a sparse weight, of m - 1 two-input ones a bit; None if dense."""
    pattern = engine.sparse_pattern
    if pattern is None or pattern.group == 1:
        return None
    each, inputs, bits = technology.operations["mux2_bit"], pattern.group - 1, BITS[engine.precision]
    return Operation(
        energy_pj=each.energy_pj * inputs * bits,
        area_um2=each.area_um2 * inputs * bits,
        source=f"rule: {inputs} two-input multiplexers for each of {bits} bits; {each.source}",
    )


def mac_operation(technology: Technology, precision: str) -> Operation:
    """A multiplication in a precision and an addition in its accumulator's; registers are not in it."""
    if precision.startswith("int"):
        product = integer_multiply(technology, BITS[precision], BITS[precision])
        accumulation = integer_add(technology, ACCUMULATOR_BITS[precision])
    else:
        product = float_multiply(technology, precision)
        accumulation = technology.operations[f"fp{ACCUMULATOR_BITS[precision]}_add"]
    return Operation(
        energy_pj=product.energy_pj + accumulation.energy_pj,
        area_um2=product.area_um2 + accumulation.area_um2,
        source=" + ".join(dict.fromkeys((product.source, accumulation.source))),
    )


def vector_operation(technology: Technology, kind: str, precision: str) -> Operation:
    """One element of a vector operation; integer pipelines work on 32-bit values, floating-point ones in fp32."""
    made_of = technology.vector_operations[kind]
    addition, multiplication = _lane_units(technology, precision)
    lookup = technology.operations["lookup"]
    parts = (
        (made_of.additions, addition),
        (made_of.multiplications, multiplication),
        (made_of.lookups, lookup),
    )
    return Operation(
        energy_pj=sum(times * part.energy_pj for times, part in parts),
        source="; ".join(dict.fromkeys((made_of.source, *(part.source for times, part in parts if times)))),
    )


def _lane_units(technology: Technology, precision: str) -> tuple[Operation, Operation]:
    """The adder and the multiplier of a vector lane."""
    number = "int32" if precision.startswith("int") else "fp32"
    return technology.operations[f"{number}_add"], technology.operations[f"{number}_mul"]


def _buffers(hardware: Hardware, technology: Technology) -> tuple[dict[str, BufferCost], tuple[str, ...]]:
    """Each SRAM's cost, and notes on those that the table fits badly."""
    choice, srams = hardware.technology, hardware.sram
    cells = sram_cells(technology.sram.table, technology.node_nm, choice.sram_cell)
    buffers: dict[str, BufferCost] = {}
    notes: list[str] = []
    for name in ("ifmap", "weight", "ofmap", "shared"):
        sram: Sram | None = getattr(srams, name)
        if sram is None:
            continue
        try:
            buffers[name] = buffer_cost(sram, cells, choice.temperature_k)
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
