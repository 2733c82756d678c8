"""The application that the commands belong to."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Cycle-exact simulation of edge-AI accelerators: cycles, stalls and energy of real networks.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    if version:
        from accelsim.version import __version__

        typer.echo(f"accelsim {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
