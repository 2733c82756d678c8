"""What stays on chip between layers, and what comes ahead."""

import numpy as np
import pytest
from strategies.networks import network

import accelsim
from accelsim.compress.runlength import estimate_coded_share
from accelsim.workload.network import trace_tensors


def edge(*settings):
    return accelsim.load_hardware("edge_npu", [f"schedule.{setting}=true" for setting in settings])


def moved(result):
    return result.summary["dram_read_bytes"] + result.summary["dram_write_bytes"]


CHAIN = [
    "name: a, type: conv2d, out_channels: 16, kernel: 3, padding: 1",
    "name: b, type: conv2d, out_channels: 16, kernel: 3, padding: 1",
    "name: c, type: conv2d, out_channels: 16, kernel: 1",
    "name: d, type: add, input: [a, c]",
]


IMAGE = "{channels: 16, height: 20, width: 20}"


TENSOR = 16 * 20 * 20


def test_a_result_stays_for_its_reader_and_leaves_only_for_others():
    net = network(*CHAIN, input=IMAGE)
    plain, fused = (accelsim.simulate(edge(*what), net) for what in ((), ("fuse",)))
    assert [row.on_chip for row in fused.rows] == ["", "ifmap ofmap", "ifmap ofmap", "ifmap"]
    # a goes to b on chip and to d through memory; b to c and c to d on chip; d is the network's result
    assert plain.summary["dram_write_bytes"] - fused.summary["dram_write_bytes"] == 2 * TENSOR
    weights = [16 * 16 * 9 + 16 * 4, 16 * 16 + 16 * 4]
    assert [row.dram_read_bytes for row in fused.rows[1:]] == [*weights, TENSOR]
    assert fused.summary["total_cycles"] < plain.summary["total_cycles"]
    assert fused.summary["energy_uj"] < plain.summary["energy_uj"]
    for row in fused.rows:
        assert row.dram_read_bytes >= row.compulsory_read_bytes
        assert row.dram_write_bytes >= row.compulsory_write_bytes


def test_what_does_not_fit_leaves():
    net = network(*CHAIN[:2], input="{channels: 16, height: 200, width: 200}")
    plain, fused = (accelsim.simulate(edge(*what), net) for what in ((), ("fuse",)))
    assert plain.rows == fused.rows


LARGE = ("mobilenet_v2", "resnet18", "shufflenet_v2_1x", "bert_base_s128")


@pytest.mark.parametrize("name", ["squeezenet_1_1", *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_fusion_never_moves_more_nor_takes_longer(name):
    net = accelsim.load_workload(name)
    plain, fused = (accelsim.simulate(edge(*what), net, dram="ideal") for what in ((), ("fuse",)))
    assert moved(fused) < moved(plain)
    assert fused.summary["total_cycles"] < 1.001 * plain.summary["total_cycles"]


def test_a_shared_buffer_holds_everything_together():
    small = ["sram={shared: {capacity_kib: 40}}", "schedule.fuse=true"]
    net = network(*CHAIN, input=IMAGE)
    rows = accelsim.simulate(accelsim.load_hardware("edge_npu", small), net).rows
    assert rows[1].on_chip == "ifmap ofmap"
    tiny = ["sram={shared: {capacity_kib: 12}}", "schedule.fuse=true"]
    rows = accelsim.simulate(accelsim.load_hardware("edge_npu", tiny), net).rows
    assert not any("ifmap" in row.on_chip and "ofmap" in row.on_chip for row in rows)


def test_weights_stay_if_all_fit():
    net = accelsim.load_workload("resnet8")
    plain, kept = (accelsim.simulate(edge(*what), net) for what in ((), ("keep_weights",)))
    stored = sum(row.n * row.k * row.groups + 4 * row.n * row.groups for row in plain.rows)
    assert plain.summary["dram_read_bytes"] - kept.summary["dram_read_bytes"] == stored
    assert all("weight" in row.on_chip for row in kept.rows if row.macs)
    large = accelsim.load_workload("mobilenet_v2")
    assert accelsim.simulate(edge("keep_weights"), large).rows == accelsim.simulate(edge(), large).rows


def test_prefetched_weights_come_while_the_layer_before_ran():
    net = accelsim.load_workload("mobilenet_v2")
    plain, ahead = (accelsim.simulate(edge(*what), net, dram="ideal") for what in ((), ("prefetch_weights",)))
    assert moved(plain) == moved(ahead)
    came = [(index, row) for index, row in enumerate(ahead.rows) if row.prefetched_bytes]
    assert came
    for index, row in came:
        before = ahead.rows[index - 1]
        cycles = row.prefetched_bytes * 500 / 12800
        assert before.total_cycles - before.dram_busy_cycles >= cycles
        assert row.total_cycles <= plain.rows[index].total_cycles
    assert ahead.summary["total_cycles"] < plain.summary["total_cycles"]


def test_coded_activations_move_their_share():
    settings = ["schedule.compress_activations=true"]
    hardware = accelsim.load_hardware("edge_npu", settings)
    layers = [f"{layer}, activation_zeros: 0.8" for layer in CHAIN[:2]]
    plain, coded = (
        accelsim.simulate(hw, network(*layers, input=IMAGE)) for hw in (accelsim.load_hardware("edge_npu"), hardware)
    )
    share = estimate_coded_share(0.8, 8)
    assert coded.rows[0].dram_read_bytes == plain.rows[0].dram_read_bytes  # the image comes as it is
    assert coded.rows[0].dram_write_bytes == -(-TENSOR * share // 1)
    weights = 16 * 16 * 9 + 16 * 4
    read = plain.rows[1].dram_read_bytes - weights  # halos of tiles are read again
    assert coded.rows[1].dram_read_bytes == -(-read * share // 1) + weights
    assert coded.rows[1].dram_write_bytes == TENSOR  # nobody says how many zeros the result has


def test_pooling_and_functions_are_done_as_results_appear():
    layers = [
        "name: a, type: conv2d, out_channels: 64, kernel: 3, padding: 1",
        "name: f, type: activation, function: relu",
        "name: p, type: max_pool, kernel: 2",
    ]
    net = network(*layers, input="{channels: 16, height: 160, width: 160}")
    plain, fused = (accelsim.simulate(edge(*what), net) for what in ((), ("fuse",)))
    assert [row.total_cycles > 0 for row in fused.rows] == [True, False, False]
    assert fused.rows[1].reason == "done with the layer before, as its results appear"
    assert fused.rows[0].dram_write_bytes == 64 * 80 * 80 == plain.rows[2].dram_write_bytes
    for part in ("vector", "mac"):  # the same work, elsewhere
        name = f"energy_pj_{part}"
        assert fused.layers[name].sum() == pytest.approx(plain.layers[name].sum())
    assert fused.summary["total_cycles"] < plain.summary["total_cycles"]


@pytest.mark.needs_jit
def test_two_convolutions_take_turns_with_bands_of_what_fits_no_buffer():
    layers = [
        "name: dw, type: conv2d, out_channels: 32, kernel: 3, stride: 2, padding: 1, groups: 32",
        "name: pw, type: conv2d, out_channels: 16, kernel: 1",
    ]
    net = network(*layers, input="{channels: 32, height: 250, width: 250}")
    plain, fused = (accelsim.simulate(edge(*what), net) for what in ((), ("fuse",)))
    between = 125 * 125 * 32
    assert between > 256 * 1024
    dw, pw = fused.rows
    assert (dw.on_chip, pw.on_chip) == ("ofmap in 2 bands", "ifmap in 2 bands")
    assert dw.dram_write_bytes == 0
    assert pw.dram_read_bytes == 32 * 16 + 16 * 4  # weights, once
    assert pw.dram_write_bytes == 125 * 125 * 16
    assert dw.macs == plain.rows[0].macs
    assert dw.compute_cycles == plain.rows[0].compute_cycles
    assert moved(plain) - moved(fused) > 1.9 * between
    assert fused.summary["total_cycles"] < plain.summary["total_cycles"]
    stepped = accelsim.simulate(edge("fuse"), net, "stepped")
    assert stepped.rows == fused.rows


def test_products_are_counted_once_however_often_a_layer_is_tried(tmp_path):
    network = accelsim.load_workload("resnet8")
    for hardware in ("stripes", "edge_sparse_npu"):
        plain, fused = (
            accelsim.simulate(accelsim.load_hardware(hardware, settings), network, dram="ideal")
            for settings in ([], ["schedule.fuse=true"])
        )
        assert any(row.on_chip for row in fused.rows)
        for slots in ("bit_slots", "mac_slots"):
            assert fused.summary.get(slots) == plain.summary.get(slots)
    np.save(tmp_path / "stack1_conv1.weight.npy", np.arange(1, 2305, dtype=np.int16).reshape(16, 16, 3, 3) % 100)
    settings = ["engine.pattern=2:4"]
    notes = [
        accelsim.simulate(
            accelsim.load_hardware("edge_sparse_npu", [*settings, *more]), network, tensors=tmp_path, prune=True
        ).summary["notes"]
        for more in ([], ["schedule.fuse=true"])
    ]
    assert "weights read of stack1_conv1" in notes[0]
    assert notes[0] == notes[1]


def test_views_pass_on_what_is_on_chip():
    layers = [*CHAIN[:1], "name: flat, type: reshape, to: flatten", "name: f, type: linear, out_features: 10"]
    net = network(*layers, input=IMAGE)
    assert trace_tensors(net)[1][2] == {0}
    assert [row.on_chip for row in accelsim.simulate(edge("fuse"), net).rows] == ["ofmap", "", "ifmap"]
