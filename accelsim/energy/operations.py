"""What an engine's PE and a lane of the vector unit do in a cycle: listed operations, put together by rules."""

from __future__ import annotations

from accelsim.energy.technology import PricedOperation, Technology, float_multiply, integer_add, integer_multiply
from accelsim.hardware import ACCUMULATOR_BITS, BITS, AnyEngine, BitSerialUnit, SystolicArray


def engine_operation(technology: Technology, engine: AnyEngine) -> PricedOperation:
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
    return PricedOperation(
        energy_pj=addition.energy_pj * at_once,
        area_um2=addition.area_um2 * at_once,
        source=f"{what}; {addition.source}",
    )


def selection_operation(technology: Technology, engine: AnyEngine) -> PricedOperation | None:
    """An m:1 multiplexer that picks the activation of a sparse weight, of m - 1 two-input ones a bit; None if dense."""
    pattern = engine.sparse_pattern
    if pattern is None or pattern.group == 1:
        return None
    each, inputs, bits = technology.operations["mux2_bit"], pattern.group - 1, BITS[engine.precision]
    return PricedOperation(
        energy_pj=each.energy_pj * inputs * bits,
        area_um2=each.area_um2 * inputs * bits,
        source=f"rule: {inputs} two-input multiplexers for each of {bits} bits; {each.source}",
    )


def mac_operation(technology: Technology, precision: str) -> PricedOperation:
    """A multiplication in a precision and an addition in its accumulator's; registers are not in it."""
    if precision.startswith("int"):
        product = integer_multiply(technology, BITS[precision], BITS[precision])
        accumulation = integer_add(technology, ACCUMULATOR_BITS[precision])
    else:
        product = float_multiply(technology, precision)
        accumulation = technology.operations[f"fp{ACCUMULATOR_BITS[precision]}_add"]
    return PricedOperation(
        energy_pj=product.energy_pj + accumulation.energy_pj,
        area_um2=product.area_um2 + accumulation.area_um2,
        source=" + ".join(dict.fromkeys((product.source, accumulation.source))),
    )


def vector_operation(technology: Technology, kind: str, precision: str) -> PricedOperation:
    """One element of a vector operation; integer pipelines work on 32-bit values, floating-point ones in fp32."""
    made_of = technology.vector_operations[kind]
    addition, multiplication = lane_units(technology, precision)
    lookup = technology.operations["lookup"]
    parts = (
        (made_of.additions, addition),
        (made_of.multiplications, multiplication),
        (made_of.lookups, lookup),
    )
    return PricedOperation(
        energy_pj=sum(times * part.energy_pj for times, part in parts),
        source="; ".join(dict.fromkeys((made_of.source, *(part.source for times, part in parts if times)))),
    )


def lane_units(technology: Technology, precision: str) -> tuple[PricedOperation, PricedOperation]:
    """The adder and the multiplier of a vector lane."""
    number = "int32" if precision.startswith("int") else "fp32"
    return technology.operations[f"{number}_add"], technology.operations[f"{number}_mul"]


def register_bits(engine: AnyEngine) -> float:
    """Register bits that take another value in a step of one PE, lane or multiplier; those that hold are not clocked.

    A systolic PE passes what streams on (both operands where it holds sums) and a sum; a serial lane takes its bits,
    one with whole multipliers both operands, and shares an accumulator with the lanes that it is added to; multipliers
    of tensor cores share the operands of their m x n x k instruction, and a sum with those along k.
    """
    wide = ACCUMULATOR_BITS[engine.precision]
    if isinstance(engine, SystolicArray):
        return engine.operand_bits * (2 if engine.dataflow == "os" else 1) + wide
    if isinstance(engine, BitSerialUnit):
        taken = engine.lane_slots if engine.serial != "none" else 2 * engine.pe_bits
        return taken + wide / engine.lanes
    return engine.operand_bits * (1 / engine.m + 1 / engine.n) + wide / engine.k


def flip_flops(engine: AnyEngine) -> int:
    """Register bits of an engine, as a rule of its kind; control and pipeline registers at its edge left out.

    A systolic PE has its streamed operands, the held one twice if passes overlap, and a sum; a serial lane has the
    bits that it takes and a weight; a multiplier of tensor cores both operands. What adds up several lanes or
    multipliers has one accumulator for them.
    """
    wide = ACCUMULATOR_BITS[engine.precision]
    if isinstance(engine, SystolicArray):
        held = 1 + engine.overlap_folds
        operand = engine.operand_bits
        per_pe = 2 * operand + held * wide if engine.holds_sums else operand + held * operand + wide
        return engine.pes * per_pe
    if isinstance(engine, BitSerialUnit):
        lane = engine.lane_slots + engine.pe_bits if engine.serial != "none" else 2 * engine.pe_bits
        return engine.pes * lane + engine.pes // engine.lanes * wide
    return engine.pes * 2 * engine.operand_bits + engine.multiprocessors * engine.cores * engine.m * engine.n * wide
