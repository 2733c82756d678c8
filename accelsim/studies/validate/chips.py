"""Measured chips beside what their hardware files give: rates of TPU v1's applications, times of Eyeriss's layers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

from accelsim.config.places import locate_anchors
from accelsim.load import load_hardware, load_workload
from accelsim.simulation.network import simulate
from accelsim.simulation.result import LayerResult

TPU, EYERISS, ALEXNET = "tpu_v1", "eyeriss_os", "alexnet_grouped"
BATCH = 4  # of AlexNet's measurements: Chen et al., JSSC 2017, section VI
ALL = "all five"  #: names the row that sums all layers
ON_ARRAY, IN_ALL = "processing_us", "total_us"  #: the two latencies of Table V: without and with DRAM traffic
OTHER_DATAFLOW = "Not judged: the chip is row-stationary, which none of our dataflows is. "
EYERISS_NOTES = {
    ("os", ON_ARRAY): "The array alone against the chip's time with all DRAM traffic hidden. Mostly too fast: the chip "
    "has 80 to 93 % of its PEs active and fills them anew for each pass; ours lose a fold's edges, way in and out.",
    ("os", IN_ALL): "With DRAM. Far too slow: sums stay in the PEs, so a tile is no larger than the array and operands "
    "come from DRAM again for each; the chip keeps filter rows in PEs and sums in its buffer, and compresses zeros.",
    ("ws", IN_ALL): "With DRAM, engine.dataflow=ws: weights in the PEs and sums in the buffer, as on the chip, so "
    "traffic is nearer. Neither its register files nor its compression of zeros is here.",
}  #: why ours differ, by dataflow and latency, in the order of the anchors


class Chip(NamedTuple):
    """A measured figure of a chip beside the simulated one; fields as those of an ``Anchor``."""

    group: str
    name: str
    measured: int
    simulated: int
    band: float | None  #: the largest relative error allowed; None where the figure is shown and not judged
    source: str
    note: str


def compare_chips() -> Iterator[Chip]:
    """Simulate every measured figure of both chips."""
    yield from _tpu()
    yield from _eyeriss()


def _rows(file: str) -> list[dict[str, str]]:
    """The rows of a CSV of figures, by column."""
    with (locate_anchors() / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _tpu() -> Iterator[Chip]:
    """Achieved rates of TPU v1's applications, in 1e9 operations a second; a MAC is two operations."""
    hardware = load_hardware(TPU)
    for row in _rows("tpu_v1_measured.csv"):
        result = simulate(hardware, load_workload(row["workload"]))
        summary = result.summary
        gops = round(2 * summary["macs"] * hardware.clock_mhz / summary["total_cycles"] / 1e3)
        measured, band = int(row["gops"]), float(row["band"])
        yield Chip("TPU v1 GOPS", row["workload"], measured, gops, band, row["source"], row["note"])


def _eyeriss() -> Iterator[Chip]:
    """Times of AlexNet's convolutions on Eyeriss, each by itself and all together, in microseconds."""
    rows = _rows("eyeriss_measured.csv")
    workload = load_workload(ALEXNET, [f"batch={BATCH}"])
    results: dict[str, tuple[LayerResult, ...]] = {}
    for (dataflow, latency), note in EYERISS_NOTES.items():
        hardware = load_hardware(EYERISS, [f"engine.dataflow={dataflow}"])
        if dataflow not in results:
            results[dataflow] = simulate(hardware, workload).rows
        for row in rows:
            wanted = [r["layer"] for r in rows] if row["layer"] == ALL else [row["layer"]]
            layers = [layer for layer in results[dataflow] if layer.layer in wanted]
            cycles = sum(layer.compute_cycles if latency == ON_ARRAY else layer.total_cycles for layer in layers)
            group = f"Eyeriss us, {dataflow} {'array' if latency == ON_ARRAY else 'and DRAM'}"
            us = round(cycles / hardware.clock_mhz)
            yield Chip(group, row["layer"], int(row[latency]), us, None, row["source"], OTHER_DATAFLOW + note)
