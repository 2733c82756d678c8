"""The double-buffered schedule against a tick-by-tick loop, and layers that are replayed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import schedule as naive

import accelsim
from accelsim.config import UserError
from accelsim.kernels.schedule import Memory, Steps, play
from accelsim.memory.schedule import Stalls
from accelsim.memory.timeline import count_busy, merge_intervals
from accelsim.simulation.network import replay


@st.composite
def streams(draw):
    steps = draw(st.integers(1, 9))

    def cycles(most):
        return draw(st.lists(st.integers(0, most), min_size=steps, max_size=steps))

    loads = np.array([cycles(7), cycles(7), cycles(4)], dtype=np.int64).T
    flags = [draw(st.lists(st.booleans(), min_size=steps, max_size=steps)) for _ in range(3)]
    fresh = np.array(flags, dtype=bool).T.copy()
    fresh[0] = True
    halves = draw(st.tuples(*[st.integers(1, 2)] * 3))
    work = np.array(cycles(6)), fresh, np.array(cycles(9)), np.array(cycles(5))
    return loads.copy(), *work, draw(st.integers(0, 6)), halves


def cycles_of(intervals):
    return {cycle for start, end in intervals for cycle in range(start, end)}


def played(loads, stores, fresh, compute, vector, latency, halves=(2, 2, 2)):
    sizes = np.concatenate((loads, stores[:, None]), axis=1)
    steps = Steps(sizes, np.zeros((0, 3), np.int64), fresh, compute, vector, np.array(halves))
    state, _ = play(steps, Memory(latency, 1, 1, 1, None, None, None))
    return state


@given(streams())
def test_schedule_is_that_of_the_tick_by_tick_loop(stream):
    lists = (array.tolist() for array in stream[:-2])
    total, busy = naive.play(*lists, *stream[-2:])
    state = played(*stream)
    engine, lanes, bus = state.compute, state.vector, state.bus
    assert cycles_of(engine) == busy["engine"]
    assert cycles_of(lanes) == busy["vector"]
    assert cycles_of(bus.reshape(-1, 2)) == busy["bus"]
    assert max(cycles_of(engine) | cycles_of(lanes) | cycles_of(bus.reshape(-1, 2)), default=-1) + 1 == total


def test_loads_hide_behind_computation():
    steps, ones = 5, np.ones(5, np.int64)
    loads = np.array([[4, 0, 0]] * steps)
    fresh = np.array([[True, False, False]] * steps)
    fresh[0] = True
    engine = played(loads, 0 * ones, fresh, 10 * ones, 0 * ones, 0).compute
    assert engine[:, 0].tolist() == [4, 14, 24, 34, 44]


def test_a_load_waits_for_a_free_half():
    steps, ones = 4, np.ones(4, np.int64)
    loads = np.array([[1, 0, 0]] * steps)
    fresh = np.array([[True, False, False]] * steps)
    bus = played(loads, 0 * ones, fresh, 10 * ones, 0 * ones, 0).bus
    assert bus[:, 0, 0].tolist() == [0, 1, 11, 21]  # the third content replaces the first, used until 11


@pytest.mark.parametrize("dram", ["ideal", pytest.param("cycle", marks=pytest.mark.needs_jit)])
@pytest.mark.parametrize("name", ["resnet8", "ds_cnn_kws"])
def test_waits_fill_the_engines_gaps(name, dram):
    hardware, network = accelsim.load_hardware(), accelsim.load_workload(name)
    result = accelsim.simulate(hardware, network, dram=dram)
    for row in result.rows:
        played = replay(hardware, network, result, row.layer)
        if played is None:
            assert row.bound == "none"
            continue
        gaps = [played.waits_for(cause) for cause in Stalls._fields]
        worker = played.vector if played.lanes_only else played.engine
        assert merge_intervals(*gaps, worker).tolist() == [[0, row.total_cycles]]
        assert sum(map(count_busy, [*gaps, merge_intervals(worker)])) == row.total_cycles
        assert sum(played.stalls) == row.stall_cycles - row.tiling_cycles
        assert list(played.stalls) == list(map(count_busy, gaps))
        timeline = played.timeline
        for unit in (timeline.sram_ifmap, timeline.sram_weight):
            assert count_busy(merge_intervals(unit, worker)) == count_busy(unit)
        assert count_busy(merge_intervals(timeline.dma, timeline.dram)) == count_busy(timeline.dma)


@pytest.mark.slow
def test_a_layer_in_prefetch_and_fusion_is_replayed_as_it_was():
    settings = ["schedule.fuse=true", "schedule.prefetch_weights=true"]
    hardware, network = accelsim.load_hardware("edge_npu", settings), accelsim.load_workload("mobilenet_v2")
    result = accelsim.simulate(hardware, network, dram="ideal")
    assert any(row.prefetched_bytes for row in result.rows)
    for row in result.rows:
        played = replay(hardware, network, result, row.layer)
        assert (played.total_cycles if played else 0) == row.total_cycles
    with pytest.raises(UserError, match="no layer 'block1_pw' in mobilenet_v2; did you mean"):
        replay(hardware, network, result, "block1_pw")
