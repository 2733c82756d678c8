"""The parts of tests/bench/gpu_gemm.py that need neither torch nor a GPU."""

import csv
import importlib.util
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from naive import tensorcore as naive

SCRIPT = Path(__file__).parent / "bench" / "gpu_gemm.py"
spec = importlib.util.spec_from_file_location("gpu_gemm", SCRIPT)
gpu_gemm = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpu_gemm)

ANCHOR_COLUMNS = "gpu,dtype,M,N,K,dense_ms,sparse_ms,dense_TFLOPS,sparse_eff_TFLOPS,speedup,library,source"
MACHINE = gpu_gemm.parse_machine("NVIDIA A100-SXM4-80GB, 1410, 1593, 400.00, 580.82.07\n")
CASES = [("fp16", "cutlass", (size, size, size)) for size in (64, 128, 192)]


def row(shape=(64, 64, 64), dense_ms=(2.0, 1.0, 4.0), sparse_ms=(1.0, 1.0, 0.5)):
    described = {"dtype": "fp16", "library": "cuBLAS / CUTLASS", "source": "a test", "torch": "2.13.0", "cuda": "13.0"}
    return gpu_gemm.row_of(shape, dense_ms, sparse_ms, **described, **MACHINE)


@pytest.mark.parametrize(
    ("shape", "dense_ms", "sparse_ms", "expected"),
    [  # the published speeds, NVIDIA/cutlass issue 408 and PyTorch's tutorial semi_structured_sparse.py
        ((16384, 16384, 16384), 29.099, 18.17374591365289, (302.3, 484.0, 1.601)),
        ((3072, 3072, 10240), 0.87, 0.63, (222.2, 306.8, 1.381)),
    ],
)
def test_speeds_are_the_published_ones(shape, dense_ms, sparse_ms, expected):
    made = row(shape, [dense_ms], [sparse_ms])
    assert (made["dense_TFLOPS"], made["sparse_eff_TFLOPS"], made["speedup"]) == expected


def test_a_row_has_medians_and_minima():
    made = row()
    assert [made[key] for key in ("dense_ms", "dense_ms_min", "sparse_ms", "sparse_ms_min")] == [2.0, 1.0, 1.0, 0.5]
    assert (made["repetitions"], made["M"], made["gpu"]) == (3, 64, "NVIDIA A100-SXM4-80GB")
    assert set(made) == set(gpu_gemm.COLUMNS)


def test_columns_begin_with_the_anchors():
    header = ANCHOR_COLUMNS
    if gpu_gemm.ANCHORS.exists():
        header = gpu_gemm.ANCHORS.read_text().partition("\n")[0]
    assert gpu_gemm.COLUMNS[:12] == header.split(",") == ANCHOR_COLUMNS.split(",")
    assert len(set(gpu_gemm.COLUMNS)) == len(gpu_gemm.COLUMNS) == 21


def test_numbers_that_nvidia_smi_lacks():
    machine = gpu_gemm.parse_machine("NVIDIA GeForce RTX 3060, 1777, 7300, [N/A], 580.82.07")
    assert machine["sm_clock_mhz"] == 1777.0
    assert math.isnan(machine["power_limit_w"])
    with pytest.raises(ValueError, match="unpack"):
        gpu_gemm.parse_machine("No devices were found")


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_the_mask_keeps_the_largest_two_of_four(dtype):
    rng = np.random.default_rng(0)
    spread = rng.integers(-3, 4, (32, 64))  # few values, so that many are equal
    weights = np.concatenate([spread, rng.integers(-127, 128, (32, 64))]).astype(dtype)
    kept = gpu_gemm.kept_2to4(weights)
    assert np.all(kept.reshape(-1, 4).sum(axis=1) == 2)
    assert (weights * kept).dtype == weights.dtype
    assert (weights * kept).tolist() == [naive.pruned(each, 2, 4) for each in weights.tolist()]


def test_equal_within_the_tolerance():
    expected = np.array([[3, -8]])
    gpu_gemm.require_equal(expected, expected, 0.0)
    gpu_gemm.require_equal(expected + 1, expected, 0.125)
    with pytest.raises(ArithmeticError, match=r"wrong by 0\.12 of"):
        gpu_gemm.require_equal(expected + 1, expected, 0.12)
    with pytest.raises(ArithmeticError, match="nan"):
        gpu_gemm.require_equal(np.array([[3, np.nan]]), expected, 0.12)


def test_the_grid_has_the_anchors_once(tmp_path):
    without = gpu_gemm.grid(tmp_path / "none.csv")
    assert without[0] == (1024, 1024, 1024)
    assert len(without) == len(set(without)) == 8 + 8 * 3
    anchors = tmp_path / "anchors.csv"
    anchors.write_text("gpu,M,N,K\nA100,768,196608,3072\nH100,8192,8192,8192\n")
    assert set(gpu_gemm.grid(anchors)) - set(without) == {(768, 196608, 3072)}
    assert all(m % 32 == 0 and n % 16 == 0 and k % 128 == 0 for m, n, k in without)  # what torch's 2:4 demands


def measured(case):
    """The first is wrong, the second not supported, the third done."""
    if case == CASES[0]:
        gpu_gemm.require_equal(np.ones(1), np.full(1, 2), 0.0)
    if case == CASES[1]:
        raise RuntimeError("Supported only on GPUs with compute capability 8.x\nException raised from ...")
    return row(case[2])


def test_only_what_was_measured_is_written(tmp_path, capsys):
    out = tmp_path / "rows.csv"
    assert gpu_gemm.write_rows(out, CASES, measured) == 1
    with out.open(newline="") as file:
        assert [each["M"] for each in csv.DictReader(file)] == ["192"]
    assert out.read_text().splitlines()[0] == ",".join(gpu_gemm.COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    wrong, unsupported, done = capsys.readouterr().err.splitlines()
    assert wrong.endswith("no row: the product is wrong by 0.5 of its largest value")
    assert unsupported.endswith("no row: Supported only on GPUs with compute capability 8.x")
    assert done.endswith("2.0 ms dense, 1.0 ms sparse")


@pytest.mark.parametrize("finished", [0, 2])
def test_what_is_finished_outlives_an_interruption(finished, tmp_path):
    def interrupted(case):
        if case == CASES[finished]:
            assert not (tmp_path / "rows.csv").exists()
            raise KeyboardInterrupt
        return row(case[2])

    with pytest.raises(KeyboardInterrupt):
        gpu_gemm.write_rows(tmp_path / "rows.csv", CASES, interrupted)
    files = list(tmp_path.iterdir())
    assert [path.name for path in files] == ["rows.csv"] * (finished > 0)
    assert [len(path.read_text().splitlines()) for path in files] == [1 + finished] * (finished > 0)


def fake_torch(cuda="13.0", found=True, capability=(8, 0)):
    gpu = SimpleNamespace(is_available=lambda: found, get_device_capability=lambda: capability)
    return SimpleNamespace(__version__="2.13.0", version=SimpleNamespace(cuda=cuda), cuda=gpu)


@pytest.mark.parametrize(
    ("torch", "message"),
    [
        (None, "torch is needed: pip install torch"),
        (fake_torch(cuda=None), "torch 2.13.0 finds no NVIDIA GPU"),
        (fake_torch(found=False), "torch 2.13.0 finds no NVIDIA GPU"),
        (fake_torch(capability=(7, 5)), "of compute capability 8.0 or more"),
    ],
)
def test_without_torch_or_a_gpu(torch, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert gpu_gemm.main(["--out", str(tmp_path / "rows.csv")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gpu_gemm: ")
    assert message in line
    assert not list(tmp_path.iterdir())


def run_main(tmp_path, monkeypatch, measure):
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    monkeypatch.setattr(gpu_gemm, "measure", lambda torch, options, case: measure(case))
    shapes = [text for size in ("64", "128", "192") for text in ("--shape", size, size, size)]
    return gpu_gemm.main(["--out", str(tmp_path / "rows.csv"), "--dtypes", "fp16", "--backends", "cutlass", *shapes])


def test_exit_status(tmp_path, monkeypatch, capsys):
    assert run_main(tmp_path, monkeypatch, measured) == 1
    assert run_main(tmp_path, monkeypatch, measured) == 2
    assert "rows.csv is there already" in capsys.readouterr().err
    (tmp_path / "rows.csv").unlink()
    assert run_main(tmp_path, monkeypatch, lambda case: row(case[2])) == 0


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "stopped; the finished rows, if any, are in"),
        (FileNotFoundError(2, "No such file or directory", "nvidia-smi"), 2, "nvidia-smi"),
        (subprocess.CalledProcessError(6, "nvidia-smi"), 2, "exit status 6"),
    ],
)
def test_what_ends_a_run_early(error, status, message, tmp_path, monkeypatch, capsys):
    def measure(case):
        if case == CASES[1]:
            raise error
        return row(case[2])

    assert run_main(tmp_path, monkeypatch, measure) == status
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 2
