"""The command line: the only place that prints."""

from accelsim.cli import compare, runs, things
from accelsim.cli.app import app
from accelsim.cli.entry import main

__all__ = ["app", "compare", "main", "runs", "things"]
