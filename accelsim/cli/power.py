"""Commands about voltage, clock and idle blocks: dvfs, dvfs-fit and gating."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.inputs import above_zero, chosen, run_title
from accelsim.cli.options import Dram, Hw, Json, Sets, Sparsity, Width
from accelsim.cli.output import show


@app.command()
def dvfs(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: Hw = "edge_npu",
    deadline_ms: Annotated[
        float | None, typer.Option(metavar="T", help="An inference starts every T ms and is done by then.")
    ] = None,
    idle_mw: Annotated[
        float | None,
        typer.Option(metavar="P", help="Drawn until the deadline; by default lowest leakage and DRAM standby."),
    ] = None,
    settings: Sets = None,
    precision: Width = None,
    sparsity: Sparsity = None,
    dram: Dram = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write points.csv, schedule.csv, summary.json and dvfs.svg there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a network at each operating point; which one is best for all of it, and for each layer."""
    from accelsim.config.files import json_text, prepared
    from accelsim.report.dvfs import FILES, dvfs_record, dvfs_report, write_dvfs
    from accelsim.report.dvfs_plot import dvfs_image
    from accelsim.studies.dvfs import dvfs as at_all_points

    above_zero("--deadline-ms", deadline_ms)
    above_zero("--idle-mw", idle_mw, zero=True)
    hardware, network = chosen(workload, hw, settings, precision, sparsity)
    folder = None if out is None else prepared(out, FILES)
    found = at_all_points(hardware, network, deadline_ms, idle_mw, dram.value if dram else None)
    title = run_title(hardware, network, settings)
    record = dvfs_record(found, {"hardware": hardware.name, "workload": network.name, "settings": settings or []})
    written = [] if folder is None else write_dvfs(folder, found, record, dvfs_image(found, title))
    if as_json:
        typer.echo(json_text(record), nl=False)
        return
    show(dvfs_report(found, title, []))
    for path in written:
        typer.echo(f"wrote {path}")


@app.command("dvfs-fit")
def dvfs_fit(
    points: Annotated[
        Path,
        typer.Argument(
            metavar="POINTS.csv",
            help="Columns volt, mhz; watts, or inferences_per_s and microjoules; task where there are several.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="Write the operating points for a hardware file there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit laws of clock and power to measured points of a chip."""
    from accelsim.config import UserError
    from accelsim.config.files import json_text, prepared, write
    from accelsim.power.silicon import fit_silicon
    from accelsim.report.silicon import operating_points_yaml, silicon_report

    if out is not None and out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError(f"--out {out}: YAML is what is written; allowed: a name that ends in .yaml")
    silicon = fit_silicon(points)
    text = operating_points_yaml(silicon)
    if out is not None:
        prepared(out.parent, [out.name])
        write(out, text)
    if as_json:
        typer.echo(json_text(silicon.record()), nl=False)
        return
    show(silicon_report(silicon))
    typer.echo(f"\n{text}" if out is None else f"wrote {out}", nl=out is not None)


@app.command()
def gating(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: Hw = "edge_npu",
    period_ms: Annotated[
        float | None, typer.Option(metavar="T", help="An inference starts every T ms; else when the last one ended.")
    ] = None,
    settings: Sets = None,
    precision: Width = None,
    sparsity: Sparsity = None,
    dram: Dram = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write gating.json and gating.svg there.")] = None,
    as_json: Json = False,
) -> None:
    """Hold idle intervals against break-even times: what clock and power gating save."""
    from accelsim.config.files import json_text, prepared
    from accelsim.report.gating import FILES, gating_image, gating_record, gating_report, write_gating
    from accelsim.studies.gating import gate

    above_zero("--period-ms", period_ms)
    hardware, network = chosen(workload, hw, settings, precision, sparsity)
    folder = None if out is None else prepared(out, FILES)
    title = run_title(hardware, network, settings)
    found = gate(hardware, network, period_ms, dram.value if dram else None)
    record = gating_record(found, {"hardware": hardware.name, "workload": network.name, "settings": settings or []})
    written = [] if folder is None else write_gating(folder, record, gating_image(found, title))
    if as_json:
        typer.echo(json_text(record), nl=False)
        return
    show(gating_report(found, title, []))
    for path in written:
        typer.echo(f"wrote {path}")
