"""The pareto command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import JsonArgument
from accelsim.cli.output import show


@app.command("pareto")
def pareto_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of a finished sweep.")],
    x: Annotated[str, typer.Option(metavar="COLUMN", help="Of points.csv.")] = "latency_ms",
    y: Annotated[str, typer.Option(metavar="COLUMN", help="Of points.csv.")] = "energy_uj",
    as_json: JsonArgument = False,
) -> None:
    """The points that no other beats in both columns, as a table and a figure."""
    from accelsim.config.files import format_json, prepare_folder
    from accelsim.report.pareto import PARETO_FILES, draw
    from accelsim.report.sweep import pareto_report
    from accelsim.studies.pareto import find_fronts, read_sweep_points

    points = read_sweep_points(folder / "points.csv", (x, y))
    found = find_fronts(points, x, y)
    prepare_folder(folder, PARETO_FILES)
    written = draw(folder, points, found, x, y)
    if as_json:
        typer.echo(format_json({"x": x, "y": y, "fronts": found}), nl=False)
        return
    show(pareto_report(found, x, y))
    for path in written:
        typer.echo(f"wrote {path}")
