"""Sparse tensor cores in whole runs: patterns by command line, hardware and network; tensors, energy, reports."""

import json

import numpy as np
import pytest
from strategies.convolutions import convolution, product_of
from strategies.networks import read_network

import accelsim
from accelsim.compress import apply_sparsity
from accelsim.config import UserError
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.engines.weight_groups import move_channels_inside, prune_weights
from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import list_names

SMALL = """
name: small
input: {channels: 3, height: 9, width: 9}
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel: 3, stride: 2, bias: false, activation: relu, weight_sparsity: 0}
  - {name: body, type: conv2d, out_channels: 6, kernel: 2, groups: 2, bias: false}
  - {name: fc, type: linear, out_features: 5}
  - {name: scores, type: matmul, m: 6, k: 8, n: 6, repeat: 2}
"""


def small():
    return read_network(SMALL)


def machine(*settings):
    return accelsim.load_hardware("edge_sparse_npu", settings)


def run(hardware, sparsity=None, workload=None, **options):
    workload = workload or small()
    if sparsity:
        hardware, workload = apply_sparsity(hardware, workload, sparsity)
    return accelsim.simulate(hardware, workload, **options)


@pytest.mark.parametrize(
    "name", [n for n in list_names(locate_hwconfigs()) if n.startswith(("edge_sparse", "sparsel"))]
)
@pytest.mark.parametrize("pattern", ["dense", "2:4", "1:4", "4:8", "1:2", "3:7"])
def test_stepped_equals_closed(name, pattern):
    closed, stepped = (
        run(accelsim.load_hardware(name), pattern, fidelity=fidelity) for fidelity in ("closed", "stepped")
    )
    assert stepped.summary["verified"]
    assert closed.rows == stepped.rows


@pytest.mark.parametrize("precision", ["int16", "fp16", "bf16"])
def test_other_precisions_step_too(precision):
    hardware = accelsim.load_hardware("a100_sm", ["engine.macs_per_cycle=64", f"engine.precision={precision}"])
    assert run(hardware, "2:4", fidelity="stepped").summary["verified"]


def test_layers_that_state_a_sparsity_and_computed_operands_stay_dense():
    rows = {row.layer: row for row in run(machine(), "2:4").rows}
    assert [rows[name].ideal_speedup for name in ("stem", "body", "fc", "scores")] == [1, 2, 2, 1]


@pytest.mark.slow
def test_2_4_halves_the_cycles_of_resnet50_but_for_what_is_said():
    resnet50 = accelsim.load_workload("resnet50")
    dense, half = (run(machine(), sparsity, resnet50) for sparsity in ("dense", "2:4"))
    slots = half.summary["mac_slots"]
    assert slots["ideal_speedup"] == 2
    before, after = (sum(row.compute_cycles for row in result.rows if row.m) for result in (dense, half))
    assert slots["speedup"] == pytest.approx(before / after)
    assert 1.9 < slots["speedup"] < 2
    parts = {name: part for name, part in slots.items() if name not in ("ideal_speedup", "speedup", "total")}
    assert sum(parts.values()) == slots["total"] == after * 1024
    assert half.summary["dram_read_bytes"] < dense.summary["dram_read_bytes"]
    assert half.summary["macs"] == dense.summary["macs"]


def test_unstructured_zeros_save_energy_only_where_gated():
    plain, thin = run(machine()), run(machine(), "0.7")
    assert [row.total_cycles for row in plain.rows] == [row.total_cycles for row in thin.rows]
    assert plain.summary["energy_uj"] == thin.summary["energy_uj"]
    assert any("zero weights change nothing here" in note for note in thin.summary["notes"])


ENGINES = {
    "systolic": ("edge_npu", []),
    "bitserial": ("stripes", []),
    "tensorcore": ("edge_sparse_npu", []),
}


@pytest.mark.parametrize("kind", ENGINES)
def test_zero_gating_spares_the_multiplications_of_every_engine(kind):
    name, settings = ENGINES[kind]
    without, gated = (
        run(accelsim.load_hardware(name, [*settings, f"engine.zero_gating={gating}"]), "0.75")
        for gating in ("false", "true")
    )
    for before, after in zip(without.rows, gated.rows, strict=True):
        assert before.total_cycles == after.total_cycles
        was, now = (row.energy_pj_by_component for row in (before, after))
        left = 1.0 if before.layer in ("stem", "scores") else 0.25  # stated dense, or no weights
        assert now["mac"] == pytest.approx(was["mac"] * left, abs=0.5)  # of whole multiplications
        assert {part: pj for part, pj in was.items() if part != "mac"} == {
            part: pj for part, pj in now.items() if part != "mac"
        }
    assert any("zero_gating spares" in note for note in gated.summary["notes"])


def test_selecting_costs_what_the_multiplexers_do():
    table = price_hardware(machine("engine.pattern=2:4"), load_technology("cmos45"))
    assert table.selection_pj == pytest.approx(0.0015 * 3 * 8)
    assert price_hardware(machine(), load_technology("cmos45")).selection_pj == 0
    row = next(row for row in run(machine(), "2:4").rows if row.layer == "fc")
    assert row.energy_pj_by_component["mac"] == pytest.approx(5 * 28 * (0.2 + 0.1 + table.selection_pj))


def test_a_network_s_own_sparsity_gives_way_to_a_pattern_and_a_layer_s_does_not():
    text = SMALL.replace("name: small", "name: small\nweight_sparsity: 0.5")
    workload = read_network(text)
    half, thin = run(machine(), "2:4", workload), run(machine("engine.zero_gating=true"), workload=workload)
    assert [row.ideal_speedup for row in half.rows] == [1, 2, 2, 1]
    assert half.summary["pattern"] == "2:4"
    assert thin.rows[2].energy_pj_by_component["mac"] == pytest.approx(5 * 54 * 0.5 * 0.3)
    more = run(machine("engine.zero_gating=true"), "0.9", workload)
    assert more.rows[2].energy_pj_by_component["mac"] == pytest.approx(5 * 54 * 0.1 * 0.3)
    with pytest.raises(UserError, match=r"zeros anywhere are not in edge_sparse_npu's engine\.pattern 2:4"):
        run(machine("engine.pattern=2:4"), "0.5")


def test_given_weights_come_alone_and_are_pruned_by_share_too(tmp_path):
    np.save(tmp_path / "fc.weight.npy", np.arange(1, 271).reshape(5, 54) % 100 + 1)
    for name in ("edge_npu", "edge_sparse_npu"):
        hardware = accelsim.load_hardware(name, ["engine.zero_gating=true"])
        result = run(hardware, "0.5", tensors=str(tmp_path), prune=True)
        assert result.rows[2].energy_pj_by_component["mac"] == pytest.approx(135 * 0.3)
        assert result.summary["notes"][-2:] == ["weights read of fc", "135 of them set to zero, the smallest"]
    with pytest.raises(UserError, match=r"fc.activation.npy: is missing beside fc.weight.npy"):
        run(machine(), fidelity="stepped", tensors=tmp_path)


def test_groups_lie_along_the_channels_of_a_kernel_position():
    gemm = product_of(convolution((1, 4, 3, 3), (3, 3)), 1, pattern=parse_pattern("2:4"))
    w = np.random.default_rng(0).permutation(36).reshape(1, 36, 1) + 1
    left = prune_weights(w, gemm).reshape(4, 3, 3)
    assert ((left != 0).sum(axis=0) == 2).all()
    assert move_channels_inside(np.arange(36), gemm, axis=0)[:5].tolist() == [0, 9, 18, 27, 1]


def tensors(folder, weight):
    np.save(folder / "fc.activation.npy", np.ones(54, np.int8))
    np.save(folder / "fc.weight.npy", weight)
    return folder


def test_given_weights_must_keep_the_pattern_or_be_pruned(tmp_path):
    weight = (np.arange(270) % 100 + 1).astype(np.int8).reshape(5, 54)
    tensors(tmp_path, weight)
    told = r"layer 'fc': .*fc.weight.npy: weights break the 2:4 pattern: filter 0 has 4 .* --sparsity 2:4 to prune"
    with pytest.raises(UserError, match=told):
        run(machine("engine.pattern=2:4"), tensors=tmp_path)
    pruned = run(machine(), "2:4", tensors=tmp_path, prune=True, fidelity="stepped")
    assert pruned.rows == run(machine(), "2:4").rows
    weight[:, 0::2] = 0
    tensors(tmp_path, weight)
    assert run(machine("engine.pattern=2:4"), tensors=tmp_path).rows == run(machine(), "2:4").rows


def test_gating_counts_the_zeros_of_given_weights(tmp_path):
    weight = np.ones((5, 54), np.int8)
    weight[0] = 0
    hardware = machine("engine.zero_gating=true")
    given = {row.layer: row for row in run(hardware, tensors=tensors(tmp_path, weight)).rows}
    full = {row.layer: row for row in run(hardware).rows}
    spent, all_of_it = (rows["fc"].energy_pj_by_component["mac"] for rows in (given, full))
    assert spent == pytest.approx(all_of_it * 4 / 5)


def test_the_command_line_says_what_the_pattern_gives(command):
    code, out, err = command("run", "resnet8", "--hw", "edge_sparse_npu", "--sparsity", "2:4")
    assert (code, err) == (0, "")
    assert "resnet8 on edge_sparse_npu (int8, 2:4 weights, batch 1)" in out
    text = " ".join(out.split())
    assert "speedup of products over dense weights on the same cores, memory and vector unit left out: 1." in text
    assert "the pattern alone would give" in text
    assert "multiplier slots: useful" in out
    assert "weights are taken as pruned to 2:4" in " ".join(out.split())


def test_gemm_gives_sparseloops_cycles(command):
    sizes = ("gemm", 1024, 1152, 128, "--hw", "sparseloop_stc", "--json", "--set")
    for pattern, cycles in (("dense", 147456), ("2:4", 73728), ("2:6", 70218), ("2:8", 66707)):
        counted = json.loads(command(*sizes, f"engine.pattern={pattern}")[1])
        assert counted["cycles"] == cycles
        assert counted["macs"] == 1024 * 1152 * 128
    turned = json.loads(command("gemm", 128, 1152, 1024, *sizes[4:], "engine.pattern=2:4")[1])
    assert turned["cycles"] == 73728


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sparsity", "4:2"], "4:2: allowed: dense, or n:m with 1 <= n <= m <= 16, such as 2:4, or a share"),
        (["--sparsity", "1.0"], "--sparsity 1.0: allowed: "),
        (["--sparsity", "-0.1"], "--sparsity -0.1: allowed: "),
        (["--sparsity", "nan"], "--sparsity nan: allowed: "),
        (["--sparsity", "half"], "--sparsity half: allowed: "),
        (["--set", "engine.pattern=3"], "engine.pattern: no sparsity pattern: '3'; allowed: dense, or n:m"),
        (["--set", "engine.pattern=2:44"], "engine.pattern: no sparsity pattern: '2:44'; allowed: dense, or n:m"),
        (["--set", "engine.macs_per_cycle=0"], "engine.macs_per_cycle"),
        (["--set", "engine.operand_bytes_per_cycle=0"], "_bytes_per_cycle: should be greater than or equal to 0.001"),
        (["--precision", "int2"], "edge_sparse_npu: precision: int2 has no macs_per_cycle; allowed: int8,"),
        (["--sparsity", "2:4", "--set", "engine.pattern=1:4"], "--sparsity 2:4: sets engine.pattern, as a --set does"),
        (["--set", "engine.macs_per_cycle.int8=0"], "engine.macs_per_cycle.int8: should be greater than 0, got 0"),
        (["--set", "engine.macs_per_cycle.in4=9"], "unknown key 'engine.macs_per_cycle.in4'; did you mean 'int4'?"),
        (["--set", "engine.tile_m=60"], "--set engine.tile_m=60: engine.tile_m: 60 is no multiple of m: 16"),
        (["--set", "engine.multiprocessors=2"], "engine.multiprocessors: 2 need charge_full_tile: true"),
        (["--set", "engine.sustained_math=0.0001"], "engine.sustained_math: should be greater than or equal to 0.01"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(command, tmp_path, arguments, told):
    out = tmp_path / "out"
    network = tmp_path / "small.yaml"
    network.write_text(SMALL)
    code, _, err = command("run", network, "--hw", "edge_sparse_npu", *arguments, "--out", out)
    assert (code, err.count("\n")) == (2, 1)
    assert told in err
    assert not out.exists()


@pytest.mark.parametrize("name", ["a100", "a100_sm", "h100", "rtx_3060", "rtx_4070_ti_super"])
def test_gpus_run_networks_dense_and_sparse(name):
    dense, half = (run(accelsim.load_hardware(name), sparsity) for sparsity in ("dense", "2:4"))
    for before, after in zip(dense.rows, half.rows, strict=True):
        assert after.compute_cycles <= before.compute_cycles
    launch = accelsim.load_hardware(name).engine.launch_cycles
    assert all(row.compute_cycles > launch for row in half.rows if row.m)
