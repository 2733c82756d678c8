"""The command line: the only place that prints. Each command has a file of its own name."""

from importlib import import_module

from accelsim.cli.app import app
from accelsim.cli.entry import main

__all__ = ["app", "main"]

COMMANDS = (  # as help lists them
    "run",
    "gemm",
    "compare",
    "sweep",
    "pareto",
    "roofline",
    "dvfs",
    "dvfs_fit",
    "gating",
    "dutycycle",
    "report",
    "dram",
    "dram_trace",
    "list",
    "show",
    "validate",
    "import_",
    "warmup",
)

for command in COMMANDS:
    import_module(f"accelsim.cli.{command}")
