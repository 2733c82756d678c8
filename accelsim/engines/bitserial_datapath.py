"""The operation of a bit-serial lane in a cycle, for pricing: additions of one operand times bits of the other."""

from __future__ import annotations

from accelsim.energy.datapath import EngineDatapath
from accelsim.energy.operations import price_integer_add, price_mac
from accelsim.energy.technology import PricedOperation, Technology
from accelsim.engines.bitserial_counts import (
    count_lane_slots,
    count_lanes,
    has_serial_activations,
    has_serial_weights,
    is_serial,
)
from accelsim.hardware import ACCUMULATOR_BITS, BitSerialUnit


def build_datapath(unit: BitSerialUnit, technology: Technology) -> EngineDatapath:
    """Build the datapath: a lane adds one operand times bits of the other, or is a whole multiplier if none is serial.

    A lane has registers for its bits, or for both whole operands, and shares an accumulator with the lanes added to it.
    """
    serial, wide = is_serial(unit), ACCUMULATOR_BITS[unit.precision]
    return EngineDatapath(
        pes=count_lanes(unit),
        operation=price_step(unit, technology),
        operation_name="bit-serial step" if serial else f"MAC {unit.precision}",
        register_bits=(count_lane_slots(unit) if serial else 2 * unit.pe_bits) + wide / unit.lanes,
        serial=serial,
    )


def price_step(unit: BitSerialUnit, technology: Technology) -> PricedOperation:
    """Price the step of one lane; with both operands serial, an adder tree counts products of two bits."""
    if not is_serial(unit):
        return price_mac(technology, unit.precision)
    if has_serial_activations(unit) and has_serial_weights(unit):
        width = unit.lanes.bit_length()
        what = f"rule: an addition of {width} bits, the count of {unit.lanes} lanes, for each pair of bits"
    else:
        width = unit.pe_bits
        what = f"rule: an addition of {width} bits for each bit of the serial operand"
    addition = price_integer_add(technology, width)
    at_once = 1 if unit.skip == "essential" else count_lane_slots(unit)  # essential takes one set bit in any case
    return PricedOperation(
        energy_pj=addition.energy_pj * at_once,
        area_um2=addition.area_um2 * at_once,
        source=f"{what}; {addition.source}",
    )


def count_flip_flops(unit: BitSerialUnit) -> int:
    """Count register bits: each lane's input bits and weight, and an accumulator for the lanes added together."""
    lane = count_lane_slots(unit) + unit.pe_bits if is_serial(unit) else 2 * unit.pe_bits
    lanes = count_lanes(unit)
    return lanes * lane + lanes // unit.lanes * ACCUMULATOR_BITS[unit.precision]
