"""Measured times of GPU kernels, dense and 2:4, beside the model: as it stands, and with two constants for each GPU.

The constants are the shares of the multipliers and of all operand bandwidths that kernels sustain. They are fitted to
every second row of a GPU, by the least sum of absolute logarithms of the errors; the other rows are held out.
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
}  #: by the beginning of a GPU's name: its hardware file, and the settings by which it differs
IDENTITY_SWIZZLE = ("CUTLASS", "PyTorch CUTLASS")
"""Libraries with the sparse kernels of PyTorch, whose order of tiles is known (SparseSemiStructuredOps.cu)."""
OWN_BUILD = "spgemm"  #: part of a library's name: a kernel of CUTLASS's profiler, whose order of tiles is not known
CLOCKS_ABOVE_BOOST = {"rtx_3060": 1.1, "rtx_4070_ti_super": 1.1}
"""Assumed, 1.0 to 1.1: GeForce cards raise their clock above the stated boost. This bounds the search for ``math``."""
FITTED, HELD_OUT = "fitted", "held out"
_BITS = 16  # of fp16 and bf16
LEAST_ROWS = 4  # of a GPU, so that two constants can be fitted and some rows held out
LOWEST, STEPS, NARROWING = 0.3, 7, 5  # least share, points of a grid along each share, and grids, each narrower


class Times(NamedTuple):
    """Times of one product as a dense and as a 2:4 kernel."""

    dense_ms: float
    sparse_ms: float

    @property
    def speedup(self) -> float:
        """How many times faster the 2:4 kernel is."""
        return self.dense_ms / self.sparse_ms


class MeasuredKernel(NamedTuple):
    """A measured row: one product on one GPU. The rows of its sparse operand are filters."""

    gpu: str  #: name of the hardware file
    name: str
    gemm: Gemm
    hardware: Hardware
    times: Times
    library: str  #: of the dense and of the sparse kernel
    filters_first: bool  #: the sparse kernel goes through all filters before the next pixels
    source: str


class SustainedRates(NamedTuple):
    """What a GPU's kernels sustain, as shares of what the data sheet states."""

    math: float = 1.0  #: of the multipliers at the stated clock; above 1 where the clock is higher
    operands: float = 1.0  #: of all operand bandwidths


class JudgedKernel(NamedTuple):
    """A measured row beside the model."""

    row: MeasuredKernel
    role: str  #: fitted; held out; further: neither; alone: its GPU has too few rows to fit
    bound: Times  #: from the data sheet alone, with every byte moved once
    model: Times | None  #: with the GPU's constants; None where its GPU has none


class Calibration(NamedTuple):
    """All rows beside the model, and the constants of each GPU."""

    rows: tuple[JudgedKernel, ...]
    sustained: dict[str, SustainedRates]  #: by hardware file

    @property
    def held_out_errors(self) -> list[tuple[float, str]]:
        """Relative error of the model's time for each held-out kernel, with the kernel's name."""
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
    """Read the measured rows of a file among the anchors: those with times, of GPUs that have a hardware file."""
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
    """Fit the constants of every GPU and judge every measured row; this takes a second or two."""
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
    """Model the times of a row's kernels with what its GPU sustains; for a ``bound`` every byte moves once."""
    shares = {"sustained_math": sustained.math, "sustained_operands": sustained.operands}
    hardware = row.hardware.model_copy(update={"engine": row.hardware.engine.model_copy(update=shares)})
    sparse = replace(row.gemm, pattern=parse_pattern("2:4"))
    filters_first = row.filters_first and not bound
    return Times(model_gpu_kernel(row.gemm, hardware).ms, model_gpu_kernel(sparse, hardware, filters_first).ms)


def fit_sustained_rates(rows: Iterable[MeasuredKernel]) -> SustainedRates:
    """Fit the constants of one GPU to its rows; of equally good ones those nearest to 1 are taken."""
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
