"""Memory that a network needs."""

from strategies.networks import network

import accelsim
from accelsim.mapping.memory_needed import count_memory_needed
from accelsim.workload.network import set_width


def test_memory_needed_counts_stored_widths():
    layers = "name: fc, type: linear, out_features: 10", "type: linear, out_features: 2, bias: false"
    net = network(*layers, input="{features: 8}")
    hardware = accelsim.load_hardware("edge_npu")
    needs = count_memory_needed(set_width(net, 4), hardware)
    assert needs.weight_bytes == (80 // 2 + 10 * 4) + 20 // 2  # start values take 32 bits each
    assert needs.peak_activation_bytes == (8 + 10) // 2
    assert needs.peak_activation_layer == "fc"
