"""A sweep that tests vary, and what its table begins with."""

from accelsim.studies.sweep import design_points
from accelsim.studies.sweep.spec import read_study

SPEC = """\
hardware: edge_npu
workload: [ad_autoencoder, resnet8]
parameters:
  engine.rows: [8, 16]
  engine.dataflow: [os, ws, is]
  sram.ifmap.capacity_kib: {from: 64, to: 128, scale: log2}
constraints: ["engine.rows * engine.cols <= 1024"]
"""


HEADER = [
    "engine.rows",
    "engine.dataflow",
    "sram.ifmap.capacity_kib",
    "workload",
    "total_cycles",
    "latency_ms",
    "energy_uj",
    "average_power_mw",
    "utilization",
    "error",
]


def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def points(study, **changes):
    data = {"hardware": "edge_npu", "workload": "resnet8", "parameters": study, **changes}
    return design_points.choose_points(read_study(data)).points
