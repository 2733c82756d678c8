"""What a PE and a lane of the vector unit do in a cycle: operations of the technology, put together by rules."""

from __future__ import annotations

from accelsim.energy.operation_rules import float_multiply, integer_add, integer_multiply
from accelsim.energy.technology import PricedOperation, Technology
from accelsim.hardware import ACCUMULATOR_BITS, BITS
from accelsim.hardware.sparsity import Pattern


def selection_operation(technology: Technology, pattern: Pattern | None, bits: int) -> PricedOperation | None:
    """An m:1 multiplexer that picks the activation of a sparse weight: m - 1 two-input ones a bit; None if dense."""
    if pattern is None or pattern.group == 1:
        return None
    each, inputs = technology.operations["mux2_bit"], pattern.group - 1
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
