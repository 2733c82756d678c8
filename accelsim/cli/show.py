"""The show command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import HardwareArgument, JsonArgument, SettingsArgument
from accelsim.cli.output import show as show_report


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network, hardware, memory device or technology.")],
    hw: HardwareArgument = "edge_npu",
    settings: SettingsArgument = None,
    as_json: JsonArgument = False,
) -> None:
    """Show a network and whether it fits, hardware with its sources, or an energy table."""
    from accelsim.config.files import format_json
    from accelsim.report.list import show_named

    value, report = show_named(name, hw, settings or [])
    if as_json:
        typer.echo(format_json(value), nl=False)
    else:
        show_report(report)
