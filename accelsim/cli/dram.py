"""Commands about the memory behind the chip's edge: dram, and traces for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import DeviceFidelity, Json, Pattern
from accelsim.cli.output import show


@app.command()
def dram(
    trace: Annotated[
        Path, typer.Argument(metavar="TRACE", help="Requests: CSV (arrival_cycle,address,is_write) or npz.")
    ],
    device: Annotated[str, typer.Option(metavar="NAME", help="Shipped device (list devices), or a YAML file.")],
    mapping: Annotated[
        str | None,
        typer.Option(metavar="MAP", help="Address fields, most significant first, as rochrababgco."),
    ] = None,
    fidelity: Annotated[
        DeviceFidelity, typer.Option(help="cycle: command by command; transaction: request by request.")
    ] = DeviceFidelity.cycle,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the device: channels=8. Repeats."),
    ] = None,
    commands: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write every command with its cycle there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a trace of requests through a memory device: cycles, latency, row hits, energy."""
    from accelsim.config.files import json_text
    from accelsim.load import load_device
    from accelsim.memory.device import run_trace
    from accelsim.memory.traces import read_trace
    from accelsim.report.commands import command_list, for_commands
    from accelsim.report.memory import memory_report

    chosen = load_device(device, settings or [], mapping)
    if commands is not None:
        for_commands(commands, chosen, fidelity.value)
    pieces = read_trace(trace, chosen.capacity_bytes)
    if commands is None:
        result = run_trace(chosen, pieces, fidelity.value)
    else:
        with command_list(commands, chosen) as sink:
            result = run_trace(chosen, pieces, fidelity.value, sink)
    if as_json:
        typer.echo(json_text(result.as_json()), nl=False)
        return
    show(memory_report(result))
    if commands is not None:
        typer.echo(f"wrote {commands}")


@app.command("dram-trace")
def dram_trace(
    pattern: Annotated[Pattern, typer.Argument(help="What the requests look like.")],
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
    from accelsim.config import Document, validated
    from accelsim.memory.patterns import TracePattern, generate
    from accelsim.report.commands import trace_file, write_trace

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
    spec = validated(TracePattern, Document("", values, places))
    write_trace(out, generate(spec))
    typer.echo(f"wrote {out}")
