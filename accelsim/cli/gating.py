"""The gating command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.inputs import above_zero, chosen, run_title
from accelsim.cli.options import (
    DramArgument,
    HardwareArgument,
    JsonArgument,
    PrecisionArgument,
    SettingsArgument,
    SparsityArgument,
)
from accelsim.cli.output import show


@app.command("gating")
def gating_command(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: HardwareArgument = "edge_npu",
    period_ms: Annotated[
        float | None, typer.Option(metavar="T", help="An inference starts every T ms; else when the last one ended.")
    ] = None,
    settings: SettingsArgument = None,
    precision: PrecisionArgument = None,
    sparsity: SparsityArgument = None,
    dram: DramArgument = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write gating.json and gating.svg there.")] = None,
    as_json: JsonArgument = False,
) -> None:
    """Hold idle intervals against break-even times: what clock and power gating save."""
    from accelsim.config.files import format_json, prepare_folder
    from accelsim.report.gating import GATING_FILES, gating_image, gating_record, gating_report, write_gating
    from accelsim.studies.gating import gating

    above_zero("--period-ms", period_ms)
    hardware, network = chosen(workload, hw, settings, precision, sparsity)
    folder = None if out is None else prepare_folder(out, GATING_FILES)
    title = run_title(hardware, network, settings)
    found = gating(hardware, network, period_ms, dram.value if dram else None)
    record = gating_record(found, {"hardware": hardware.name, "workload": network.name, "settings": settings or []})
    written = [] if folder is None else write_gating(folder, record, gating_image(found, title))
    if as_json:
        typer.echo(format_json(record), nl=False)
        return
    show(gating_report(found, title, []))
    for path in written:
        typer.echo(f"wrote {path}")
