"""The report command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app


@app.command("report")
def report_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What run, dvfs, gating or another command wrote.")],
) -> None:
    """Make one page of a folder that another command wrote: DIR/report.html."""
    from accelsim.config.files import prepare_folder, write_file
    from accelsim.report.page import PAGE, page

    text = page(folder)
    prepare_folder(folder, [PAGE])
    write_file(folder / PAGE, text)
    typer.echo(f"wrote {folder / PAGE}")
