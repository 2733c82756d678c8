"""The memory behind a network: schedule and DRAM together, against the DRAM fed with what the schedule asked."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.sizes import examples

import accelsim
from accelsim.config import UserError
from accelsim.hardware import with_fidelity
from accelsim.kernels import dram_cycle, dram_transaction
from accelsim.kernels.dram_state import new_channels
from accelsim.kernels.schedule import Banks, Memory, Steps, play
from accelsim.load import load_device
from accelsim.memory.banked_dram import make_rules
from accelsim.simulation.totals import MachineTotals

WEIGHT, OFMAP, STORE = 1, 2, 3


QUEUE = (0, 1, STORE, OFMAP)  # order of a step's transfers


DEVICES = ("ddr4_2400_8gb_x8", "lpddr5_6400", "hbm2_8gb_x128")


@st.composite
def streams(draw):
    steps = draw(st.integers(1, 7))

    def numbers(most):
        return np.array(draw(st.lists(st.integers(0, most), min_size=steps, max_size=steps)), np.int64)

    sizes = np.stack([numbers(3000), numbers(5000), numbers(700), numbers(2000)], axis=1)
    addresses = np.stack([numbers(1 << 20), numbers(1 << 20), numbers(1 << 14)], axis=1)
    fresh = np.array([draw(st.lists(st.booleans(), min_size=3, max_size=3)) for _ in range(steps)])
    fresh[0] = True
    halves = np.array(draw(st.tuples(*[st.integers(1, 2)] * 3)))
    return Steps(sizes, addresses, fresh, numbers(400), numbers(60), halves)


def requests_of(stream, state, done, device, ratio):
    """Block, kind and arrival of every request, in the order of the DMA queue, from the schedule as it ended."""

    def blocks(step, place):
        address, size = stream.addresses[step, min(place, OFMAP)], stream.sizes[step, place]
        return range(address // device.request_bytes, (address + size - 1) // device.request_bytes + 1)

    steps = len(stream.compute_cycles)
    content = stream.fresh.cumsum(axis=0)
    found = []
    behind = stream.halves[OFMAP]
    for i in range(steps + behind):
        for place in QUEUE:
            step = i - behind if place == STORE else i
            if not 0 <= step < steps or stream.sizes[step, place] == 0:
                continue
            if place == STORE:
                at = state.vector[step, 1]
            else:  # the half is free when the content before the last one, or the last one, is done with
                earlier = content[step, place] - stream.halves[place]
                before = [s for s in range(step) if content[s, place] == earlier]
                at = state.compute[before[-1], 1] if before else 0
                if before and place == OFMAP:
                    at = state.vector[before[-1], 1]
                    if stream.sizes[before[-1], STORE]:  # a store's data are out when its last request is accepted
                        last = state.first[before[-1], STORE] + len(blocks(before[-1], STORE)) - 1
                        at = max(at, -(-int(done[last]) * ratio[1] // ratio[0]))
            arrival = -(-int(at) * ratio[0] // ratio[1])
            found += [(block, place == STORE, arrival) for block in blocks(step, place)]
    block, write, arrival = (np.array(column) for column in zip(*found, strict=True))
    return block.astype(np.int64), write.astype(np.uint8), np.maximum.accumulate(arrival.astype(np.int64))


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("kernel", [dram_cycle, dram_transaction], ids=["cycle", "transaction"])
@examples(25, unjitted=2)
@given(stream=streams(), ratio=st.sampled_from([(1, 1), (8, 5), (6, 5), (1, 3), (7, 2)]))
def test_schedule_and_memory_agree_on_when_requests_come(kernel, name, stream, ratio):
    device = load_device(name, ["controller.idle_drain=2"])
    rules = make_rules(device)
    if not stream.sizes.any():
        return

    def banks():
        return Banks(rules, new_channels(rules), np.zeros(3, np.int64), np.zeros(4096, np.int64), 4096)

    mine = banks()
    chosen = (mine, None) if kernel is dram_cycle else (None, mine)
    state, end = play(stream, Memory(0, device.request_bytes, *ratio, *chosen, None))
    block, write, arrival = requests_of(stream, state, mine.done, device, ratio)
    other = banks()
    done = np.zeros(len(block), np.int64)
    if kernel is dram_cycle:
        records = np.zeros((0, dram_cycle.RECORD), np.int64)
        why, taken, _ = dram_cycle.run(
            rules, other.channels, other.clock, arrival, block, write, 0, True, records, done
        )
        assert mine.done[: len(block)].tolist() == done.tolist()
    else:
        why, taken = dram_transaction.run(rules, other.channels, other.clock, arrival, block, write, 0, True, done[:0])
    assert (why, taken) == (kernel.ENDED, len(block))
    assert mine.channels["commands"].tolist() == other.channels["commands"].tolist()
    assert mine.channels["latency"].tolist() == other.channels["latency"].tolist()
    assert mine.clock[0] == other.clock[0]
    assert end == -(-int(other.clock[0]) * ratio[1] // ratio[0])


@examples(50, unjitted=5)
@given(stream=streams())
def test_transfers_lie_apart_and_steps_wait_for_them(stream):
    device = load_device("lpddr5_6400")
    rules = make_rules(device)
    banks = Banks(rules, new_channels(rules), np.zeros(3, np.int64), np.zeros(4096, np.int64), 64)
    state, _ = play(stream, Memory(0, device.request_bytes, 8, 5, banks, None, None))
    bus = state.bus[stream.sizes > 0]
    assert (bus[:, 0] <= bus[:, 1]).all()
    busy = bus[bus[:, 1] > bus[:, 0]]
    busy = busy[np.argsort(busy[:, 0])]
    assert (busy[1:, 0] >= busy[:-1, 1]).all()
    for operand in (0, WEIGHT, OFMAP):
        loaded = stream.sizes[:, operand] > 0
        assert (state.compute[loaded, 0] >= state.bus[loaded, operand, 1]).all()


@pytest.mark.needs_jit
def test_a_run_counts_the_devices_commands_and_prices_them():
    hardware, network = accelsim.load_hardware("edge_npu"), accelsim.load_workload("resnet8")
    assert hardware.dram.effective_fidelity == "cycle"
    runs = {dram: accelsim.simulate(hardware, network, dram=dram) for dram in ("ideal", "transaction", "cycle")}
    assert accelsim.simulate(hardware, network).summary == {**runs["cycle"].summary}
    assert {dram: run.summary["dram_fidelity"] for dram, run in runs.items()} == {dram: dram for dram in runs}
    bytes_moved = {run.summary["dram_read_bytes"] + run.summary["dram_write_bytes"] for run in runs.values()}
    assert len(bytes_moved) == 1
    for row in runs["cycle"].rows:
        moved = 8 * (row.dram_read_bytes + row.dram_write_bytes)
        if moved > 8 * 4096:  # less does not fill rows
            assert 0.7 < row.energy_pj_by_component["dram"] / moved / hardware.dram.memory.stream_pj_per_bit < 2.5
    for better, worse in itertools.pairwise(runs.values()):
        assert better.summary["total_cycles"] <= 1.01 * worse.summary["total_cycles"]


@pytest.mark.needs_jit
def test_a_serial_device_behind_a_network():
    settings = ["dram={device: octospi_psram_8mib}"]
    result = accelsim.simulate(accelsim.load_hardware("mcu_npu", settings), accelsim.load_workload("ds_cnn_kws"))
    assert result.summary["dram_fidelity"] == "cycle"
    assert result.summary["stall_cycles_by_cause"]["refresh_wait"] == 0


@pytest.mark.parametrize(
    ("settings", "dram", "told"),
    [
        (["dram.device=lpddr5"], None, "no device called 'lpddr5'; did you mean 'lpddr5_6400'"),
        (["dram.device=./none.yaml"], None, "no such file"),
        (["dram.channels=3"], None, "channels: should be a power of two, at most 128, got 3"),
        (["dram={bandwidth_gb_s: 1, latency_ns: 1, channels: 2}"], None, "channels: needs a device of banks"),
        (["dram.bandwidth_gb_s=3"], "cycle", "bandwidth_gb_s: fidelity cycle takes it from the device, 12.8"),
        (["dram={bandwidth_gb_s: 1, latency_ns: 1}"], "cycle", "fidelity: cycle needs dram.device"),
        (["dram={device: octospi_flash_64mib}"], "cycle", "octospi_flash_64mib is read only"),
        (["dma.outstanding_requests=0"], None, "dma.outstanding_requests"),
        ([], "exact", "ideal"),
    ],
)
def test_mistakes_are_told(settings, dram, told):
    with pytest.raises(UserError, match=re.escape(told)):
        accelsim.simulate(accelsim.load_hardware("edge_npu", settings), accelsim.load_workload("resnet8"), dram=dram)


@pytest.mark.needs_jit
def test_another_fidelity_does_not_remember_the_first():
    hardware, network = accelsim.load_hardware("edge_npu"), accelsim.load_workload("resnet8")
    assert hardware.dram.effective_fidelity == "cycle"
    assert with_fidelity(hardware, "ideal").dram.effective_fidelity == "ideal"
    assert with_fidelity(with_fidelity(hardware, "ideal"), "transaction").dram.effective_fidelity == "transaction"
    ideal = accelsim.simulate(hardware, network, dram="ideal").summary
    assert MachineTotals().sum_up(hardware, network)["total_cycles"] == ideal["total_cycles"]


def test_what_only_an_ideal_memory_obeys_makes_it_ideal():
    for setting in ("dram.bandwidth_gb_s=3", "dram.latency_ns=300"):
        assert accelsim.load_hardware("edge_npu", [setting]).dram.effective_fidelity == "ideal"
    assert accelsim.load_hardware("edge_npu", ["dram.channels=2"]).dram.bandwidth_gb_s == pytest.approx(25.6)


@pytest.mark.needs_jit
@pytest.mark.parametrize("requests", [1, 4])
def test_few_outstanding_requests_wait_for_the_latency(requests):
    network = accelsim.load_workload("ad_autoencoder")
    few, many = (
        accelsim.simulate(accelsim.load_hardware("edge_npu", [f"dma.outstanding_requests={n}"]), network)
        for n in (requests, 2 * requests)
    )
    assert few.summary["total_cycles"] > many.summary["total_cycles"]
