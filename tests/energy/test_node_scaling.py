"""Other nodes by published fits: scaled energies and areas, leaner from node to node."""

from itertools import pairwise

import pytest

from accelsim.config import UserError
from accelsim.energy.node_scaling import find_node_scaling
from accelsim.energy.technology import load_technology

NODES = {"cmos65": (65, 1.1), "cmos32": (32, 0.9), "cmos16": (16, 0.8), "cmos7": (7, 0.75)}


FITS = {
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    16: (0.2958, -0.1241, 0.03024),
    7: (0.1776, -0.09097, 0.02447),
}  # Stillmaker and Baas 2017


@pytest.mark.parametrize("name", NODES)
def test_other_nodes_are_scaled_by_the_fits(name, cmos45):
    node, volts = NODES[name]
    scaled = load_technology(name)
    energies = [e2 * v * v + e1 * v + e0 for v, (e2, e1, e0) in ((0.9, FITS[45]), (volts, FITS[node]))]
    factor = energies[1] / energies[0]
    for operation, before in cmos45.operations.items():
        after = scaled.operations[operation]
        if operation.startswith("dram"):
            assert after == before
        else:
            assert after.energy_pj == pytest.approx(before.energy_pj * factor, rel=1e-9)
            assert after.area_um2 == pytest.approx(before.area_um2 * (node / 45) ** 2)
            assert "Stillmaker" in after.source
    assert scaled.flip_flop.clock_pj == pytest.approx(cmos45.flip_flop.clock_pj * factor)
    assert scaled.wire.pj_per_bit_mm == pytest.approx(cmos45.wire.pj_per_bit_mm * (volts / 0.9) ** 2)
    assert (scaled.node_nm, scaled.reference_voltage_v) == (node, volts)
    assert any("trust it within" in note for note in scaled.notes)


def test_nodes_get_leaner_and_denser():
    chain = [load_technology(name) for name in ("cmos65", "cmos45", "cmos32", "cmos16", "cmos7")]
    for larger, smaller in pairwise(chain):
        assert smaller.operations["int8_mul"].energy_pj < larger.operations["int8_mul"].energy_pj
        assert smaller.operations["int8_mul"].area_um2 < larger.operations["int8_mul"].area_um2


def test_nodes_that_are_not_there_are_told():
    with pytest.raises(UserError, match=r"no scaling called 'dennard\.csv'; allowed: technology_scaling"):
        find_node_scaling("dennard.csv", (45, 0.9), (32, 0.9))
    with pytest.raises(UserError, match="has no 28 nm; allowed: 65, 45, 32"):
        find_node_scaling("technology_scaling_stillmaker2017.csv", (45, 0.9), (28, 0.9))
