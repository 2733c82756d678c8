"""What one operation, one SRAM access and one square millimetre cost in a process; every figure with its source."""

from __future__ import annotations

import csv
import functools
import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from pydantic import Field, model_validator

from accelsim.config import Name, NonNegative, Positive, Size, UserError, Value, nearest, read_yaml, validated
from accelsim.laws import Leakage
from accelsim.places import hwconfigs_folder

N = TypeVar("N", int, float)

LISTED = ("int8_mul", "int32_add", "int32_mul", "fp16_mul", "fp32_mul", "fp32_add", "dram_bit", "lookup", "mux2_bit")
SIGNIFICAND_BITS = {"bf16": 8, "fp16": 11, "fp32": 24}  #: the leading one included


class Operation(Value):
    """Energy and area of one operation."""

    energy_pj: Positive
    area_um2: NonNegative = 0.0  #: 0 where it is not known
    source: str = Field(min_length=1)


class VectorOperation(Value):
    """One element of a vector operation, in additions, multiplications and table look-ups."""

    additions: NonNegative = 0.0
    multiplications: NonNegative = 0.0
    lookups: NonNegative = 0.0
    source: str = Field(min_length=1)


class Logic(Value):
    """Leakage of logic and the area it comes from, and how leakage and clock follow the voltage.

    P = leakage_mw_per_mm2 exp(leakage_per_k (T - leakage_at_k)) at the reference voltage V0, elsewhere times
    V / V0 exp(leakage_per_v (V - V0)); f ~ (V - threshold_v)^alpha / V.
    """

    leakage_mw_per_mm2: Positive
    leakage_at_k: Positive
    leakage_per_k: Positive
    leakage_source: str = Field(min_length=1)
    leakage_per_v: NonNegative
    leakage_voltage_source: str = Field(min_length=1)
    threshold_v: Positive
    alpha: Positive
    clock_source: str = Field(min_length=1)
    area_factor: Positive  #: whole unit over its multiplier and adder
    area_source: str = Field(min_length=1)


class FlipFlop(Value):
    """One bit of a register."""

    clock_pj: Positive  #: each cycle that its clock runs
    write_pj: Positive  #: and each time that it takes another value
    area_um2: Positive
    source: str = Field(min_length=1)


class Wire(Value):
    """Wires between neighbours."""

    pj_per_bit_mm: Positive
    source: str = Field(min_length=1)


class SramTable(Value):
    """The file that prices SRAM banks, beside the technology's own."""

    table: Name
    source: str = Field(min_length=1)
    voltages_v: dict[str, Positive]  #: at which the table holds, by cell class
    voltage_source: str = Field(min_length=1)


class Technology(Value):
    """A process: its operations as listed; the functions below derive what is not listed."""

    name: Name
    description: str = ""
    node_nm: Size
    reference_voltage_v: Positive
    operations: dict[str, Operation]
    vector_operations: dict[str, VectorOperation]
    logic: Logic
    flip_flop: FlipFlop
    wire: Wire
    sram: SramTable

    @model_validator(mode="after")
    def _lists_what_rules_build_on(self) -> Technology:
        absent = [name for name in LISTED if name not in self.operations]
        if absent:
            raise ValueError(f"operations lack {', '.join(absent)}")
        return self

    def logic_leakage_mw(self, area_um2: float, temperature_k: float) -> float:
        """Leakage of units whose multipliers and adders have this area."""
        area_mm2 = area_um2 * self.logic.area_factor * 1e-6
        warmth = math.exp(self.logic.leakage_per_k * (temperature_k - self.logic.leakage_at_k))
        return area_mm2 * self.logic.leakage_mw_per_mm2 * warmth


class Supply(NamedTuple):
    """What a supply's voltages make of energies and leakage powers at their own reference voltages."""

    logic_dynamic: float = 1.0
    sram_dynamic: float = 1.0
    logic_leakage: float = 1.0
    sram_leakage: float = 1.0


def supply_of(technology: Technology, cell: str, voltage_v: float | None, sram_voltage_v: float | None) -> Supply:
    """The factors of a voltage, and of another one for the SRAMs; where none is stated nothing is changed.

    Energies go with V^2, leakage as ``Logic`` says, of SRAM as well.

    Raises: UserError for a voltage at which no transistor switches.
    """
    per_v, threshold = technology.logic.leakage_per_v, technology.logic.threshold_v
    for name, given in (("voltage_v", voltage_v), ("sram_voltage_v", sram_voltage_v)):
        if given is not None and given <= threshold:
            told = f"should be above the threshold of {technology.name}, {threshold:g} V"
            raise UserError(f"technology.{name}: {told}, got {given:g}")
    logic, sram = (
        (1.0, 1.0) if given is None else ((given / own) ** 2, Leakage(own, per_v).times(given))
        for given, own in (
            (voltage_v, technology.reference_voltage_v),
            (voltage_v if sram_voltage_v is None else sram_voltage_v, technology.sram.voltages_v[cell]),
        )
    )
    return Supply(logic[0], sram[0], logic[1], sram[1])


@functools.cache
def load_technology(name: str) -> Technology:
    """A shipped technology.

    Raises: UserError for an unknown name.
    """
    folder = hwconfigs_folder() / "technology"
    known = [path.stem for path in folder.glob("*.yaml")]
    if name not in known:
        raise UserError(f"technology.name: '{name}' is not known{nearest(name, known)}")
    return validated(Technology, read_yaml(folder / f"{name}.yaml"))


def integer_multiply(technology: Technology, a_bits: int, b_bits: int) -> Operation:
    """The listed multiplier, or int8_mul scaled by the number of partial-product bits, a_bits x b_bits.

    Against the listed int32_mul at 45 nm the rule is 3 % high in energy and 29 % in area.
    """
    listed = technology.operations.get(f"int{a_bits}_mul")
    if listed is not None and a_bits == b_bits:
        return listed
    base = technology.operations["int8_mul"]
    scale = a_bits * b_bits / 8**2
    return _scaled(base, scale, f"rule: int8_mul x {a_bits} x {b_bits} / 64")


def integer_add(technology: Technology, bits: int) -> Operation:
    """The listed adder, or int32_add scaled by its width."""
    listed = technology.operations.get(f"int{bits}_add")
    if listed is not None:
        return listed
    return _scaled(technology.operations["int32_add"], bits / 32, f"rule: int32_add x {bits} / 32")


def float_multiply(technology: Technology, precision: str) -> Operation:
    """The listed multiplier, or a + b s^2 in significand bits s, laid through fp16_mul and fp32_mul."""
    name = f"{precision}_mul"
    if name in technology.operations:
        return technology.operations[name]
    half, single = technology.operations["fp16_mul"], technology.operations["fp32_mul"]
    squares = [SIGNIFICAND_BITS[p] ** 2 for p in (precision, "fp16", "fp32")]
    share = (squares[0] - squares[1]) / (squares[2] - squares[1])
    return Operation(
        energy_pj=half.energy_pj + share * (single.energy_pj - half.energy_pj),
        area_um2=half.area_um2 + share * (single.area_um2 - half.area_um2),
        source="rule: a + b x significand bits^2 through fp16_mul and fp32_mul",
    )


def _scaled(base: Operation, factor: float, source: str) -> Operation:
    return Operation(energy_pj=base.energy_pj * factor, area_um2=base.area_um2 * factor, source=source)


class Bank(NamedTuple):
    """One SRAM bank: an access reads or writes its whole width."""

    read_pj: float
    write_pj: float
    subthreshold_mw: float
    gate_mw: float
    area_mm2: float
    access_ns: float

    @property
    def leakage_mw(self) -> float:
        """Both currents that a bank at rest draws."""
        return self.subthreshold_mw + self.gate_mw

    def between(self, other: Bank, share: float) -> Bank:
        """Every figure on the straight line, in logarithms, from self (share 0) to other (share 1)."""
        return Bank(*(a * (b / a) ** share for a, b in zip(self, other, strict=True)))


class SramCells(NamedTuple):
    """Banks of one cell class at one node, all at one temperature; one of them at other temperatures too."""

    banks: dict[int, dict[int, Bank]]  #: by width in bits, then size in bytes; both ascending
    sample: Bank  #: at the temperature of banks
    samples: dict[float, Bank]  #: the same bank by temperature in K, ascending


_COLUMNS = ("read_pJ", "write_pJ", "leak_mW", "gate_leak_mW", "area_mm2", "access_ns")
_GRID_K = "350"
_SAMPLE = ("32768", "64")  # size and width of the bank that is listed at every temperature
# 90 nm lop: from 350 to 370 K, the size grid among them, ten times the leakage that 300-340 and 380-400 K tell.
# 22 nm lstp at 360 K: half of what it leaks at 350 K.
_FAULTY_GRIDS = {("90", "itrs-lop")}
_FAULTY_TEMPERATURES = {("22", "itrs-lstp", "360")}


@functools.cache
def sram_cells(table: str, node_nm: int, cell: str) -> SramCells:
    """The banks that a table lists for a node and a cell class (cells and periphery alike, no power gating).

    Raises: UserError for a node and cell class that the table lacks.
    """
    key = (str(node_nm), cell)
    banks: dict[int, dict[int, Bank]] = {}
    samples: dict[float, Bank] = {}
    with (hwconfigs_folder() / "technology" / table).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["tech_nm"], row["cell"]) != key or row["periph"] != cell or row["array_power_gating"] != "False":
                continue
            if key in _FAULTY_GRIDS or (*key, row["temp_K"]) in _FAULTY_TEMPERATURES:
                continue
            bank = Bank(*(float(row[column]) for column in _COLUMNS))
            if row["temp_K"] == _GRID_K:
                banks.setdefault(int(row["width_bits"]), {})[int(row["size_B"])] = bank
            if (row["size_B"], row["width_bits"]) == _SAMPLE:
                samples[float(row["temp_K"])] = bank
    if not banks:
        raise UserError(f"{table} has no sound rows for {cell} cells at {node_nm} nm")
    by_width = {width: dict(sorted(banks[width].items())) for width in sorted(banks)}
    return SramCells(by_width, samples[float(_GRID_K)], dict(sorted(samples.items())))


def bank_at(cells: SramCells, size_bytes: float, width_bits: float, temperature_k: float) -> Bank:
    """A bank of any size, width and temperature that the table encloses.

    Log-log over size, then over width; leakage log-linear over temperature, in proportion to the sample's. With every
    second neighbour left out (4:1 steps where the table has 2:1), the 45 nm grids are met over size within 8.2 % on
    average and 29 % at worst (reads), 5.9 % and 19 % (writes), 2.1 % and 7.8 % (leakage); over width within 10 % and
    38 % (reads).
    Raises: UserError outside the table.
    """
    low, high, share = _enclosing(list(cells.banks), width_bits, "bank width in bits")
    bank = _bank_of_size(cells.banks[low], size_bytes)
    if share:
        bank = bank.between(_bank_of_size(cells.banks[high], size_bytes), share)
    cold, warm, _ = _enclosing(list(cells.samples), temperature_k, "temperature in K")
    share = (temperature_k - cold) / (warm - cold) if warm > cold else 0.0
    sample = cells.samples[cold].between(cells.samples[warm], share)
    return bank._replace(
        subthreshold_mw=bank.subthreshold_mw * sample.subthreshold_mw / cells.sample.subthreshold_mw,
        gate_mw=bank.gate_mw * sample.gate_mw / cells.sample.gate_mw,
    )


class Switch(NamedTuple):
    """The sleep transistors of an SRAM bank."""

    energy_pj: float  #: to turn them off and on
    wake_ns: float


@functools.cache
def _switches(table: str) -> dict[int, Switch]:
    """Those that a table lists, by size of the bank in bytes."""
    found: dict[int, Switch] = {}
    with (hwconfigs_folder() / "technology" / table).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["array_power_gating"] == "True":
                found[int(row["size_B"])] = Switch(float(row["pg_Tx_energy_pJ"]), float(row["pg_wakeup_ns"]))
    return dict(sorted(found.items()))


def bank_switch(table: str, size_bytes: float) -> Switch:
    """The sleep transistors of a bank of any size; beyond the table, in proportion to its nearest row."""
    rows = _switches(table)
    sizes = list(rows)
    nearest_size = min(max(size_bytes, sizes[0]), sizes[-1])
    low, high, share = _enclosing(sizes, nearest_size, "bank size in bytes")
    a, b = rows[int(low)], rows[int(high)]
    energy = a.energy_pj * (b.energy_pj / a.energy_pj) ** share * size_bytes / nearest_size
    return Switch(energy, a.wake_ns * (b.wake_ns / a.wake_ns) ** share)


def _bank_of_size(banks: dict[int, Bank], size_bytes: float) -> Bank:
    low, high, share = _enclosing(list(banks), size_bytes, "bank size in bytes")
    return banks[low].between(banks[high], share)


def _enclosing(points: Sequence[N], value: float, what: str) -> tuple[N, N, float]:
    """The neighbours of a value in ascending points, and its logarithmic share of the way between them."""
    if not points[0] <= value <= points[-1]:
        raise UserError(f"{what}: the SRAM table has {points[0]:.10g} to {points[-1]:.10g}, got {value:.10g}")
    i = bisect_right(points, value) - 1
    low = points[i]
    if low == value:
        return low, low, 0.0
    high = points[i + 1]
    return low, high, math.log(value / low) / math.log(high / low)
