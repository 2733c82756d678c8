"""What one operation, one SRAM access and one square millimetre cost in a process; every figure with its source."""

from __future__ import annotations

import csv
import functools
import math
from typing import NamedTuple

from pydantic import Field, model_validator

from accelsim.config import Name, NonNegative, Positive, Size, UserError, Value, read_yaml, suggest, validate_document
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.node_scaling import Scaling, node_scaling
from accelsim.hardware.gating import Share
from accelsim.hardware.laws import Leakage

LISTED = ("int8_mul", "int32_add", "int32_mul", "fp16_mul", "fp32_mul", "fp32_add", "dram_bit", "lookup", "mux2_bit")
SIGNIFICAND_BITS = {"bf16": 8, "fp16": 11, "fp32": 24}  #: the leading one included


class PricedOperation(Value):
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
    over_threshold_v: Positive  #: of the lowest operating point that is derived
    regulator_step_v: Positive  #: from one to the next
    clock_source: str = Field(min_length=1)
    area_factor: Positive  #: whole unit over its multiplier and adder
    area_source: str = Field(min_length=1)


class FlipFlop(Value):
    """One bit of a register."""

    clock_pj: Positive  #: each cycle that its clock runs
    write_pj: Positive  #: and each time that it takes another value
    area_um2: Positive
    source: str = Field(min_length=1)


class WireEnergy(Value):
    """Wires between neighbours."""

    pj_per_bit_mm: Positive
    source: str = Field(min_length=1)


class Switching(Value):
    """What switching idle blocks off takes, where a hardware file's ``gating`` does not say."""

    logic_busy_cycles: Positive  #: of a logic block at work, whose energy going off and on takes
    logic_wake_ns: NonNegative
    logic_left_share: Share  #: of its leakage, when it is off
    vector_lane_bits: Size  #: of a lane's registers
    sram_retention_share: Share  #: of the leakage of a slice that keeps its content
    sram_retention_cycles: NonNegative  #: until it can be read again
    sram_off_share: Share
    dram_power_down_share: Share  #: of standby, where a device does not say
    dram_power_down_wake_ns: NonNegative
    dram_self_refresh_share: Share
    dram_self_refresh_extra_ns: NonNegative  #: beyond a refresh, until a device is awake
    device_wake_ms: NonNegative  #: of a device that slept
    source: str = Field(min_length=1)


class SramTable(Value):
    """The file that prices SRAM banks, beside the technology's own, and what its figures are multiplied by."""

    table: Name
    node_nm: Size | None = None  #: of its rows; default: the technology's
    energy_factor: Positive = 1.0
    area_factor: Positive = 1.0
    source: str = Field(min_length=1)
    voltages_v: dict[str, Positive]  #: at which the table holds, by cell class
    voltage_source: str = Field(min_length=1)


class Technology(Value):
    """A process: its operations as listed; the functions below derive what is not listed."""

    name: Name
    description: str = ""
    node_nm: Size
    reference_voltage_v: Positive
    operations: dict[str, PricedOperation]
    vector_operations: dict[str, VectorOperation]
    logic: Logic
    flip_flop: FlipFlop
    wire: WireEnergy
    switching: Switching
    notes: list[str] = Field(default_factory=list)  #: what a reader of the figures should know
    unverified: Name | None = None  #: a file of operations to be held against these, beside the technology's own
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


class ScaledTechnology(Value):
    """A process whose figures are another's, scaled from node to node by a rule with a name."""

    name: Name
    description: str = ""
    scaled_from: Name
    rule: Name  #: a file of fits to nodes, beside the technology's own
    node_nm: Size
    reference_voltage_v: Positive
    sram: SramTable
    sram_node_nm: Size | None = None  #: in the rule, of the SRAM's rows where they are another node's
    notes: list[str] = Field(default_factory=list)
    unverified: Name | None = None


def _at_node(wanted: ScaledTechnology, base: Technology) -> Technology:
    """The base's operations, registers and wires at another node and voltage; DRAM and laws stay what they are."""
    volts, node = wanted.reference_voltage_v, wanted.node_nm
    scaling = node_scaling(wanted.rule, (base.node_nm, base.reference_voltage_v), (node, volts))
    operations = {name: op if name.startswith("dram") else _at(op, scaling) for name, op in base.operations.items()}
    flip, told = base.flip_flop, f"x {scaling.energy:.3g}, {scaling.source}"
    flip_flop = FlipFlop(
        clock_pj=flip.clock_pj * scaling.energy,
        write_pj=flip.write_pj * scaling.energy,
        area_um2=flip.area_um2 * scaling.area,
        source=f"{flip.source}; {told}",
    )
    wire = WireEnergy(
        pj_per_bit_mm=base.wire.pj_per_bit_mm * (volts / base.reference_voltage_v) ** 2,
        source=f"{base.wire.source}; times the square of the voltages",
    )
    return base.model_copy(
        update={
            "name": wanted.name,
            "description": wanted.description,
            "node_nm": node,
            "reference_voltage_v": volts,
            "operations": operations,
            "flip_flop": flip_flop,
            "wire": wire,
            "sram": _sram_at_node(wanted),
            "notes": [scaling.note, *wanted.notes],
            "unverified": wanted.unverified,
        }
    )


def _sram_at_node(wanted: ScaledTechnology) -> SramTable:
    """Its rows as they are, or another node's scaled on."""
    sram, rows = wanted.sram, wanted.sram.node_nm
    if rows is None or wanted.sram_node_nm is None:
        return sram
    volts = wanted.reference_voltage_v
    scaling = node_scaling(wanted.rule, (wanted.sram_node_nm, volts), (wanted.node_nm, volts))
    return sram.model_copy(
        update={
            "energy_factor": scaling.energy,
            "area_factor": (wanted.node_nm / rows) ** 2,
            "source": f"{sram.source}; rows of {rows} nm x {scaling.energy:.3g}, {scaling.source}; leakage as there",
        }
    )


def _at(op: PricedOperation, scaling: Scaling) -> PricedOperation:
    return PricedOperation(
        energy_pj=op.energy_pj * scaling.energy,
        area_um2=op.area_um2 * scaling.area,
        source=f"{op.source}; x {scaling.energy:.3g}, {scaling.source}",
    )


def unverified_operations(technology: Technology) -> dict[str, tuple[float, str]]:
    """pJ and source of operations that somebody else gives for this node; empty where no file does."""
    if technology.unverified is None:
        return {}
    with (locate_hwconfigs() / "technology" / technology.unverified).open(newline="", encoding="utf-8") as lines:
        column = f"e{technology.node_nm}_pJ"
        return {row["op"]: (float(row[column]), row["src"]) for row in csv.DictReader(lines) if row[column]}


@functools.cache
def load_technology(name: str) -> Technology:
    """A shipped technology.

    Raises: UserError for an unknown name.
    """
    folder = locate_hwconfigs() / "technology"
    known = [path.stem for path in folder.glob("*.yaml")]
    if name not in known:
        raise UserError(f"technology.name: '{name}' is not known{suggest(name, known)}")
    document = read_yaml(folder / f"{name}.yaml")
    if not (isinstance(document.data, dict) and "scaled_from" in document.data):
        return validate_document(Technology, document)
    wanted = validate_document(ScaledTechnology, document)
    return _at_node(wanted, load_technology(wanted.scaled_from))


def integer_multiply(technology: Technology, a_bits: int, b_bits: int) -> PricedOperation:
    """The listed multiplier, or int8_mul scaled by the number of partial-product bits, a_bits x b_bits.

    Against the listed int32_mul at 45 nm the rule is 3 % high in energy and 29 % in area.
    """
    listed = technology.operations.get(f"int{a_bits}_mul")
    if listed is not None and a_bits == b_bits:
        return listed
    base = technology.operations["int8_mul"]
    scale = a_bits * b_bits / 8**2
    return _scaled(base, scale, f"rule: int8_mul x {a_bits} x {b_bits} / 64")


def integer_add(technology: Technology, bits: int) -> PricedOperation:
    """The listed adder, or int32_add scaled by its width."""
    listed = technology.operations.get(f"int{bits}_add")
    if listed is not None:
        return listed
    return _scaled(technology.operations["int32_add"], bits / 32, f"rule: int32_add x {bits} / 32")


def float_multiply(technology: Technology, precision: str) -> PricedOperation:
    """The listed multiplier, or a + b s^2 in significand bits s, laid through fp16_mul and fp32_mul."""
    name = f"{precision}_mul"
    if name in technology.operations:
        return technology.operations[name]
    half, single = technology.operations["fp16_mul"], technology.operations["fp32_mul"]
    squares = [SIGNIFICAND_BITS[p] ** 2 for p in (precision, "fp16", "fp32")]
    share = (squares[0] - squares[1]) / (squares[2] - squares[1])
    return PricedOperation(
        energy_pj=half.energy_pj + share * (single.energy_pj - half.energy_pj),
        area_um2=half.area_um2 + share * (single.area_um2 - half.area_um2),
        source="rule: a + b x significand bits^2 through fp16_mul and fp32_mul",
    )


def _scaled(base: PricedOperation, factor: float, source: str) -> PricedOperation:
    return PricedOperation(energy_pj=base.energy_pj * factor, area_um2=base.area_um2 * factor, source=source)
