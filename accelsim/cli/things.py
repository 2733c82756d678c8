"""Commands about what ships: list, show, validate, import, warmup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import Hw, Json, Kind, Sets
from accelsim.cli.output import show as show_report


@app.command("list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Json = False,
) -> None:
    """List what ships: hardware, workloads, memory devices, technologies."""
    from accelsim.config.files import json_text
    from accelsim.report.listing import listing, listing_report

    entries = listing(kind.value)
    if as_json:
        typer.echo(json_text({kind.value: entries}), nl=False)
    else:
        show_report(listing_report(entries))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network, hardware, memory device or technology.")],
    hw: Hw = "edge_npu",
    settings: Sets = None,
    as_json: Json = False,
) -> None:
    """Show a network and whether it fits, hardware with its sources, or an energy table."""
    from accelsim.config.files import json_text
    from accelsim.report.listing import shown

    value, report = shown(name, hw, settings or [])
    if as_json:
        typer.echo(json_text(value), nl=False)
    else:
        show_report(report)


@app.command()
def validate(as_json: Json = False) -> None:
    """Hold the simulator against published figures.

    Exit status 1 where one of them leaves its band.
    """
    from accelsim.config.files import json_text
    from accelsim.report.validate import report
    from accelsim.studies.validate.anchors import anchors, totals

    checked = anchors()
    if as_json:
        typer.echo(json_text(totals(checked)), nl=False)
    else:
        show_report(report(checked))
    if not all(anchor.holds for anchor in checked):
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX model, SCALE-Sim topology CSV or cfg.")],
    out: Annotated[Path, typer.Option(metavar="FILE.yaml", help="Where the YAML goes.")],
) -> None:
    """Turn another tool's model or configuration into YAML."""
    from accelsim.config import UserError
    from accelsim.config.files import prepared, write
    from accelsim.load import imported
    from accelsim.workload.importers import dump

    if out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError(f"--out {out}: YAML is what is written; allowed: a name that ends in .yaml")
    prepared(out.parent, [out.name])
    write(out, dump(imported(file)))
    typer.echo(f"wrote {out}")


@app.command()
def warmup() -> None:
    """Compile the kernels now, not in the first run."""
    from accelsim.simulation.warmup import compile_kernels

    seconds = compile_kernels()
    typer.echo(f"kernels ready in {seconds:.1f} s")
