"""The gemm command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import (
    FidelityArgument,
    FidelityOption,
    HardwareArgument,
    HardwareSettingsArgument,
    JsonArgument,
)
from accelsim.cli.output import show


@app.command("gemm")
def gemm_command(
    m: Annotated[str, typer.Argument(metavar="M", help="Rows of the result.")],
    k: Annotated[str, typer.Argument(metavar="K", help="Reduction.")],
    n: Annotated[str, typer.Argument(metavar="N", help="Columns of the result.")],
    hw: HardwareArgument = "edge_npu",
    settings: HardwareSettingsArgument = None,
    fidelity: FidelityArgument = FidelityOption.closed,
    as_json: JsonArgument = False,
) -> None:
    """One product, M x K by K x N, on the array alone, without memory."""
    from accelsim.config import parse_sizes
    from accelsim.config.files import format_json
    from accelsim.load import load_hardware
    from accelsim.simulation.network import count_gemm

    hardware = load_hardware(hw, settings or [])
    rows, reduction, columns = parse_sizes({"M": m, "K": k, "N": n})
    counted = count_gemm(hardware, rows, reduction, columns, fidelity.value)
    if as_json:
        typer.echo(format_json(counted), nl=False)
        return
    from accelsim.report.gemm import gemm_report

    show(gemm_report(counted, hardware))
