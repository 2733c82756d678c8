"""What memories move for one layer, counted by hand."""

import dataclasses

import numpy as np
from strategies.networks import network

import accelsim
from accelsim.engines.counts import ActionCounts
from accelsim.hardware.sparsity import parse_pattern
from accelsim.mapping.mapping import Context
from accelsim.memory.stream import TileStream
from accelsim.simulation.activity import (
    count_edge_bytes,
    count_gemm_activity,
    count_vector_activity,
    count_vector_bytes,
)
from accelsim.workload.gemm import Gemm


def test_bits_of_a_product():
    gemm = Gemm(5, 8, 3, activation_bits=4, weight_bits=2, output_bits=16)
    counts = ActionCounts(cycles=9, macs=120, activation_reads=80, weight_reads=24, psum_reads=15, psum_writes=30)
    moved = TileStream(np.array([[20, 6, 60]]), np.array([90]), *[None] * 3)  # spilled sums come and go
    activity = count_gemm_activity(gemm, counts, moved, {"mul": 15}, "int8")
    assert dataclasses.asdict(activity) == {
        "cycles": 0,
        "macs": 0,
        "bit_steps": 0,
        "selections": 0,
        "register_steps": 0,
        "ifmap_read_bits": 80 * 4,
        "ifmap_write_bits": 20 * 8,
        "weight_read_bits": 24 * 2,
        "weight_write_bits": 6 * 8,
        "ofmap_read_bits": 15 * 32 + 90 * 8,
        "ofmap_write_bits": 15 * 32 + 15 * 16 + 60 * 8,  # 15 partial sums, 15 results, 60 bytes fetched back
        "dram_read_bytes": 86,
        "dram_write_bytes": 90,
        "vector_operations": {"mul": 15},
    }
    sparse = dataclasses.replace(gemm, pattern=parse_pattern("2:4"))  # 2-bit weights with 2-bit indices
    assert count_gemm_activity(sparse, counts, moved, {}, "int8").weight_read_bits == 24 * 4


def test_bits_of_an_element_wise_layer():
    activity = count_vector_activity((10, 4, 6), (10, 4, 6), 77, {"add": 6})
    assert (activity.ifmap_read_bits, activity.ifmap_write_bits) == (80, 80)
    assert (activity.weight_read_bits, activity.weight_write_bits) == (32, 32)
    assert (activity.ofmap_read_bits, activity.ofmap_write_bits) == (48, 48)
    assert (activity.dram_read_bytes, activity.dram_write_bytes, activity.cycles) == (14, 6, 77)
    inside = count_vector_activity(
        (10, 4, 6), count_edge_bytes(Context(there_bytes=7, stored=False), (10, 4, 6)), 77, {}
    )
    assert (inside.ifmap_read_bits, inside.ifmap_write_bits) == (80, 24)
    assert (inside.ofmap_read_bits, inside.ofmap_write_bits) == (0, 48)
    assert (inside.dram_read_bytes, inside.dram_write_bytes) == (7, 0)


def test_bytes_of_element_wise_layers():
    ids = "name: ids, type: embedding, rows: 50, features: 6"
    net = network(ids, "name: norm, type: layer_norm", input="{tokens: 3, features: 1}")
    bits = dataclasses.make_dataclass("B", ["activation", "weight", "output"])(8, 4, 16)
    assert count_vector_bytes(net.nodes[0], bits, batch=2) == (
        2 * 3 * 4,
        2 * 18 // 2,
        2 * 18 * 2,
    )  # ids are 32 bits wide
    assert count_vector_bytes(net.nodes[1], bits, batch=2) == (2 * 18, 12 // 2, 2 * 18 * 2)


def test_a_whole_layer_by_hand():
    """4 x 4 ws array, M = 1, K = 8, N = 4: two folds of load 4 + (1 + 4 + 4 - 2), all in one or two tiles."""
    hardware = accelsim.load_hardware(
        "textbook_os_32",
        [
            "engine={kind: systolic, rows: 4, cols: 4, dataflow: ws}",
            "dram.latency_ns=200",
            "clock_mhz=500",
            "dram.bandwidth_gb_s=2",
            "vector={lanes: 4, latency_cycles: 3}",
        ],
    )
    row = accelsim.simulate(
        hardware, network("name: fc, type: linear, out_features: 4, bias: false", input="{features: 8}")
    ).rows[0]
    assert row.compute_cycles == 2 * (4 + 7)
    assert (row.dram_read_bytes, row.dram_write_bytes) == (8 + 32, 4)
    # 100 cycles of latency, 40 bytes at 4 a cycle, the engine, 4 outputs on 4 lanes after 3 cycles, 4 bytes out
    assert row.total_cycles <= 100 + 10 + 22 + (1 + 3) + 1
    assert row.total_cycles >= 100 + 4 + 22 + (1 + 3) + 1  # two tiles may overlap
