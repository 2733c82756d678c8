"""What commands print: reports on standard output, progress on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

PLAIN_WIDTH = 100  # of tables that go into a pipe or a file


def show(report: RenderableType) -> None:
    """Print, 100 columns wide where it is no terminal and nobody says otherwise; a wider table is not cut."""
    from rich.console import Console

    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(width=None if wide else PLAIN_WIDTH, highlight=False, soft_wrap=False).print(report, crop=False)


class ProgressBar:
    """A bar on a terminal's standard error; nothing in a pipe."""

    def __init__(self, total: int, shown: bool, doing: str = "stepping") -> None:
        self.total, self.shown, self.doing = total, shown and sys.stderr.isatty(), doing
        self.bar: Any = None

    def __enter__(self) -> Callable[[str], None] | None:
        if not self.shown:
            return None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self.bar.__enter__()
        task = self.bar.add_task(self.doing, total=self.total)
        return lambda layer: self.bar.update(task, advance=1, description=layer)

    def __exit__(self, *raised: object) -> None:
        if self.bar:
            self.bar.__exit__(*raised)
