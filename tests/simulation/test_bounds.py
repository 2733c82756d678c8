"""What bounds a layer."""

import pytest
from strategies.networks import network

import accelsim


@pytest.mark.parametrize(
    ("settings", "layer", "bound"),
    [
        (["dram.bandwidth_gb_s=1000"], "type: matmul, m: 4096, k: 256, n: 64", "compute"),
        (["dram.bandwidth_gb_s=0.1"], "type: linear, out_features: 4000", "memory"),
        (["dram.bandwidth_gb_s=1000", "vector.lanes=1"], "type: activation, function: hard_swish", "vector"),
        (["dram.latency_ns=200000"], "type: linear, out_features: 8", "latency"),
    ],
)
def test_what_bounds_a_layer(settings, layer, bound):
    hardware = accelsim.load_hardware("edge_npu", settings)
    net = network(f"name: x, {layer}", input="{features: 20000}")
    row = accelsim.simulate(hardware, net).rows[0]
    assert row.bound == bound
    assert row.reason
