"""The sweep command."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.options import JsonArgument
from accelsim.cli.output import show

SECONDS_APART = 5.0  # of progress lines where there is no terminal


@app.command("sweep")
def sweep_command(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.yaml", help="Hardware, networks, parameters, constraints.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where points.csv goes, and what a resumed sweep needs.")],
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes; one a core unless given.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask cluster, such as tcp://host:8786.")
    ] = None,
    as_json: JsonArgument = False,
) -> None:
    """Simulate many points; the same command resumes what was stopped."""
    from accelsim.config.files import format_json
    from accelsim.report.sweep import sweep_report
    from accelsim.studies.sweep import sweep as run

    with PointProgress() as progress:
        done = run(spec, out, workers, scheduler, progress)
    if as_json:
        typer.echo(format_json(done.summary), nl=False)
        return
    show(sweep_report(done.summary))
    for path in done.files:
        typer.echo(f"wrote {path}")


class PointProgress:
    """On a terminal's standard error a bar, elsewhere a line now and then: points done, their rate, time left."""

    def __init__(self) -> None:
        self.began = self.told = perf_counter()
        self.before: int | None = None  # points that were there when the first new ones came
        self.width = 0

    def __enter__(self) -> PointProgress:
        return self

    def __call__(self, done: int, total: int) -> None:
        now, terminal = perf_counter(), sys.stderr.isatty()
        if self.before is None:
            self.before, self.began = done, now
        if done < total and now - self.told < (0.2 if terminal else SECONDS_APART):
            return
        if not terminal and now - self.began < SECONDS_APART and done == total:
            return
        self.told = now
        line = self._line(done, total, now)
        if terminal:
            sys.stderr.write(f"\r{line.ljust(self.width)}")
            self.width = len(line)
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def _line(self, done: int, total: int, now: float) -> str:
        line = f"{done:,} of {total:,} points"
        fresh = done - (self.before or 0)
        if fresh <= 0 or now <= self.began:
            return line
        rate = fresh / (now - self.began)
        minutes, seconds = divmod(round((total - done) / rate), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        speed = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
        return f"{line}, {speed} points/s, {left} left"

    def __exit__(self, *raised: object) -> None:
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()
