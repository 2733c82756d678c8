"""The dvfs command."""

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


@app.command("dvfs")
def dvfs_command(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: HardwareArgument = "edge_npu",
    deadline_ms: Annotated[
        float | None, typer.Option(metavar="T", help="An inference starts every T ms and is done by then.")
    ] = None,
    idle_mw: Annotated[
        float | None,
        typer.Option(metavar="P", help="Drawn until the deadline; by default lowest leakage and DRAM standby."),
    ] = None,
    settings: SettingsArgument = None,
    precision: PrecisionArgument = None,
    sparsity: SparsityArgument = None,
    dram: DramArgument = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write points.csv, schedule.csv, summary.json and dvfs.svg there."),
    ] = None,
    as_json: JsonArgument = False,
) -> None:
    """Run a network at each operating point; which one is best for all of it, and for each layer."""
    from accelsim.config.files import format_json, prepare_folder
    from accelsim.report.dvfs import DVFS_FILES, dvfs_record, dvfs_report, write_dvfs
    from accelsim.report.dvfs_plot import dvfs_image
    from accelsim.studies.dvfs import dvfs as at_all_points

    above_zero("--deadline-ms", deadline_ms)
    above_zero("--idle-mw", idle_mw, zero=True)
    hardware, network = chosen(workload, hw, settings, precision, sparsity)
    folder = None if out is None else prepare_folder(out, DVFS_FILES)
    found = at_all_points(hardware, network, deadline_ms, idle_mw, dram.value if dram else None)
    title = run_title(hardware, network, settings)
    record = dvfs_record(found, {"hardware": hardware.name, "workload": network.name, "settings": settings or []})
    written = [] if folder is None else write_dvfs(folder, found, record, dvfs_image(found, title))
    if as_json:
        typer.echo(format_json(record), nl=False)
        return
    show(dvfs_report(found, title, []))
    for path in written:
        typer.echo(f"wrote {path}")
