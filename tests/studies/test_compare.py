"""Comparisons: gains against promises, gaps that add up, and rows that a machine does not take."""

import re
from fractions import Fraction

import pytest
from strategies.comparisons import CONVOLUTIONS, MACHINES, SPARSITIES
from strategies.networks import read_network

from accelsim import compare, load_hardware
from accelsim.config import UserError
from accelsim.report.compare import verdicts
from accelsim.studies.compare import Gap, _whole
from accelsim.studies.cycle_parts import CYCLE_PARTS


def found(comparison, hardware, precision, sparsity):
    return next(
        record
        for record in comparison.records
        if (record["hardware"], record["precision"], record["sparsity"]) == (hardware, precision, sparsity)
    )


def parts_of(record, kind):
    names = Gap._fields if kind == "gap_" else CYCLE_PARTS
    return [record[f"{kind}{name}_cycles"] for name in names]


def test_gaps_add_up_exactly_and_so_do_cycles(mixed):
    for row, record in zip(mixed.rows, mixed.records, strict=True):
        if row.measured is None:
            continue
        baseline = found(mixed, row.hardware, *row.baseline.split())
        exact = record["total_cycles"] - baseline["total_cycles"] / row.measured.ideal_speedup
        assert sum(row.measured.gap) == exact
        assert sum(parts_of(record, "gap_")) == record["gap_cycles"]
        assert record["gap_cycles"] == record["total_cycles"] - record["ideal_cycles"]
        assert abs(record["gap_cycles"] - exact) <= Fraction(1, 2)
        assert sum(parts_of(record, "")) == record["total_cycles"]
        energy = sum(value for name, value in record.items() if name.startswith("energy_uj_"))
        assert energy == pytest.approx(record["energy_uj"])


def test_a_baseline_has_no_gap(mixed):
    for hardware in MACHINES:
        first = next(r for r in mixed.records if r["hardware"] == hardware and not r["not_run"])
        assert (first["speedup"], first["ideal_speedup"], first["energy_ratio"]) == (1, 1, 1)
        assert parts_of(first, "gap_") == [0] * len(Gap._fields)


def test_whole_parts_keep_their_sum():
    parts = [Fraction(1, 3), Fraction(-7, 3), Fraction(0), Fraction(10), Fraction(1, 2)]
    whole = _whole(parts)
    assert whole[2] == 0
    assert abs(sum(whole) - sum(parts)) <= Fraction(1, 2)
    assert all(abs(a - b) <= 1 for a, b in zip(whole, parts, strict=True))


def test_half_the_bits_are_exactly_twice_as_fast_on_stripes():
    record = compare(load_hardware("stripes"), read_network(CONVOLUTIONS), ["int16", "int8"]).records[1]
    assert record["ideal_speedup"] == record["convolution_speedup"] == 2
    assert record["speedup"] < 2
    engine = ("first_layer", "channels", "edge", "operands", "uncovered", "pipeline")
    assert all(record[f"gap_{cause}_cycles"] == 0 for cause in engine)


def test_serial_in_both_operands_promises_the_product_of_the_ratios():
    record = compare(load_hardware("loom"), read_network(CONVOLUTIONS), ["int16", "int8"]).records[1]
    assert record["ideal_speedup"] == record["convolution_speedup"] == 4


def test_a_pattern_on_tensor_cores_gains_at_most_what_it_promises(mixed):
    dense, pruned = (
        compare(load_hardware("edge_sparse_npu"), read_network(CONVOLUTIONS), ["int8"], SPARSITIES).records
    )[:2]
    assert pruned["ideal_speedup"] == 2
    assert 1.7 < pruned["convolution_speedup"] <= 2
    assert pruned["gap_cycles"] > 0
    assert 0.5 < pruned["weight_bytes"] / dense["weight_bytes"] < 0.65
    partly = found(mixed, "edge_sparse_npu", "int8", "2:4")
    assert partly["gap_uncovered_cycles"] != 0  # attention, and a layer that states its own sparsity


def test_rates_by_precision_are_promised():
    record = compare(load_hardware("a100"), read_network(CONVOLUTIONS), ["fp16", "int8"], ["dense", "2:4"]).records
    assert [r["ideal_speedup"] for r in record] == [1, 2, 2, 4]


def test_engines_that_gain_nothing_promise_nothing(mixed):
    for name in ("edge_npu",):
        assert {r["ideal_speedup"] for r in mixed.records if r["hardware"] == name} == {1}
    narrow = found(mixed, "edge_npu", "int8", "dense")
    assert narrow["convolution_speedup"] == 1
    assert narrow["speedup"] >= 1
    assert narrow["gap_cycles"] == narrow["gap_memory_cycles"] + narrow["gap_vector_cycles"]


@pytest.mark.parametrize("name", MACHINES)
def test_zeros_anywhere_change_no_cycle_and_energy_only_where_they_are_gated(name):
    plain, gated = (
        compare(
            load_hardware(name, [f"engine.zero_gating={value}"]), read_network(CONVOLUTIONS), ["int8"], ["dense", "0.5"]
        )
        for value in ("false", "true")
    )
    for comparison, gating in ((plain, False), (gated, True)):
        dense, zeros = comparison.records
        assert dense["total_cycles"] == zeros["total_cycles"]
        assert parts_of(zeros, "gap_") == [0] * len(Gap._fields)
        assert zeros["zero_gating"] is gating
        assert zeros["weight_bytes"] == dense["weight_bytes"]
        assert (zeros["energy_uj"] < dense["energy_uj"]) is gating
        assert (zeros["energy_uj_mac"] == pytest.approx(dense["energy_uj_mac"] / 2, rel=1e-3)) is gating
    told = verdicts(gated.records)[0]
    assert "zeros change no cycle; gating them saves" in told
    assert "no energy without engine.zero_gating" in verdicts(plain.records)[0]


def test_what_a_machine_does_not_take_is_a_row_with_the_reason(mixed):
    refused = [record for record in mixed.records if record["not_run"]]
    assert [(r["hardware"], r["precision"], r["sparsity"]) for r in refused] == [
        (name, "fp32", sparsity) for name in ("stripes", "edge_sparse_npu") for sparsity in SPARSITIES
    ]
    without = "precision: fp32 has no macs_per_cycle; allowed: int8, int16"
    assert {r["not_run"] for r in refused} == {"takes integers only", without}
    assert all(r["total_cycles"] is None and r["energy_uj_dram"] is None for r in refused)
    assert found(mixed, "stripes", "int8", "dense")["baseline"] == "int16 dense"
    assert mixed.table["total_cycles"].isna().sum() == 6


def test_a_precision_without_a_rate_is_a_row():
    comparison = compare(load_hardware("a100"), read_network(CONVOLUTIONS), ["fp32", "fp16"])
    assert "no macs_per_cycle" in comparison.rows[0].not_run
    assert comparison.rows[1].baseline == "fp16 dense"


def test_too_wide_operands_are_a_row():
    narrow = load_hardware("stripes", ["engine.pe_bits=8"])
    assert "do not fit" in compare(narrow, read_network(CONVOLUTIONS), ["int16", "int8"]).rows[0].not_run


def test_the_baseline_is_dense_even_where_no_row_is():
    hardware, workload = load_hardware("edge_sparse_npu"), read_network(CONVOLUTIONS)
    alone = compare(hardware, workload, ["int8"], ["2:4"]).records
    assert alone == compare(hardware, workload, ["int8"], ["dense", "2:4"]).records[1:]


def test_without_precisions_hardware_and_network_state_them():
    own = compare(load_hardware("stripes"), read_network(CONVOLUTIONS)).rows[0]
    assert (own.precision, own.baseline) == ("int16", "int16 dense")
    other = read_network(CONVOLUTIONS.replace("layers:", "activation_bits: 9\nlayers:"))
    assert compare(load_hardware("stripes"), other).rows[0].precision == "own"


@pytest.mark.parametrize(
    ("names", "precisions", "sparsities", "told"),
    [
        (["edge_npu"], ["int7"], ["dense"], "--precision int7: allowed: int2"),
        (["edge_npu"], ["int8"], ["3:2"], "--sparsity 3:2: allowed"),
        (["edge_npu"], ["int8"], ["1.5"], "--sparsity 1.5: allowed"),
        (["edge_npu", "edge_npu"], None, ["dense"], "two of them"),
        (["stripes"], ["fp32"], ["dense"], "nothing runs: stripes: takes integers only"),
        ([], None, ["dense"], "needs hardware"),
        (["edge_npu"], None, [], "needs hardware"),
    ],
)
def test_mistakes(names, precisions, sparsities, told):
    with pytest.raises(UserError, match=re.escape(told)):
        compare([load_hardware(name) for name in names], read_network(CONVOLUTIONS), precisions, sparsities)


def test_values_of_other_kinds_are_told():
    hardware, workload = load_hardware("edge_npu"), read_network(CONVOLUTIONS)
    with pytest.raises(UserError, match="load_hardware"):
        compare(workload, hardware)
    with pytest.raises(UserError, match="load_hardware"):
        compare(["edge_npu"], workload)
    with pytest.raises(UserError, match="should be lists"):
        compare(hardware, workload, "int8")
