"""The import command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX model, SCALE-Sim topology CSV or cfg.")],
    out: Annotated[Path, typer.Option(metavar="FILE.yaml", help="Where the YAML goes.")],
) -> None:
    """Turn another tool's model or configuration into YAML."""
    from accelsim.config import UserError
    from accelsim.config.files import prepare_folder, write_file
    from accelsim.load import import_file
    from accelsim.workload.importers import format_yaml

    if out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError(f"--out {out}: YAML is what is written; allowed: a name that ends in .yaml")
    prepare_folder(out.parent, [out.name])
    write_file(out, format_yaml(import_file(file)))
    typer.echo(f"wrote {out}")
