"""The validate command."""

from __future__ import annotations

import typer

from accelsim.cli.app import app
from accelsim.cli.options import Json
from accelsim.cli.output import show as show_report


@app.command()
def validate(as_json: Json = False) -> None:
    """Hold the simulator against published figures.

    Exit status 1 where one of them leaves its band.
    """
    from accelsim.config.files import json_text
    from accelsim.report.validate import report
    from accelsim.studies.validate.anchors import anchors, totals

    checked = anchors()
    if as_json:
        typer.echo(json_text(totals(checked)), nl=False)
    else:
        show_report(report(checked))
    if not all(anchor.holds for anchor in checked):
        raise typer.Exit(1)
