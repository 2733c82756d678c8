"""Operations put together of those of a technology: a MAC, and the operations of the vector unit."""

import pytest
from strategies.prices import CMOS45

from accelsim.energy.operations import price_mac, price_vector_operation


@pytest.mark.parametrize(
    ("precision", "pj"),
    [  # Horowitz ISSCC 2014, Fig. 1.1.9: products and sums of its entries
        ("int8", 0.2 + 0.1),
        ("int4", 0.2 / 4 + 0.1),
        ("int2", 0.2 / 16 + 0.1),
        ("int16", 0.2 * 4 + 0.1 * 2),
        ("fp16", 1.1 + 0.9),
        ("bf16", 0.77429 + 0.9),
        ("fp32", 3.7 + 0.9),
    ],
)
def test_a_mac_is_a_product_and_a_sum_in_its_accumulator(precision, pj):
    assert price_mac(CMOS45, precision).energy_pj == pytest.approx(pj, rel=1e-5)


def test_a_mac_names_both_sources_once():
    assert price_mac(CMOS45, "int4").source.startswith("rule: int8_mul x 4 x 4 / 64 + Horowitz")
    assert price_mac(CMOS45, "int8").source.count("Horowitz") == 1


@pytest.mark.parametrize(("precision", "add", "mul"), [("int8", 0.1, 3.1), ("int16", 0.1, 3.1), ("bf16", 0.9, 3.7)])
def test_vector_operations_are_32_bits_wide(precision, add, mul):
    def pj(kind):
        return price_vector_operation(CMOS45, kind, precision).energy_pj

    assert (pj("add"), pj("max"), pj("mul")) == (add, add, mul)
    assert pj("exp") == pytest.approx(4 * add + 4 * mul)
    assert pj("divide") == pytest.approx(2 * add + 5 * mul + 1.25)
