"""Whole networks: sums, invariants, stepped against closed, and what a change must and must not move."""

import itertools
import json
import math

import numpy as np
import pytest
from strategies.networks import read_network

import accelsim
from accelsim.engines.products import ProductError
from accelsim.engines.table import build_engine
from accelsim.memory.timeline import count_busy
from accelsim.simulation.network import count_gemm
from accelsim.simulation.result import InvariantError, check_layer
from accelsim.workload.network import set_width

SMALL = """
name: small
input: {channels: 3, height: 9, width: 8}
layers:
  - {name: conv, type: conv2d, out_channels: 10, kernel: 3, stride: 2, padding: 1, batch_norm: true, activation: relu6}
  - {name: dw, type: conv2d, out_channels: 10, kernel: [3, 3], padding: same, groups: 10}
  - {name: grouped, type: conv2d, out_channels: 6, kernel: 1, groups: 2}
  - {name: wide, type: conv2d, out_channels: 10, kernel: 1, input: dw}
  - {name: sum, type: add, input: [wide, conv], activation: hard_swish}
  - {name: pool, type: max_pool, kernel: 2}
  - {name: flat, type: reshape, to: flatten}
  - {name: fc, type: linear, out_features: 7}
  - {name: scores, type: matmul, m: 5, k: 4, n: 6, repeat: 3}
  - {name: prob, type: softmax, groups: 3}
"""


def small(**changes):
    text = SMALL
    for old, new in changes.items():
        text = text.replace(old, new)
    return read_network(text)


def machine(*settings, name="edge_npu"):
    return accelsim.load_hardware(name, [*settings])


@pytest.fixture(scope="module")
def mobilenet():
    return accelsim.simulate(machine(), accelsim.load_workload("mobilenet_v2"))


def test_summary_is_the_sum_of_the_layers(mobilenet):
    layers, summary = mobilenet.layers, mobilenet.summary
    for column in ("total_cycles", "macs", "dram_read_bytes", "dram_write_bytes", "stall_cycles", "compute_cycles"):
        assert layers[column].sum() == summary[column]
    assert summary["macs"] == 300_774_272
    assert summary["energy_uj"] == pytest.approx(layers["energy_pj"].sum() * 1e-6, rel=1e-12)
    assert math.fsum(summary["energy_pj_by_component"].values()) == pytest.approx(summary["energy_uj"] * 1e6, rel=1e-12)


def test_average_power_times_time_is_energy(mobilenet):
    s = mobilenet.summary
    assert s["average_power_mw"] * s["latency_ms"] == pytest.approx(s["energy_uj"], rel=1e-12)
    assert s["latency_ms"] == pytest.approx(s["total_cycles"] / 500e3, rel=1e-12)
    assert s["tops"] == pytest.approx(2 * s["macs"] / (s["latency_ms"] * 1e-3) * 1e-12, rel=1e-12)


def test_layers_give_what_gemm_gives(mobilenet):
    products = mobilenet.layers[mobilenet.layers["m"] > 0]
    for row in products.head(12).itertuples():
        alone = count_gemm(machine(), row.m, row.k, row.n)["cycles"]
        # groups of an overlapped array follow one another without a gap: at most each by itself
        assert row.compute_cycles <= alone * row.groups
        if row.groups == 1:
            assert row.compute_cycles == alone


def test_depthwise_layers_use_the_column_that_they_have(mobilenet):
    depthwise = mobilenet.layers[mobilenet.layers["kind"] == "depthwise"]
    assert len(depthwise) == 17
    assert (depthwise["compute_utilization"] <= 9 / 32 / 32).all()
    assert depthwise["total_cycles"].sum() > 0.5 * mobilenet.summary["total_cycles"]


def test_timeline_ends_with_the_network_and_agrees_with_the_layers(mobilenet):
    timeline = mobilenet.timeline
    assert max(int(unit[-1, 1]) for unit in timeline) == mobilenet.summary["total_cycles"]
    assert count_busy(timeline.dram) == mobilenet.layers["dram_busy_cycles"].sum()
    for unit in timeline:
        assert (unit[:, 1] > unit[:, 0]).all()
        assert (unit[1:, 0] >= unit[:-1, 1]).all()


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize("overlap", ["true", "false"])
@pytest.mark.parametrize("precision", ["int4", "int16", "fp32"])
def test_stepped_equals_closed(dataflow, overlap, precision):
    hardware = machine(
        "engine.rows=4",
        "engine.cols=3",
        f"engine.dataflow={dataflow}",
        f"engine.overlap_folds={overlap}",
        f"engine.precision={precision}",
    )
    stepped, closed = (accelsim.simulate(hardware, small(), fidelity) for fidelity in ("stepped", "closed"))
    assert stepped.summary.pop("verified") is True
    assert stepped.summary == closed.summary
    assert stepped.rows == closed.rows


def test_a_wrong_product_is_noticed(monkeypatch):
    from accelsim.engines.systolic import SystolicEngine

    right = SystolicEngine.step

    def wrong(self, gemm, a, w):
        out, counts = right(self, gemm, a, w)
        out = out.copy()
        out.flat[-1] += 1
        return out, counts

    monkeypatch.setattr(SystolicEngine, "step", wrong)
    with pytest.raises(ProductError, match="the stepped product is wrong"):
        accelsim.simulate(machine("engine.rows=4", "engine.cols=4"), small(), "stepped")


def test_a_broken_invariant_is_noticed(mobilenet):
    from dataclasses import replace

    row = mobilenet.rows[0]
    engine_busy = row.compute_cycles + row.tiling_cycles
    check_layer(row, engine_busy, 1024)
    with pytest.raises(InvariantError, match="engine busy"):
        check_layer(row, engine_busy + 1, 1024)
    wrong = {"macs": row.macs + 1, "stall_cycles": -1, "energy_pj": row.energy_pj * 1.01, "utilization": 1.5}
    for broken in ({name: value} for name, value in wrong.items()):
        with pytest.raises(InvariantError, match=row.layer):
            check_layer(replace(row, **broken), engine_busy, 1024)


def test_batch_multiplies_work():
    one, four = small(), read_network(SMALL.replace("layers:", "batch: 4\nlayers:"))
    first, batched = (accelsim.simulate(machine(), w).summary for w in (one, four))
    assert batched["macs"] == 4 * first["macs"]
    assert first["total_cycles"] < batched["total_cycles"] <= 4 * first["total_cycles"]
    assert batched["params"] == first["params"]


def test_wider_operands_move_more_and_cost_more_but_take_no_more_array_cycles():
    results = []
    for precision, bits in (("int8", 8), ("int16", 16), ("fp32", 32)):
        hardware = machine(f"engine.precision={precision}", "vector.operations_per_cycle.mul=1")
        results.append(accelsim.simulate(hardware, set_width(small(), bits)))
    for narrow, wide in itertools.pairwise(results):
        assert wide.summary["energy_pj_by_component"]["mac"] > narrow.summary["energy_pj_by_component"]["mac"]
        assert wide.summary["dram_read_bytes"] > narrow.summary["dram_read_bytes"]
        pairs = zip(narrow.rows, wide.rows, strict=True)
        assert all(a.compute_cycles == b.compute_cycles for a, b in pairs if a.macs)
    macs = [r.summary["energy_pj_by_component"]["mac"] for r in results]
    assert macs[2] / macs[0] == pytest.approx(4.6 / 0.3)  # Horowitz, ISSCC 2014, Fig. 1.1.9: products and sums at 45 nm


def test_operands_wider_than_the_pes_are_refused():
    told = r"layer 'conv': 16-bit operands do not fit the engine's 8 bits \(int8\)"
    with pytest.raises(accelsim.UserError, match=told):
        accelsim.simulate(machine(), set_width(small(), 16))


def test_more_bandwidth_is_never_slower():
    cycles = []
    for bandwidth in (0.1, 0.5, 2, 8, 32, 128):
        hardware = machine(f"dram.bandwidth_gb_s={bandwidth}", "dram.latency_ns=0")
        cycles.append(accelsim.simulate(hardware, accelsim.load_workload("resnet8")).summary["total_cycles"])
    assert cycles == sorted(cycles, reverse=True)


def test_digest_follows_every_value():
    digests = {
        accelsim.simulate(hw, small()).summary["config_sha256"]
        for hw in (
            machine(),
            machine("dram.latency_ns=99"),
            machine("engine.cols=31"),
            machine("technology.temperature_k=331"),
        )
    }
    assert len(digests) == 4


def test_results_are_plain_data(mobilenet):
    assert json.loads(json.dumps(mobilenet.summary)) == mobilenet.summary
    assert set(mobilenet.layers["bound"]) <= {"compute", "memory", "vector", "latency", "none"}
    assert not np.isnan(mobilenet.layers["energy_pj"]).any()
    intensity = mobilenet.layers.set_index("layer")["arithmetic_intensity"]
    assert math.isnan(intensity["block3_add"])
    assert intensity["conv1"] == pytest.approx(10838016 / (mobilenet.layers["dram_read_bytes"][0] + 401408))


@pytest.mark.parametrize("name", ["edge_npu", "mcu_npu", "tpu_v1", "eyeriss_os", "textbook_os_32", "scalesim_default"])
@pytest.mark.parametrize("network", ["ds_cnn_kws", "squeezenet_1_1"])
def test_every_shipped_hardware_runs(name, network):
    hardware, workload = machine(name=name), accelsim.load_workload(network)
    result = accelsim.simulate(hardware, set_width(workload, 8))
    assert result.summary["macs"] == workload.macs
    assert result.summary["total_cycles"] * build_engine(hardware.engine).pes >= workload.macs
