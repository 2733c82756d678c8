"""The list command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import JsonArgument, ListKindOption
from accelsim.cli.output import show as show_report


@app.command("list")
def list_command(
    kind: Annotated[ListKindOption, typer.Argument(help="What to list.")],
    as_json: JsonArgument = False,
) -> None:
    """List what ships: hardware, workloads, memory devices, technologies."""
    from accelsim.config.files import format_json
    from accelsim.report.list import list_report, list_shipped

    entries = list_shipped(kind.value)
    if as_json:
        typer.echo(format_json({kind.value: entries}), nl=False)
    else:
        show_report(list_report(entries))
