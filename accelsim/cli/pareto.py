"""The pareto command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import Json
from accelsim.cli.output import show


@app.command()
def pareto(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of a finished sweep.")],
    x: Annotated[str, typer.Option(metavar="COLUMN", help="Of points.csv.")] = "latency_ms",
    y: Annotated[str, typer.Option(metavar="COLUMN", help="Of points.csv.")] = "energy_uj",
    as_json: Json = False,
) -> None:
    """The points that no other beats in both columns, as a table and a figure."""
    from accelsim.config.files import json_text, prepared
    from accelsim.report.pareto import FIGURES, draw, fronts, read_points
    from accelsim.report.sweep import pareto_report

    points = read_points(folder / "points.csv", (x, y))
    found = fronts(points, x, y)
    prepared(folder, FIGURES)
    written = draw(folder, points, found, x, y)
    if as_json:
        typer.echo(json_text({"x": x, "y": y, "fronts": found}), nl=False)
        return
    show(pareto_report(found, x, y))
    for path in written:
        typer.echo(f"wrote {path}")
