"""The dram-trace command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import TracePatternOption


@app.command("dram-trace")
def dram_trace_command(
    pattern: Annotated[TracePatternOption, typer.Argument(help="What the requests look like.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the trace goes: FILE.csv or FILE.npz.")],
    requests: Annotated[int, typer.Option(metavar="N", help="How many.")] = 16384,
    request_bytes: Annotated[int, typer.Option(metavar="BYTES", help="Of each.")] = 64,
    span_mib: Annotated[float, typer.Option(metavar="MIB", help="Addresses lie below it.")] = 256,
    stride_bytes: Annotated[int, typer.Option(metavar="BYTES", help="Of stride; a row of tiles' matrix.")] = 2048,
    tile_rows: Annotated[int, typer.Option(metavar="N", help="Of tiles.")] = 32,
    tile_bytes: Annotated[int, typer.Option(metavar="BYTES", help="A row of a tile.")] = 256,
    writes: Annotated[float, typer.Option(metavar="SHARE", help="Of stream, stride and random: 0 to 1.")] = 0.0,
    every_cycles: Annotated[
        int, typer.Option(metavar="N", help="Between two arrivals; 0: as fast as they are taken.")
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Of random.")] = 0,
) -> None:
    """Make a trace of requests for the dram command."""
    from accelsim.config import Document, validate_document
    from accelsim.memory.trace_patterns import TracePattern, generate_trace
    from accelsim.report.dram_files import trace_file, write_trace

    trace_file(out)
    values = {
        "pattern": pattern.value,
        "requests": requests,
        "request_bytes": request_bytes,
        "span_bytes": round(span_mib * 2**20),
        "stride_bytes": stride_bytes,
        "tile_rows": tile_rows,
        "tile_bytes": tile_bytes,
        "write_share": writes,
        "every_cycles": every_cycles,
        "seed": seed,
    }
    options = {"span_bytes": "span_mib", "write_share": "writes"}
    places: dict[tuple[str | int, ...], str] = {
        (key,): f"--{options.get(key, key).replace('_', '-')}" for key in values
    }
    spec = validate_document(TracePattern, Document("", values, places))
    write_trace(out, generate_trace(spec))
    typer.echo(f"wrote {out}")
