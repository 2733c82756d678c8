"""Claims about accelerators, and their fine print."""

import json

import pytest
from strategies.comparisons import MACHINES
from strategies.messages import printed
from strategies.sizes import UNJITTED

from accelsim.report.compare import claims_report
from accelsim.studies import claims


def test_a_standard_network_in_place_of_a_separable_one():
    """Howard et al. 2017, arXiv:1704.04861, Table 4, Conv MobileNet: 4866 million mult-adds, 29.3 million weights."""
    workload = claims.replace_depthwise("mobilenet_v1")
    assert workload.macs == pytest.approx(4866e6, rel=5e-4)
    assert round(workload.params / 1e6, 1) == 29.3
    assert not any(getattr(node.layer, "groups", 1) > 1 for node in workload.nodes)


@pytest.mark.slow
@pytest.mark.skipif(UNJITTED, reason="whole networks")
def test_claims_and_their_fine_print():
    made = [claim() for claim in claims.CLAIMS]
    figures = {claim.name: claim.figures for claim in made}
    energy = figures["int8_energy"]
    assert energy["multiplication_ratio"] == pytest.approx(18.5)
    assert energy["multiplication_ratio"] > energy["mac_ratio"] > energy["total_ratio"] > energy["dram_ratio"] > 4
    assert figures["stripes"]["convolution_speedup"] == 2 > figures["stripes"]["speedup"]
    assert figures["two_of_four"]["speedup"] < figures["two_of_four"]["convolution_speedup"] < 2
    assert 0.625 < figures["two_of_four"]["stored_share"] < 0.63  # 4 of 8 bits and 2 x 2 of index, start values besides
    for name in MACHINES:
        assert figures["unstructured"][f"{name}_speedup"] == figures["unstructured"][f"{name}_energy_ratio"] == 1
        assert figures["unstructured"][f"{name}_energy_ratio_gated"] > 1.02
    separable = figures["separable"]
    assert separable["mac_ratio"] > 8
    assert separable["cycle_ratio"] < separable["mac_ratio"] / 3
    assert separable["depthwise_mac_share"] < 0.05 < 0.5 < separable["depthwise_cycle_share"]
    for width in (80, 100):
        report = claims_report([(claim.title, claim.text, claim.records) for claim in made])
        assert max(map(len, printed(report, width))) <= width
    json.dumps([claim.as_json() for claim in made], allow_nan=False)
