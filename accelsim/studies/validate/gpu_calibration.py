"""Measured times of GPU kernels, dense and 2:4, against the model as it is and with two constants fitted per GPU.

The constants are shares: of the multipliers, and of all operand bandwidths, that kernels sustain. Every second row of
a GPU is fitted, by the least sum of absolute logarithms of its errors; all others are held out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import product
from math import log
from typing import NamedTuple

from accelsim.config.places import locate_anchors
from accelsim.hardware import Hardware
from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import load_hardware
from accelsim.studies.validate.gpu_kernel import model_gpu_kernel
from accelsim.workload.gemm import Gemm

GPU_HARDWARE = {
    "A100-80GB": ("a100", ["dram.bandwidth_gb_s=2039", "dram.capacity_mib=81920"]),
    "A100": ("a100", []),
    "H100": ("h100", []),
    "RTX3060": ("rtx_3060", []),
    "RTX4070Ti-Super": ("rtx_4070_ti_super", []),
}  #: by the beginning of a row's GPU: a hardware file, and what is different there
IDENTITY_SWIZZLE = ("CUTLASS", "PyTorch CUTLASS")
"""Libraries that mean PyTorch's sparse kernels, whose order of tiles is known (SparseSemiStructuredOps.cu)."""
OWN_BUILD = "spgemm"  #: in a library's name: a kernel of CUTLASS's profiler, whose order is not
CLOCKS_ABOVE_BOOST = {"rtx_3060": 1.1, "rtx_4070_ti_super": 1.1}
"""Assumed: 1.0 to 1.1. GeForce cards raise their clock above the stated boost, which bounds the search for ``math``."""
FITTED, HELD_OUT = "fitted", "held out"
_BITS = 16  # fp16 and bf16
LEAST_ROWS = 4  # of a GPU, to fit two constants and hold some out
LOWEST, STEPS, NARROWING = 0.3, 7, 5  # of the search: a grid, again and again around its best point


class Times(NamedTuple):
    """Of one product, in ms."""

    dense_ms: float
    sparse_ms: float

    @property
    def speedup(self) -> float:
        """Of 2:4 over dense."""
        return self.dense_ms / self.sparse_ms


class MeasuredKernel(NamedTuple):
    """One product's times; M are rows of the sparse operand, which are filters here."""

    gpu: str
    name: str
    gemm: Gemm
    hardware: Hardware
    times: Times
    library: str
    filters_first: bool  #: its sparse kernel goes through all filters before the next pixels
    source: str


class SustainedRates(NamedTuple):
    """Shares of the peak, at the stated clock, that a GPU's kernels reach."""

    math: float = 1.0
    operands: float = 1.0


class JudgedKernel(NamedTuple):
    """A measured row beside the model."""

    row: MeasuredKernel
    role: str  #: fitted, held out, further (nor fitted either), or alone: too few rows of its GPU to fit
    bound: Times  #: published figures alone, every byte moved once
    model: Times | None  #: with the GPU's constants


class Calibration(NamedTuple):
    """All rows, and each hardware file's constants."""

    rows: tuple[JudgedKernel, ...]
    sustained: dict[str, SustainedRates]

    @property
    def held_out_errors(self) -> list[tuple[float, str]]:
        """Relative errors of the model's times on held-out rows, each with its name."""
        return [
            (model / real - 1, f"{judged.row.name} ({what})")
            for judged in self.rows
            if judged.model and judged.role == HELD_OUT
            for what, model, real in (
                ("dense", judged.model.dense_ms, judged.row.times.dense_ms),
                ("2:4", judged.model.sparse_ms, judged.row.times.sparse_ms),
            )
        ]


def read_measured_kernels(file: str) -> list[MeasuredKernel]:
    """Rows with times, of GPUs that have a hardware file."""
    rows = []
    with (locate_anchors() / file).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            known = next((name for name in GPU_HARDWARE if row["gpu"].startswith(name)), None)
            if known is None or not row["dense_ms"]:
                continue
            name, settings = GPU_HARDWARE[known]
            n, m, k = (int(row[letter]) for letter in "MNK")
            gemm = Gemm(m, k, n, activation_bits=_BITS, weight_bits=_BITS, output_bits=_BITS)
            times = Times(float(row["dense_ms"]), float(row["sparse_ms"]))
            title = f"{row['gpu']} {row['dtype'][:4]} {n}x{k}x{m}, {row['library']}"
            library = row["library"].rpartition(" / ")[2]
            order = library.startswith(IDENTITY_SWIZZLE) and OWN_BUILD not in library
            rest = load_hardware(name, settings), times, row["library"], order, row["source"]
            rows.append(MeasuredKernel(name, title, gemm, *rest))
    return rows


@cache
def calibrate_gpus() -> Calibration:
    """Every measured row judged; takes a second or two."""
    rows, further = read_measured_kernels("gpu_2to4_measured.csv"), read_measured_kernels("gpu_2to4_further.csv")
    judged, sustained = [], {}
    for gpu in dict.fromkeys(row.gpu for row in rows):
        own = [row for row in rows if row.gpu == gpu]
        roles = ["alone"] * len(own)
        if len(own) >= LEAST_ROWS:
            sustained[gpu] = fit_sustained_rates(own[::2])
            roles = [(FITTED, HELD_OUT)[number % 2] for number in range(len(own))]
        more = [row for row in further if row.gpu == gpu]
        for row, role in zip([*own, *more], [*roles, *["further"] * len(more)], strict=True):
            model = model_kernel_times(row, sustained[gpu]) if gpu in sustained else None
            judged.append(JudgedKernel(row, role, model_kernel_times(row, SustainedRates(), bound=True), model))
    return Calibration(tuple(judged), sustained)


def model_kernel_times(row: MeasuredKernel, sustained: SustainedRates, bound: bool = False) -> Times:
    """Both kernels' times with what a GPU sustains; a bound takes every byte as moved once."""
    shares = {"sustained_math": sustained.math, "sustained_operands": sustained.operands}
    hardware = row.hardware.model_copy(update={"engine": row.hardware.engine.model_copy(update=shares)})
    sparse = replace(row.gemm, pattern=parse_pattern("2:4"))
    filters_first = row.filters_first and not bound
    return Times(model_gpu_kernel(row.gemm, hardware).ms, model_gpu_kernel(sparse, hardware, filters_first).ms)


def fit_sustained_rates(rows: Iterable[MeasuredKernel]) -> SustainedRates:
    """The constants of a GPU's rows; of equally good ones those nearest to 1."""
    rows = list(rows)

    def error(sustained: SustainedRates) -> tuple[float, float]:
        misfit = 0.0
        for row in rows:
            times = model_kernel_times(row, sustained)
            misfit += sum(abs(log(ours / real)) for ours, real in zip(times, row.times, strict=True))
        return round(misfit, 9), abs(log(sustained.math)) + abs(log(sustained.operands))

    highest = SustainedRates(CLOCKS_ABOVE_BOOST.get(rows[0].gpu, 1.0), 1.0)
    best, widths = highest, [most - LOWEST for most in highest]
    centre = [(most + LOWEST) / 2 for most in highest]
    for _ in range(NARROWING):
        ticks = [
            [min(max(c + width * (i / (STEPS - 1) - 0.5), LOWEST), most) for i in range(STEPS)]
            for c, width, most in zip(centre, widths, highest, strict=True)
        ]
        best = min([best, *(SustainedRates(*point) for point in product(*ticks))], key=error)
        centre, widths = list(best), [width * 3 / (STEPS - 1) for width in widths]
    return best
