"""Commands that simulate: run and gemm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import (
    Accuracy,
    Dram,
    DramFidelity,
    Fidelity,
    Hw,
    HwSets,
    Json,
    Out,
    ProfileFile,
    Sets,
    Sparsity,
    Steps,
    Tensors,
    Width,
)
from accelsim.cli.output import Progress, show

if TYPE_CHECKING:
    from accelsim.workload import Workload


@app.command()
def run(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: Hw = "edge_npu",
    settings: Sets = None,
    precision: Width = None,
    sparsity: Sparsity = None,
    fidelity: Steps = Fidelity.closed,
    tensors: Tensors = None,
    precision_profile: ProfileFile = None,
    accuracy: Accuracy = None,
    dram: Dram = DramFidelity.ideal,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run a network: cycles, stalls, energy, what bounds it."""
    from accelsim.compress import at_precision, sparse
    from accelsim.config import UserError
    from accelsim.load import load_hardware, load_workload, split_settings
    from accelsim.report.files import RESULT_FILES, json_text, prepared, write_result
    from accelsim.simulation import simulate

    of_hardware, of_workload = split_settings(settings or [])
    hardware, network = load_hardware(hw, of_hardware), load_workload(workload, of_workload)
    if precision is not None:
        hardware, network = at_precision(hardware, network, precision.value)
    if sparsity is not None and any(text.startswith("engine.pattern=") for text in of_hardware):
        raise UserError(f"--sparsity {sparsity}: sets engine.pattern, as a --set does; give one of them")
    if sparsity is not None:
        hardware, network = sparse(hardware, network, sparsity)
    notes = []
    if precision_profile:
        network, note = _profiled(network, precision_profile, accuracy or "100%")
        notes.append(note)
    elif accuracy is not None:
        raise UserError(f"--accuracy {accuracy}: is a row of a profile; give --precision-profile as well")
    if tensors is not None and not tensors.is_dir():
        raise UserError(f"--tensors {tensors}: is no folder")
    folder = None if out is None else prepared(out, RESULT_FILES)
    with Progress(len(network.nodes), shown=fidelity is Fidelity.stepped) as advance:
        result = simulate(hardware, network, fidelity.value, dram.value, progress=advance, tensors=tensors,
                          prune=sparsity is not None)  # fmt: skip
    result.summary["settings"] = settings or []
    result.summary["notes"] += notes
    written = write_result(folder, result) if folder else []
    if as_json:
        layers = [result.record(row) for row in result.rows]
        typer.echo(json_text({**result.summary, "layers": layers}), nl=False)
        return
    from accelsim.report.tables import run_report

    show(run_report(result.rows, result.summary))
    for path in written:
        typer.echo(f"wrote {path}")


@app.command()
def gemm(
    m: Annotated[str, typer.Argument(metavar="M", help="Rows of the result.")],
    k: Annotated[str, typer.Argument(metavar="K", help="Reduction.")],
    n: Annotated[str, typer.Argument(metavar="N", help="Columns of the result.")],
    hw: Hw = "edge_npu",
    settings: HwSets = None,
    fidelity: Steps = Fidelity.closed,
    as_json: Json = False,
) -> None:
    """One product, M x K by K x N, on the array alone, without memory."""
    from accelsim.config import parse_sizes
    from accelsim.load import load_hardware
    from accelsim.report.files import json_text
    from accelsim.simulation import count_gemm

    hardware = load_hardware(hw, settings or [])
    rows, reduction, columns = parse_sizes({"M": m, "K": k, "N": n})
    counted = count_gemm(hardware, rows, reduction, columns, fidelity.value)
    if as_json:
        typer.echo(json_text(counted), nl=False)
        return
    from accelsim.report.tables import gemm_report

    show(gemm_report(counted, hardware))


def _profiled(network: Workload, name: str, accuracy: str) -> tuple[Workload, str]:
    """The network at a profile's widths, and a note on where they come from."""
    from accelsim.profiles import at_profile, profile_file, read_profile

    path = profile_file(name)
    profile = read_profile(path, network.name, accuracy)
    return at_profile(network, profile), f"activation widths of {path.name} at {accuracy}: {profile.provenance}"
