"""The command line: the only place that prints."""

from accelsim.cli import runs, sweep, things
from accelsim.cli.app import app
from accelsim.cli.entry import main

__all__ = ["app", "main", "runs", "sweep", "things"]
