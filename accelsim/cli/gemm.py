"""The gemm command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import (
    Fidelity,
    Hw,
    HwSets,
    Json,
    Steps,
)
from accelsim.cli.output import show


@app.command()
def gemm(
    m: Annotated[str, typer.Argument(metavar="M", help="Rows of the result.")],
    k: Annotated[str, typer.Argument(metavar="K", help="Reduction.")],
    n: Annotated[str, typer.Argument(metavar="N", help="Columns of the result.")],
    hw: Hw = "edge_npu",
    settings: HwSets = None,
    fidelity: Steps = Fidelity.closed,
    as_json: Json = False,
) -> None:
    """One product, M x K by K x N, on the array alone, without memory."""
    from accelsim.config import parse_sizes
    from accelsim.config.files import json_text
    from accelsim.load import load_hardware
    from accelsim.simulation.network import count_gemm

    hardware = load_hardware(hw, settings or [])
    rows, reduction, columns = parse_sizes({"M": m, "K": k, "N": n})
    counted = count_gemm(hardware, rows, reduction, columns, fidelity.value)
    if as_json:
        typer.echo(json_text(counted), nl=False)
        return
    from accelsim.report.gemm import gemm_report

    show(gemm_report(counted, hardware))
