"""What the command line's options take, and what their help says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Fidelity(StrEnum):
    """How cycles are found."""

    closed = "closed"
    stepped = "stepped"


class DramFidelity(StrEnum):
    """How exactly DRAM is modelled."""

    ideal = "ideal"
    transaction = "transaction"
    cycle = "cycle"


class DeviceFidelity(StrEnum):
    """How exactly a memory device alone is modelled."""

    transaction = "transaction"
    cycle = "cycle"


class Pattern(StrEnum):
    """Of a trace that is made."""

    stream = "stream"
    stride = "stride"
    random = "random"
    copies = "copies"
    tiles = "tiles"


class Precision(StrEnum):
    """Of operands and PEs."""

    int2 = "int2"
    int4 = "int4"
    int8 = "int8"
    int16 = "int16"
    fp16 = "fp16"
    bf16 = "bf16"
    fp32 = "fp32"


class Kind(StrEnum):
    """What list lists."""

    hw = "hw"
    workloads = "workloads"
    devices = "devices"
    technologies = "technologies"


Hw = Annotated[str, typer.Option("--hw", metavar="HW", help="Shipped name, YAML file or SCALE-Sim cfg.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: engine.rows=16, workload.batch=4. Repeats."),
]
HwSets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the hardware: engine.rows=16. Repeats."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Steps = Annotated[Fidelity, typer.Option(help="closed: by formula; stepped: cycle by cycle, products checked.")]
Width = Annotated[Precision | None, typer.Option(help="Of all operands and of the PEs.")]
Sparsity = Annotated[
    str | None,
    typer.Option(metavar="S", help="Of weights: dense, n:m (2:4), or a share of zeros anywhere (0.5)."),
]
Tensors = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Real operands: LAYER.activation.npy, LAYER.weight.npy.")
]
ProfileFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="Activation widths per convolution: a CSV, or stripes, which ships.")
]
Accuracy = Annotated[str | None, typer.Option(metavar="PERCENT", help="Row of the profile, 100% unless given.")]
Dram = Annotated[
    DramFidelity | None,
    typer.Option(help="A bandwidth, requests, or every command; default: the most exact that the file allows."),
]
Out = Annotated[str | None, typer.Option(metavar="DIR", help="Write layers.csv, summary.json and timeline.svg there.")]
Trace = Annotated[
    Path | None, typer.Option(metavar="FILE.json", help="Write when each layer and unit works, for ui.perfetto.dev.")
]
TimelineOf = Annotated[
    str | None, typer.Option(metavar="LAYER", help="Whose timeline --out writes; default: the costliest layer's.")
]
