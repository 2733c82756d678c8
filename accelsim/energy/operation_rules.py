"""Energy and area of operations that a technology does not list, by rule from those that it lists."""

from __future__ import annotations

from accelsim.energy.technology import PricedOperation, Technology

SIGNIFICAND_BITS = {"bf16": 8, "fp16": 11, "fp32": 24}  #: the leading one included


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
