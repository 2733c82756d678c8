"""The systolic array: closed form, stepped kernel and naive array agree, and give the published figures."""

import csv
import subprocess
import sys
from dataclasses import astuple
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.systolic import systolic as naive_systolic
from naive.systolic_folds import Options, recurrence_cycles
from strategies.operands import operands
from strategies.sizes import UNJITTED, examples
from strategies.systolic import arrays, gemms, systolic

from accelsim.config import UserError
from accelsim.engines.systolic import SystolicEngine
from accelsim.engines.systolic_folds import count_fold_cycles
from accelsim.workload.gemm import Gemm

INT64_MAX = 2**63 - 1


def options_of(array):
    return Options(**array.model_dump(include=set(Options._fields)))


@examples(750)
@given(arrays(9, 19) if not UNJITTED else arrays(4, 6), gemms(6 if UNJITTED else 40), st.integers(0, 99))
def test_closed_form_equals_stepped(array, gemm, seed):
    a, w = operands(gemm, seed)
    product, counts = SystolicEngine(array).step(gemm, a, w)
    assert np.array_equal(product, a @ w)
    assert counts == SystolicEngine(array).count(gemm)
    assert counts.macs == gemm.macs


@examples(750)
@given(arrays(5, 6), gemms(9), st.integers(0, 99))
def test_naive_array_agrees(array, gemm, seed):
    a, w = operands(gemm, seed)
    product, counts = naive_systolic(a.tolist(), w.tolist(), options_of(array))
    assert np.array_equal(product, a @ w)
    assert astuple(SystolicEngine(array).count(gemm)) == counts


@given(arrays(40, 40), gemms(300))
def test_closed_form_equals_the_recurrence(array, gemm):
    want = recurrence_cycles(gemm.m, gemm.k, gemm.n, gemm.groups, options_of(array))
    assert SystolicEngine(array).count(gemm).cycles == want


@given(arrays(40, 40), gemms(300))
def test_folds_add_up(array, gemm):
    engine = SystolicEngine(array)
    folds, counts = engine.folds(gemm), engine.count(gemm)
    assert sum(fold.repeat for fold in folds) == counts.folds
    assert sum(fold.repeat * fold.streamed * fold.rows * fold.cols for fold in folds) == counts.macs
    if not array.overlap_folds:
        assert sum(fold.repeat * count_fold_cycles(array, fold) for fold in folds) == counts.cycles
    assert counts.cycles * engine.pes >= counts.macs


@given(arrays(9, 9), gemms(40), st.sampled_from(["activation_reads", "weight_reads"]))
def test_input_stationary_is_weight_stationary_with_operands_exchanged(array, gemm, reads):
    inputs = SystolicEngine(array.model_copy(update={"dataflow": "is"})).count(gemm)
    weights = SystolicEngine(array.model_copy(update={"dataflow": "ws"})).count(
        Gemm(m=gemm.n, k=gemm.k, n=gemm.m, groups=gemm.groups)
    )
    assert inputs.cycles == weights.cycles
    other = {"activation_reads": "weight_reads", "weight_reads": "activation_reads"}[reads]
    assert getattr(inputs, reads) == getattr(weights, other)


# Published RTL arrays as DESIGN 4.1 states them: options, (M, K, N), cycles.
RTL = [
    (systolic(8, 8, "os", pipeline_registers=1), (8, 16, 8), 39),
    (systolic(1, 1, "os", pipeline_registers=1), (1, 1, 1), 3),
    (systolic(8, 8, "os", pipeline_registers=1), (5, 16, 3), 16 + 5 + 3 - 1 + 8),
    (systolic(6, 10, "ws", pipeline_registers=1), (20, 6, 10), 2 * 6 + 10 + 20 - 1),
    (systolic(4, 4, "ws", pipeline_registers=1, psum_hop_cycles=2), (4, 4, 4), 19),
    (systolic(8, 8, "ws", pipeline_registers=1, psum_hop_cycles=2), (16, 8, 8), 47),
    (systolic(8, 8, "ws", pipeline_registers=1, psum_hop_cycles=2), (16, 8, 5), 3 * 8 + 5 + 16 - 1),
    (systolic(6, 10, "ws", pipeline_registers=2, weights_resident=True), (20, 6, 10), 20 + 6 + 10),
    (systolic(6, 10, "os", pipeline_registers=3, output_drain="cols"), (6, 9, 10), 9 + 6 + 2 * 10 - 2 + 3),
]


@pytest.mark.parametrize(("engine", "shape", "cycles"), RTL)
def test_published_rtl_arrays(engine, shape, cycles):
    gemm = Gemm(*shape)
    assert engine.count(gemm).cycles == cycles
    assert engine.step(gemm, *operands(gemm, seed=1))[1].cycles == cycles


def scalesim_rows():
    """What SCALE-Sim 3.0.0 reports for layers of real and odd shapes; total_cycles is its last cycle's index."""
    path = resources.files("accelsim") / "anchors" / "scalesim_expected.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 226
    return rows


def test_scalesim():
    for row in scalesim_rows():
        rows, cols = int(row["rows"]), int(row["cols"])
        engine = systolic(rows, cols, row["dataflow"], charge_full_array=True, output_drain="none")
        counts = engine.count(Gemm(int(row["M"]), int(row["K"]), int(row["N"])))
        assert counts.cycles - 1 == int(row["total_cycles"]), row
        assert counts.activation_reads == int(row["sram_ifmap_reads"]), row
        assert counts.weight_reads == int(row["sram_filter_reads"]), row
        # For os, SCALE-Sim counts rows + cols writes a fold more than there are outputs.
        more = counts.folds * (rows + cols) if row["dataflow"] == "os" else 0
        assert counts.psum_writes + more == int(row["sram_ofmap_writes"]), row


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize(
    ("a_range", "w_range"),
    [((0, 256), (-128, 128)), ((-(2**15), 2**15), (-(2**15), 2**15)), ((-(2**31) + 1, 2**31), (-(2**20), 2**20))],
)
def test_operands_of_any_width(dataflow, a_range, w_range):
    rng, gemm = np.random.default_rng(5), Gemm(5, 23, 4)
    a, w = rng.integers(*a_range, (1, 5, 23)), rng.integers(*w_range, (1, 23, 4))
    a[0, 0], w[0, :, 0] = a_range[0], w_range[0]
    product, _ = systolic(4, 3, dataflow, overlap_folds=True).step(gemm, a, w)
    assert np.array_equal(product, a @ w)


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_a_layer_of_many_folds(dataflow):
    gemm = Gemm(3, 5, 4, groups=2) if UNJITTED else Gemm(196, 300, 70, groups=2)
    a, w = operands(gemm, seed=3)
    for overlap_folds in (False, True):
        engine = systolic(32, 16, dataflow, overlap_folds=overlap_folds)
        product, counts = engine.step(gemm, a, w)
        assert np.array_equal(product, (a.astype(float) @ w.astype(float)).astype(int))
        assert counts == engine.count(gemm)


@pytest.mark.parametrize(
    ("engine", "shape"),
    [
        (systolic(1, 1, "os"), (2**21, 2**21, 2**21)),
        (systolic(2**20, 2**20, "ws"), (2**30, 2**20, 2**20)),
        (systolic(1, 1, "ws"), (1, 2**31, 2**31)),
        (systolic(128, 128, "os", overlap_folds=True, swap_cycles=2**31 - 1), (2**20, 1, 2**20)),
    ],
)
def test_counts_beyond_64_bits_are_refused(engine, shape):
    with pytest.raises(UserError, match="64-bit count; allowed: at most"):
        engine.count(Gemm(*shape))


def test_the_largest_counts_are_exact():
    gemm = Gemm(2**20, 2**20, 2**20)
    counts = systolic(2, 2, "ws").count(gemm)
    assert counts.cycles == 2**38 * (2 + 2**20 + 2 + 2 - 2)
    assert counts.cycles * 4 <= INT64_MAX


def test_sums_beyond_64_bits_are_refused():
    a, w = np.full((1, 1, 4), 2**31 - 1), np.full((1, 4, 1), 2**31 - 1)
    with pytest.raises(UserError, match="sums do not fit 64 bits"):
        systolic(4, 4, "ws").step(Gemm(1, 4, 1), a, w)


@pytest.mark.parametrize("kind", [((1, 3, 4), int), ((1, 3, 5), float)])
def test_operands_of_another_shape_or_kind_are_refused(kind):
    with pytest.raises(UserError, match=r"allowed: integers \(1, 2, 3\) and \(1, 3, 5\)"):
        systolic(4, 4, "ws").step(Gemm(2, 3, 5), np.zeros((1, 2, 3), int), np.zeros(*kind))


@pytest.mark.slow
def test_counting_does_not_load_numba():
    code = (
        "import sys; from accelsim.engines.systolic import SystolicEngine; from accelsim.hardware import SystolicArray;"
        "from accelsim.workload.gemm import Gemm;"
        "SystolicEngine(SystolicArray(kind='systolic', rows=8, cols=8, dataflow='ws')).count(Gemm(9, 9, 9));"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
