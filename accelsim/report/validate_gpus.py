"""Measured GPU kernels beside the model, as ``validate`` shows them."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from accelsim.report.text import Grid, Paragraph, figure
from accelsim.studies.validate.gpu_calibration import FITTED, Calibration, JudgedKernel, Times

_LEGEND = {
    "library": "of dense and 2:4, as the source says",
    "rows": "fitted: constants rest on it; held out: must be met; further: told; alone: too few of its GPU to fit",
    "product": "filters x K x pixels",
    "ms": "measured, dense and 2:4",
    "gain": "measured speedup of 2:4",
    "bound": "speedup by published figures alone, and both times' errors",
    "model": "the same with the GPU's two constants",
}


def gpu_report(calibration: Calibration) -> list[RenderableType]:
    """A line for each measured product, the constants, and the error on rows that were held out."""
    headings = ("GPU", "product", "ms", "gain", "bound", "model", "rows", "library")
    rows = [_line(judged) for judged in calibration.rows]
    grid = Grid(headings, rows, ("GPU", "product", "rows", "library"), drop=("library", "ms", "rows"), legend=_LEGEND)
    errors = calibration.held_out_errors
    mean = sum(abs(error) for error, _ in errors) / len(errors)
    worst, where = max(errors, key=lambda pair: abs(pair[0]))
    constants = "; ".join(
        f"{gpu} {s.math:.2f} of its multipliers at the stated clock, {s.operands:.2f} of its bandwidths"
        for gpu, s in calibration.sustained.items()
    )
    return [
        Text("GPU kernels, dense and 2:4", style="bold"),
        grid,
        Paragraph(f"sources: {'; '.join(dict.fromkeys(judged.row.source for judged in calibration.rows))}", hanging=2),
        Paragraph(f"constants, from the rows {FITTED}: {constants}", hanging=2),
        Paragraph(f"held-out rows: mean error {mean:.1%} of a time, worst {worst:+.1%}: {where}", hanging=2),
    ]


def _against(times: Times, real: Times) -> str:
    """Speedup, and the relative errors of both times."""
    errors = (f"{ours / measured - 1:+.0%}" for ours, measured in zip(times, real, strict=True))
    return f"{times.speedup:.2f} {' '.join(f'{error:>5}' for error in errors)}"


def _line(judged: JudgedKernel) -> list[str]:
    row, gemm = judged.row, judged.row.gemm
    compared = [_against(times, row.times) if times else "" for times in (judged.bound, judged.model)]
    measured = f"{figure(row.times.dense_ms)} {figure(row.times.sparse_ms)}"
    product = f"{gemm.n}x{gemm.k}x{gemm.m}"
    return [row.gpu, product, measured, f"{row.times.speedup:.2f}", *compared, judged.role, row.library]
