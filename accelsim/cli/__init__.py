"""The command line: the only place that prints. Each command has a file of its own name."""

from importlib import import_module

from accelsim.cli.app import app
from accelsim.cli.entry import run_command_line

__all__ = ["app", "run_command_line"]

COMMAND_FILES = (  # as help lists them
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

for command in COMMAND_FILES:
    import_module(f"accelsim.cli.{command}")
