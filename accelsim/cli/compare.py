"""The compare command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from accelsim.cli.app import app
from accelsim.cli.options import JsonArgument, SettingsArgument
from accelsim.cli.output import ProgressBar, show

if TYPE_CHECKING:
    from rich.console import RenderableType


@app.command("compare")
def compare_command(
    workload: Annotated[
        str | None, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")
    ] = None,
    hw: Annotated[
        list[str] | None,
        typer.Option("--hw", metavar="HW", help="Shipped name, YAML or SCALE-Sim cfg. Repeats. [default: edge_npu]"),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="P,P", help="Of all operands and PEs, the baseline first: fp32,int8,int4.")
    ] = None,
    sparsity: Annotated[
        str | None, typer.Option(metavar="S,S", help="Of weights: dense, n:m (2:4), or a share of zeros (0.5).")
    ] = None,
    settings: SettingsArgument = None,
    claims: Annotated[
        bool, typer.Option("--claims", help="Instead: five classic claims on shipped networks, with their fine print.")
    ] = False,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write compare.csv, compare.svg and compare.png there.")
    ] = None,
    as_json: JsonArgument = False,
) -> None:
    """Compare hardware, precisions and sparsities: gains, what they promised, and what took the rest."""
    from accelsim.config import UserError
    from accelsim.config.files import format_json, prepare_folder
    from accelsim.report.compare_files import COMPARISON_FILES, write_comparison

    if claims and (workload or hw or precision or sparsity or settings):
        raise UserError("--claims: brings its own networks and hardware; allowed beside it: --out, --json")
    if not claims and workload is None:
        raise UserError("compare: give a WORKLOAD, or --claims")
    folder = None if out is None else prepare_folder(out, COMPARISON_FILES)
    if claims or workload is None:
        records, told, report = _claimed()
    else:
        records, told, report = _compared(workload, hw or ["edge_npu"], precision, sparsity, settings or [])
    written = write_comparison(folder, records) if folder else []
    if as_json:
        typer.echo(format_json(told), nl=False)
        return
    show(report)
    for path in written:
        typer.echo(f"wrote {path}")


Shown = tuple[list[dict[str, Any]], dict[str, Any], "RenderableType"]  # records, JSON, and what people read


def _claimed() -> Shown:
    from accelsim.report.compare import claims_report
    from accelsim.studies.claims import CLAIMS

    with ProgressBar(len(CLAIMS), shown=True, doing="comparing") as advance:
        found = []
        for claim in CLAIMS:
            found.append(claim())
            if advance:
                advance(found[-1].name)
    told = {"claims": [claim.as_json() for claim in found]}
    report = claims_report([(claim.title, claim.text, claim.records) for claim in found])
    return [record for claim in found for record in claim.records], told, report


def _compared(
    workload: str, machines: list[str], precision: str | None, sparsity: str | None, settings: list[str]
) -> Shown:
    from accelsim.load import load_hardware, load_workload, split_settings
    from accelsim.report.compare import comparison_report
    from accelsim.studies import compare as comparison

    of_hardware, of_workload = split_settings(settings)
    hardware = [load_hardware(name, of_hardware) for name in dict.fromkeys(machines)]
    network = load_workload(workload, of_workload)
    precisions, sparsities = _list("precision", precision), _list("sparsity", sparsity) or ["dense"]
    runs = len(hardware) * len(precisions or [""]) * len({"dense", *sparsities})
    with ProgressBar(runs, shown=True, doing="comparing") as advance:
        records = comparison.compare(hardware, network, precisions, sparsities, advance).records
    told = {"workload": network.name, "settings": settings, "rows": records}
    return records, told, comparison_report(records, settings)


def _list(option: str, text: str | None) -> list[str] | None:
    """The parts of a text with commas, each once."""
    from accelsim.config import UserError

    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise UserError(f"--{option} '{text}': should be values with commas between them")
    return list(dict.fromkeys(parts))
