"""The warmup command."""

from __future__ import annotations

import typer

from accelsim.cli.app import app


@app.command("warmup")
def warmup_command() -> None:
    """Compile the kernels now, not in the first run."""
    from accelsim.simulation.warmup import compile_kernels

    seconds = compile_kernels()
    typer.echo(f"kernels ready in {seconds:.1f} s")
