"""The roofline command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.inputs import chosen, profiled
from accelsim.cli.options import (
    AccuracyArgument,
    HardwareArgument,
    JsonArgument,
    PrecisionArgument,
    ProfileArgument,
    SettingsArgument,
    SparsityArgument,
)
from accelsim.cli.output import show


@app.command("roofline")
def roofline_command(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the figure goes: FILE.svg or FILE.png.")],
    hw: HardwareArgument = "edge_npu",
    settings: SettingsArgument = None,
    precision: PrecisionArgument = None,
    sparsity: SparsityArgument = None,
    precision_profile: ProfileArgument = None,
    accuracy: AccuracyArgument = None,
    as_json: JsonArgument = False,
) -> None:
    """Draw a network's layers under the hardware's roofs."""
    from accelsim.config.files import format_json, write_file
    from accelsim.report.figures import figure_file
    from accelsim.report.roofline_plot import roofline_image
    from accelsim.report.roofline_tables import roofline_record, roofline_report, roofline_title
    from accelsim.simulation.network import simulate
    from accelsim.studies.roofline import roofline as roofline_of

    figure_file(out)
    hardware, network = chosen(workload, hw, settings, precision, sparsity)
    network, notes = profiled(network, precision_profile, accuracy)
    result = simulate(hardware, network)
    result.summary["settings"] = settings or []
    result.summary["notes"] += notes
    line, title = roofline_of(result, hardware, network), roofline_title(result.summary)
    write_file(out, roofline_image(line, title, out.suffix))
    if as_json:
        typer.echo(format_json(roofline_record(line, result.summary, out)), nl=False)
        return
    show(roofline_report(line, title, result.summary["notes"]))
    typer.echo(f"wrote {out}")
