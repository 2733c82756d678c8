"""The ideal memory: whole cycles of latency and transfers."""

import numpy as np
import pytest

import accelsim
from accelsim.memory.ideal_dram import count_read_latency, count_transfer_cycles


@pytest.mark.parametrize(("ns", "mhz", "cycles"), [(100, 500, 50), (0, 500, 0), (1, 500, 1), (128, 200, 26)])
def test_latency_in_cycles_is_rounded_up(ns, mhz, cycles):
    hardware = accelsim.load_hardware("edge_npu", [f"dram.latency_ns={ns}", f"clock_mhz={mhz}"])
    assert count_read_latency(hardware) == cycles


def test_transfers_take_whole_cycles():
    hardware = accelsim.load_hardware("edge_npu", ["dram.bandwidth_gb_s=12.8", "clock_mhz=500"])  # 25.6 bytes a cycle
    assert count_transfer_cycles(np.array([0, 1, 25, 26, 256]), hardware).tolist() == [0, 1, 1, 2, 10]
