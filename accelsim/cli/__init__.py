"""The command line: the only place that prints."""

from accelsim.cli import roofline, runs, things
from accelsim.cli.app import app
from accelsim.cli.entry import main

__all__ = ["app", "main", "roofline", "runs", "things"]
