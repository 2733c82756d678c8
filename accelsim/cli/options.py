"""What the command line's options take, and what their help says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class FidelityOption(StrEnum):
    """How cycles are found."""

    closed = "closed"
    stepped = "stepped"


class DramFidelityOption(StrEnum):
    """How exactly DRAM is modelled."""

    ideal = "ideal"
    transaction = "transaction"
    cycle = "cycle"


class DeviceFidelityOption(StrEnum):
    """How exactly a memory device alone is modelled."""

    transaction = "transaction"
    cycle = "cycle"


class TracePatternOption(StrEnum):
    """Of a trace that is made."""

    stream = "stream"
    stride = "stride"
    random = "random"
    copies = "copies"
    tiles = "tiles"


class PrecisionOption(StrEnum):
    """Of operands and PEs."""

    int2 = "int2"
    int4 = "int4"
    int8 = "int8"
    int16 = "int16"
    fp16 = "fp16"
    bf16 = "bf16"
    fp32 = "fp32"


class ListKindOption(StrEnum):
    """What list lists."""

    hw = "hw"
    workloads = "workloads"
    devices = "devices"
    technologies = "technologies"


HardwareArgument = Annotated[str, typer.Option("--hw", metavar="HW", help="Shipped name, YAML file or SCALE-Sim cfg.")]
SettingsArgument = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: engine.rows=16, workload.batch=4. Repeats."),
]
HardwareSettingsArgument = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the hardware: engine.rows=16. Repeats."),
]
JsonArgument = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
FidelityArgument = Annotated[
    FidelityOption, typer.Option(help="closed: by formula; stepped: cycle by cycle, products checked.")
]
PrecisionArgument = Annotated[PrecisionOption | None, typer.Option(help="Of all operands and of the PEs.")]
SparsityArgument = Annotated[
    str | None,
    typer.Option(metavar="S", help="Of weights: dense, n:m (2:4), or a share of zeros anywhere (0.5)."),
]
TensorsArgument = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Real operands: LAYER.activation.npy, LAYER.weight.npy.")
]
ProfileArgument = Annotated[
    str | None, typer.Option(metavar="FILE", help="Activation widths per convolution: a CSV, or stripes, which ships.")
]
AccuracyArgument = Annotated[str | None, typer.Option(metavar="PERCENT", help="Row of the profile, 100% unless given.")]
DramArgument = Annotated[
    DramFidelityOption | None,
    typer.Option(help="A bandwidth, requests, or every command; default: the most exact that the file allows."),
]
OutArgument = Annotated[
    str | None, typer.Option(metavar="DIR", help="Write layers.csv, summary.json and timeline.svg there.")
]
TraceArgument = Annotated[
    Path | None, typer.Option(metavar="FILE.json", help="Write when each layer and unit works, for ui.perfetto.dev.")
]
TimelineArgument = Annotated[
    str | None, typer.Option(metavar="LAYER", help="Whose timeline --out writes; default: the costliest layer's.")
]
