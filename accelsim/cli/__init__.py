"""The command line: the only place that prints."""

from accelsim.cli import runs, compare, sweep, roofline, power, duty, pages, dram, things  # isort: skip  (help lists commands in this order)
from accelsim.cli.app import app
from accelsim.cli.entry import main

__all__ = ["app", "compare", "dram", "duty", "main", "pages", "power", "roofline", "runs", "sweep", "things"]
