"""The show command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import Hw, Json, Sets
from accelsim.cli.output import show as show_report


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network, hardware, memory device or technology.")],
    hw: Hw = "edge_npu",
    settings: Sets = None,
    as_json: Json = False,
) -> None:
    """Show a network and whether it fits, hardware with its sources, or an energy table."""
    from accelsim.config.files import json_text
    from accelsim.report.list import shown

    value, report = shown(name, hw, settings or [])
    if as_json:
        typer.echo(json_text(value), nl=False)
    else:
        show_report(report)
