"""The report command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What run, dvfs, gating or another command wrote.")],
) -> None:
    """Make one page of a folder that another command wrote: DIR/report.html."""
    from accelsim.config.files import prepared, write
    from accelsim.report.page import PAGE, page

    text = page(folder)
    prepared(folder, [PAGE])
    write(folder / PAGE, text)
    typer.echo(f"wrote {folder / PAGE}")
