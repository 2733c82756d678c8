"""The command line: the only place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accelsim.options import (
    Accuracy,
    Dram,
    DramFidelity,
    Fidelity,
    Hw,
    HwSets,
    Json,
    Kind,
    Out,
    Precision,
    ProfileFile,
    Sets,
    Sparsity,
    Steps,
    Tensors,
    Width,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from accelsim.hardware import Hardware
    from accelsim.workload import Workload

app = typer.Typer(
    help="Cycle-exact simulation of edge-AI accelerators: cycles, stalls and energy of real networks.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

PLAIN_WIDTH = 100  # of tables that go into a pipe or a file
COMMANDS = ("run", "gemm", "list", "show", "validate", "import", "warmup")


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    if version:
        from accelsim import __version__

        typer.echo(f"accelsim {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


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
    from accelsim.compress import sparse
    from accelsim.config import UserError
    from accelsim.report.files import RESULT_FILES, json_text, prepared, write_result
    from accelsim.simulation import simulate

    hardware, network = _loaded(hw, workload, settings or [], precision)
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
    with _Progress(len(network.nodes), shown=fidelity is Fidelity.stepped) as advance:
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

    _show(run_report(result.rows, result.summary))
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

    _show(gemm_report(counted, hardware))


@app.command("list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Json = False,
) -> None:
    """List what ships: hardware, workloads, technologies."""
    from accelsim.report.files import json_text
    from accelsim.report.listing import listing, listing_report

    entries = listing(kind.value)
    if as_json:
        typer.echo(json_text({kind.value: entries}), nl=False)
    else:
        _show(listing_report(entries))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network, hardware or technology: name or path.")],
    hw: Hw = "edge_npu",
    settings: Sets = None,
    as_json: Json = False,
) -> None:
    """Show a network and whether it fits, hardware with its sources, or an energy table."""
    from accelsim.report.files import json_text
    from accelsim.report.listing import shown

    value, report = shown(name, hw, settings or [])
    if as_json:
        typer.echo(json_text(value), nl=False)
    else:
        _show(report)


@app.command()
def validate(as_json: Json = False) -> None:
    """Hold the simulator against published figures.

    Exit status 1 where one of them leaves its band.
    """
    from accelsim.report.files import json_text
    from accelsim.validate import anchors, report, totals

    checked = anchors()
    if as_json:
        typer.echo(json_text(totals(checked)), nl=False)
    else:
        _show(report(checked))
    if not all(anchor.holds for anchor in checked):
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX model, SCALE-Sim topology CSV or cfg.")],
    out: Annotated[Path, typer.Option(metavar="FILE.yaml", help="Where the YAML goes.")],
) -> None:
    """Turn another tool's model or configuration into YAML."""
    from accelsim.config import UserError
    from accelsim.importers import dump
    from accelsim.load import imported
    from accelsim.report.files import prepared, write

    if out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError(f"--out {out}: YAML is what is written; allowed: a name that ends in .yaml")
    prepared(out.parent, [out.name])
    write(out, dump(imported(file)))
    typer.echo(f"wrote {out}")


@app.command()
def warmup() -> None:
    """Compile the kernels now, not in the first run."""
    from accelsim.simulation import compile_kernels

    seconds = compile_kernels()
    typer.echo(f"kernels ready in {seconds:.1f} s")


def _loaded(hw: str, workload: str, settings: list[str], precision: Precision | None) -> tuple[Hardware, Workload]:
    """Hardware and network with their settings; a precision sets the PEs and every layer's widths."""
    from accelsim.config import UserError
    from accelsim.hardware import BITS
    from accelsim.load import load_hardware, load_workload, split_settings
    from accelsim.workload import at_width

    of_hardware, of_workload = split_settings(settings)
    hardware, network = load_hardware(hw, of_hardware), load_workload(workload, of_workload)
    if precision is None:
        return hardware, network
    if hardware.engine.kind != "bitserial":  # bit-serial units take every width that is narrow enough
        hardware = load_hardware(hw, [*of_hardware, f"engine.precision={precision.value}"])
    elif not precision.value.startswith("int"):
        raise UserError(f"--precision {precision.value}: {hardware.name} takes integers only")
    return hardware, at_width(network, BITS[precision.value])


def _profiled(network: Workload, name: str, accuracy: str) -> tuple[Workload, str]:
    """The network at a profile's widths, and a note on where they come from."""
    from accelsim.profiles import at_profile, profile_file, read_profile

    path = profile_file(name)
    profile = read_profile(path, network.name, accuracy)
    return at_profile(network, profile), f"activation widths of {path.name} at {accuracy}: {profile.provenance}"


def _show(report: RenderableType) -> None:
    """Print, 100 columns wide where it is no terminal and nobody says otherwise; a wider table is not cut."""
    from rich.console import Console

    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(width=None if wide else PLAIN_WIDTH, highlight=False, soft_wrap=False).print(report, crop=False)


class _Progress:
    """A bar on a terminal's standard error; nothing in a pipe."""

    def __init__(self, total: int, shown: bool) -> None:
        self.total, self.shown = total, shown and sys.stderr.isatty()
        self.bar: Any = None

    def __enter__(self) -> Callable[[str], None] | None:
        if not self.shown:
            return None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.bar.__enter__()
        task = self.bar.add_task("stepping", total=self.total)
        return lambda layer: self.bar.update(task, advance=1, description=layer)

    def __exit__(self, *raised: object) -> None:
        if self.bar:
            self.bar.__exit__(*raised)


def main() -> None:
    """Entry point: a user's mistake is one line and exit status 2, a failed run 1, Ctrl-C 130; never a traceback."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _failed(error)
    sys.exit(code if isinstance(code, int) else 0)


def _failed(error: Exception) -> int:
    from accelsim.config import UserError

    if isinstance(error, UserError):
        return _told(" ".join(str(error).split()), 2)
    if hasattr(error, "format_message"):  # a usage error, of click or of the click that typer carries
        return _told(_usage(" ".join(error.format_message().split())), 2)
    if os.environ.get("ACCELSIM_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.filename:
        return _told(f"{error.filename}: {(error.strerror or str(error)).lower()}", 1)
    if isinstance(error, MemoryError):
        return _told("not enough memory for this run", 1)
    what = f"{type(error).__name__}: {error}"
    return _told(f"failed: {' '.join(what.split())} (a traceback: ACCELSIM_DEBUG=1)", 1)


def _usage(message: str) -> str:
    """A usage error; a command that does not exist gets the nearest one."""
    from accelsim.config import nearest

    message = message.replace("Value error, ", "")
    if not message.startswith("No such command '"):
        return message
    word = message.split("'")[1]
    return f"no command called '{word}'{nearest(word, COMMANDS)}"


def _told(line: str, code: int) -> int:
    sys.stderr.write(f"accelsim: {line}\n")
    return code
