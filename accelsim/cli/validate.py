"""The validate command."""

from __future__ import annotations

import typer

from accelsim.cli.app import app
from accelsim.cli.options import JsonArgument
from accelsim.cli.output import show as show_report


@app.command("validate")
def validate_command(as_json: JsonArgument = False) -> None:
    """Compare the simulator with published figures.

    The exit status is 1 where a figure is outside its band.
    """
    from accelsim.config.files import format_json
    from accelsim.report.validate import validate_report
    from accelsim.studies.validate.anchors import validate

    found = validate()
    if as_json:
        typer.echo(format_json({"holds": found.holds, "anchors": found.records}), nl=False)
    else:
        show_report(validate_report(found.anchors))
    if not found.holds:
        raise typer.Exit(1)
