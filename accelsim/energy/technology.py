"""A technology: energy and area of operations, SRAM and wires in a process, each figure with its source."""

from __future__ import annotations

import csv
import functools
import math

from pydantic import Field, model_validator

from accelsim.config import Name, NonNegative, Positive, Size, UserError, Value, read_yaml, suggest, validate_document
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.node_scaling import Scaling, find_node_scaling
from accelsim.hardware.gating import Share

LISTED = ("int8_mul", "int32_add", "int32_mul", "fp16_mul", "fp32_mul", "fp32_add", "dram_bit", "lookup", "mux2_bit")


class PricedOperation(Value):
    """Energy and area of one operation."""

    energy_pj: Positive
    """Energy of the operation, pJ."""
    area_um2: NonNegative = 0.0
    """Area of the unit that does the operation, um2; 0 where it is not known."""
    source: str = Field(min_length=1)
    """Where the figures come from."""


class VectorOperation(Value):
    """What one element of a vector operation consists of."""

    additions: NonNegative = 0.0
    """Number of additions of one element."""
    multiplications: NonNegative = 0.0
    """Number of multiplications of one element."""
    lookups: NonNegative = 0.0
    """Number of table look-ups of one element."""
    source: str = Field(min_length=1)
    """Where the figures come from."""


class Logic(Value):
    """Area and leakage of logic, and how leakage and clock follow the voltage.

    At the reference voltage V0 and temperature T leakage is leakage_mw_per_mm2 exp(leakage_per_k (T - leakage_at_k));
    at another voltage V it is that times V / V0 exp(leakage_per_v (V - V0)). The clock follows
    f ~ (V - threshold_v)^alpha / V.
    """

    leakage_mw_per_mm2: Positive
    """Leakage of logic at the temperature leakage_at_k, mW/mm2."""
    leakage_at_k: Positive
    """Temperature for which leakage_mw_per_mm2 is stated, K."""
    leakage_per_k: Positive
    """Exponent by which leakage grows with the temperature, 1/K."""
    leakage_source: str = Field(min_length=1)
    """Where the leakage and its growth with the temperature come from."""
    leakage_per_v: NonNegative
    """Exponent by which leakage grows with the voltage, 1/V."""
    leakage_voltage_source: str = Field(min_length=1)
    """Where the growth of leakage with the voltage comes from."""
    threshold_v: Positive
    """Threshold voltage of the law of the clock, V."""
    alpha: Positive
    """Exponent of the law of the clock."""
    over_threshold_v: Positive
    """How far the lowest derived operating point lies above the threshold, V."""
    regulator_step_v: Positive
    """Distance of derived operating points, V."""
    clock_source: str = Field(min_length=1)
    """Where the law of the clock and the derived operating points come from."""
    area_factor: Positive
    """Area of a whole unit over the area of its listed operations."""
    area_source: str = Field(min_length=1)
    """Where area_factor comes from."""


class FlipFlop(Value):
    """One bit of a register."""

    clock_pj: Positive
    """Energy of one register bit in each cycle in which its clock runs, pJ."""
    write_pj: Positive
    """Energy of one register bit each time that it takes another value, pJ."""
    area_um2: Positive
    """Area of one register bit, um2."""
    source: str = Field(min_length=1)
    """Where the figures come from."""


class WireEnergy(Value):
    """Wires between neighbouring units."""

    pj_per_bit_mm: Positive
    """Energy of moving a bit along a millimetre of wire, pJ/mm."""
    source: str = Field(min_length=1)
    """Where the figures come from."""


class Switching(Value):
    """Costs of switching idle blocks off, used where a hardware file's ``gating`` does not state them."""

    logic_busy_cycles: Positive
    """Energy of switching a logic block off and on, as the number of cycles of work that take as much."""
    logic_wake_ns: NonNegative
    """Time from switching a logic block on until it works, ns."""
    logic_left_share: Share
    """Share of its leakage that a logic block still draws when it is off."""
    vector_lane_bits: Size
    """Register bits of one lane of the vector unit."""
    sram_retention_share: Share
    """Share of its leakage that an SRAM slice draws in retention, in which it keeps its content."""
    sram_retention_cycles: NonNegative
    """Cycles from the end of retention until an SRAM slice can be read."""
    sram_off_share: Share
    """Share of its leakage that an SRAM slice still draws when it is off."""
    dram_power_down_share: Share
    """Share of standby power that the DRAM draws in power-down, where the device does not state a current."""
    dram_power_down_wake_ns: NonNegative
    """Time from the end of power-down until the DRAM takes a command, ns."""
    dram_self_refresh_share: Share
    """Share of standby power that the DRAM draws in self-refresh, where the device does not state a current."""
    dram_self_refresh_extra_ns: NonNegative
    """Time beyond one refresh from the end of self-refresh until the DRAM takes a command, ns."""
    device_wake_ms: NonNegative
    """Time from sleep until a whole device works, ms."""
    source: str = Field(min_length=1)
    """Where the figures come from."""


class SramTable(Value):
    """The table that prices SRAM banks, and the factors that its figures are multiplied by."""

    table: Name
    """Name of the table, a CSV file beside the technology's own file."""
    node_nm: Size | None = None
    """Process node of the table's rows that are used, nm; by default the technology's."""
    energy_factor: Positive = 1.0
    """Factor on the energies of the table."""
    area_factor: Positive = 1.0
    """Factor on the areas of the table."""
    source: str = Field(min_length=1)
    """Where the table comes from."""
    voltages_v: dict[str, Positive]
    """Supply voltage for which the table is stated, V, by class of the cells."""
    voltage_source: str = Field(min_length=1)
    """Where the voltages come from."""


class Technology(Value):
    """A process with the operations that it lists; the rules of energy.operations derive others."""

    name: Name
    """Name of the technology."""
    description: str = ""
    """What the technology is, in a sentence or two."""
    node_nm: Size
    """Process node, nm."""
    reference_voltage_v: Positive
    """Supply voltage for which energies and leakage of logic are stated, V."""
    operations: dict[str, PricedOperation]
    """Energy and area of each operation by its name, such as int8_mul."""
    vector_operations: dict[str, VectorOperation]
    """What one element of each operation of the vector unit consists of, by its name, such as exp."""
    logic: Logic
    """Area and leakage of logic, and the law of its clock."""
    flip_flop: FlipFlop
    """Energy and area of a register bit."""
    wire: WireEnergy
    """Energy of wires."""
    switching: Switching
    """Costs of switching idle blocks off."""
    notes: list[str] = Field(default_factory=list)
    """What a reader of the figures should know, in sentences that reports print."""
    unverified: Name | None = None
    """Name of a CSV file of operations from an unverified source, which accelsim show prints beside these."""
    sram: SramTable
    """Table that prices SRAM banks."""

    @model_validator(mode="after")
    def _lists_what_rules_build_on(self) -> Technology:
        absent = [name for name in LISTED if name not in self.operations]
        if absent:
            raise ValueError(f"operations lack {', '.join(absent)}")
        return self

    def logic_leakage_mw(self, area_um2: float, temperature_k: float) -> float:
        """Leakage of units at a temperature, mW, by the area of their listed operations."""
        area_mm2 = area_um2 * self.logic.area_factor * 1e-6
        warmth = math.exp(self.logic.leakage_per_k * (temperature_k - self.logic.leakage_at_k))
        return area_mm2 * self.logic.leakage_mw_per_mm2 * warmth


class ScaledTechnology(Value):
    """A process whose figures are those of another one, scaled from node to node by a published rule."""

    name: Name
    """Name of the technology."""
    description: str = ""
    """What the technology is, in a sentence or two."""
    scaled_from: Name
    """Name of the technology whose figures are scaled."""
    rule: Name
    """Name of the table of the scaling rule, a CSV file beside the technology's own file."""
    node_nm: Size
    """Process node, nm."""
    reference_voltage_v: Positive
    """Supply voltage to which the figures are scaled, V."""
    sram: SramTable
    """Table that prices SRAM banks."""
    sram_node_nm: Size | None = None
    """Node of the rule from which the SRAM's figures are scaled, nm; without it they are taken as they are."""
    notes: list[str] = Field(default_factory=list)
    """What a reader of the figures should know, in sentences that reports print."""
    unverified: Name | None = None
    """Name of a CSV file of operations from an unverified source, which accelsim show prints beside these."""


def _at_node(wanted: ScaledTechnology, base: Technology) -> Technology:
    """The operations, registers and wires of the base at another node and voltage; DRAM and laws are the base's own."""
    volts, node = wanted.reference_voltage_v, wanted.node_nm
    scaling = find_node_scaling(wanted.rule, (base.node_nm, base.reference_voltage_v), (node, volts))
    operations = {name: op if name.startswith("dram") else _at(op, scaling) for name, op in base.operations.items()}
    flip, factor = base.flip_flop, f"x {scaling.energy:.3g}, {scaling.source}"
    flip_flop = FlipFlop(
        clock_pj=flip.clock_pj * scaling.energy,
        write_pj=flip.write_pj * scaling.energy,
        area_um2=flip.area_um2 * scaling.area,
        source=f"{flip.source}; {factor}",
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
    """The SRAM table as it is, or with factors that scale the rows of another node."""
    sram, rows = wanted.sram, wanted.sram.node_nm
    if rows is None or wanted.sram_node_nm is None:
        return sram
    volts = wanted.reference_voltage_v
    scaling = find_node_scaling(wanted.rule, (wanted.sram_node_nm, volts), (wanted.node_nm, volts))
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


def read_unverified_operations(technology: Technology) -> dict[str, tuple[float, str]]:
    """Energy, pJ, and source of each operation in the unverified file of a technology; empty where it names none."""
    if technology.unverified is None:
        return {}
    with (locate_hwconfigs() / "technology" / technology.unverified).open(newline="", encoding="utf-8") as lines:
        column = f"e{technology.node_nm}_pJ"
        return {row["op"]: (float(row[column]), row["src"]) for row in csv.DictReader(lines) if row[column]}


@functools.cache
def load_technology(name: str) -> Technology:
    """Load a technology that ships with accelsim, by name.

    Raises: UserError for an unknown name, and for a file that is not valid.
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
