"""The list command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import Json, Kind
from accelsim.cli.output import show as show_report


@app.command("list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Json = False,
) -> None:
    """List what ships: hardware, workloads, memory devices, technologies."""
    from accelsim.config.files import json_text
    from accelsim.report.list import listing, listing_report

    entries = listing(kind.value)
    if as_json:
        typer.echo(json_text({kind.value: entries}), nl=False)
    else:
        show_report(listing_report(entries))
