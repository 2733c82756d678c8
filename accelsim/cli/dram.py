"""The dram command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import DeviceFidelityOption, JsonArgument
from accelsim.cli.output import show


@app.command("dram")
def dram_command(
    trace: Annotated[
        Path, typer.Argument(metavar="TRACE", help="Requests: CSV (arrival_cycle,address,is_write) or npz.")
    ],
    device: Annotated[str, typer.Option(metavar="NAME", help="Shipped device (list devices), or a YAML file.")],
    mapping: Annotated[
        str | None,
        typer.Option(metavar="MAP", help="Address fields, most significant first, as rochrababgco."),
    ] = None,
    fidelity: Annotated[
        DeviceFidelityOption, typer.Option(help="cycle: command by command; transaction: request by request.")
    ] = DeviceFidelityOption.cycle,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the device: channels=8. Repeats."),
    ] = None,
    commands: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write every command with its cycle there.")
    ] = None,
    as_json: JsonArgument = False,
) -> None:
    """Run a trace of requests through a memory device: cycles, latency, row hits, energy."""
    from accelsim.config.files import format_json
    from accelsim.load import load_device
    from accelsim.memory.device_run import run_trace
    from accelsim.memory.traces import read_trace
    from accelsim.report.dram import dram_report
    from accelsim.report.dram_files import command_list, for_commands

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
        typer.echo(format_json(result.as_record()), nl=False)
        return
    show(dram_report(result))
    if commands is not None:
        typer.echo(f"wrote {commands}")
