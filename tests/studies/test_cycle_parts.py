"""Parts of each layer's cycles: they add up on every engine, and waits are what their unit is to blame for."""

import pytest
from strategies.comparisons import MACHINES, MIXED
from strategies.networks import read_network

from accelsim import load_hardware, simulate
from accelsim.memory.timeline import Timeline
from accelsim.studies.cycle_parts import split_network_cycles, split_waits

ALL = (*MACHINES, "textbook_os_32", "dadiannao", "loom", "pragmatic", "sparseloop_stc", "a100")


@pytest.mark.parametrize("name", ALL)
def test_parts_of_each_layer_add_up_to_its_cycles(name):
    hardware = load_hardware(name)
    result = simulate(hardware, read_network(MIXED))
    for row, parts, product in zip(result.rows, split_network_cycles(result, hardware), result.products, strict=True):
        assert parts.total == row.total_cycles
        assert parts.engine == (row.compute_cycles if product else 0)
        assert min(parts.useful, parts.channels, parts.edge, parts.operands, parts.memory, parts.vector) >= 0
        if product:
            useful = row.compute_utilization * row.compute_cycles
            assert name == "pragmatic" or float(parts.useful) == pytest.approx(useful)


def test_waits_are_told_apart():
    """Two layers of 10 cycles: engine 0-4, lanes 3-7, DRAM 2-6 with as much to do; then DRAM 11-13, lanes 12-20."""
    import numpy as np

    units = {"engine": [[0, 4]], "vector": [[3, 7], [12, 20]], "dram": [[2, 6], [11, 13]]}
    nothing = np.zeros((0, 2), np.int64)
    timeline = Timeline(**{name: np.array(units.get(name, nothing), np.int64) for name in Timeline._fields})
    # first layer: 4-6 both work, memory counts; 6-7 the lanes alone; 7-10 nothing, which is latency
    # second: the lanes have more to do, so that 12-20 is theirs, and 10-12 waits for memory
    assert split_waits(timeline, [10, 10]) == [(5, 1), (2, 8)]
