"""The run command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.inputs import chosen, profiled
from accelsim.cli.options import (
    AccuracyArgument,
    DramArgument,
    FidelityArgument,
    FidelityOption,
    HardwareArgument,
    JsonArgument,
    OutArgument,
    PrecisionArgument,
    ProfileArgument,
    SettingsArgument,
    SparsityArgument,
    TensorsArgument,
    TimelineArgument,
    TraceArgument,
)
from accelsim.cli.output import ProgressBar, show


@app.command("run")
def run_command(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: HardwareArgument = "edge_npu",
    settings: SettingsArgument = None,
    precision: PrecisionArgument = None,
    sparsity: SparsityArgument = None,
    fidelity: FidelityArgument = FidelityOption.closed,
    tensors: TensorsArgument = None,
    precision_profile: ProfileArgument = None,
    accuracy: AccuracyArgument = None,
    dram: DramArgument = None,
    out: OutArgument = None,
    timeline: TimelineArgument = None,
    trace: TraceArgument = None,
    as_json: JsonArgument = False,
) -> None:
    """Run a network: cycles, stalls, energy, what bounds it."""
    from accelsim.config import UserError, suggest
    from accelsim.config.files import format_json, prepare_folder, write_file
    from accelsim.report.run_files import RESULT_FILES, write_result
    from accelsim.report.run_perfetto import trace_text
    from accelsim.report.run_timeline import timeline_image
    from accelsim.simulation.network import replay, simulate

    hardware, network = chosen(workload, hw, settings, precision, sparsity)
    network, notes = profiled(network, precision_profile, accuracy)
    if tensors is not None and not tensors.is_dir():
        raise UserError(f"--tensors {tensors}: is no folder")
    if timeline is not None:
        if out is None:
            raise UserError(f"--timeline {timeline}: needs --out DIR, the folder to write it to")
        names = [node.layer.name for node in network.nodes]
        if timeline not in names:
            raise UserError(f"--timeline {timeline}: no layer of {network.name}{suggest(timeline, names)}")
    if trace is not None:
        if trace.suffix.lower() != ".json":
            raise UserError(f"--trace {trace}: JSON is what is written; allowed: a name that ends in .json")
        prepare_folder(trace.parent, [trace.name])
    folder = None if out is None else prepare_folder(out, RESULT_FILES)
    with ProgressBar(len(network.nodes), shown=fidelity is FidelityOption.stepped) as advance:
        result = simulate(
            hardware,
            network,
            fidelity.value,
            dram.value if dram else None,
            progress=advance,
            tensors=tensors,
            prune=sparsity is not None,
        )
    result.summary["settings"] = settings or []
    result.summary["notes"] += notes
    written = []
    if folder:
        costliest = max(result.rows, key=lambda row: row.total_cycles)
        layer = next((row for row in result.rows if row.layer == timeline), costliest)
        played = replay(hardware, network, result, layer.layer, tensors)
        written = write_result(folder, result, timeline_image(layer, played, hardware) if played else None)
    if trace:
        write_file(trace, trace_text(result, hardware.clock_mhz))
        written.append(trace)
    if as_json:
        layers = [result.record(row) for row in result.rows]
        typer.echo(format_json({**result.summary, "layers": layers}), nl=False)
        return
    from accelsim.report.run import run_report

    show(run_report(result.rows, result.summary))
    for path in written:
        typer.echo(f"wrote {path}")
