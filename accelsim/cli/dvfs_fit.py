"""The dvfs-fit command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import JsonArgument
from accelsim.cli.output import show


@app.command("dvfs-fit")
def dvfs_fit_command(
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
    as_json: JsonArgument = False,
) -> None:
    """Fit laws of clock and power to measured points of a chip."""
    from accelsim.config import UserError
    from accelsim.config.files import format_json, prepare_folder, write_file
    from accelsim.report.dvfs_fit import dvfs_fit_report, operating_points_yaml
    from accelsim.studies.dvfs_fit import dvfs_fit

    if out is not None and out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError(f"--out {out}: YAML is what is written; allowed: a name that ends in .yaml")
    silicon = dvfs_fit(points)
    text = operating_points_yaml(silicon)
    if out is not None:
        prepare_folder(out.parent, [out.name])
        write_file(out, text)
    if as_json:
        typer.echo(format_json(silicon.as_record()), nl=False)
        return
    show(dvfs_fit_report(silicon))
    typer.echo(f"\n{text}" if out is None else f"wrote {out}", nl=out is not None)
