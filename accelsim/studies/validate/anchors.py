"""The anchors: published and measured figures that the package carries, each compared with what is simulated now."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import TYPE_CHECKING, Any, NamedTuple

from accelsim.config.places import locate_anchors, locate_workloads
from accelsim.engines.base import Engine
from accelsim.engines.products import Products
from accelsim.engines.table import build_engine
from accelsim.hardware import BankedDevice, Hardware
from accelsim.load import list_names, load_device, load_hardware, load_workload
from accelsim.memory.device_run import run_trace
from accelsim.memory.traces import read_trace
from accelsim.power.law_fit import fit_clock, score_clock, sort_clocks
from accelsim.power.measured_points import MeasuredPoint
from accelsim.power.thermal import Package, find_steady_k
from accelsim.studies.dvfs_fit import dvfs_fit
from accelsim.studies.validate.chips import compare_chips
from accelsim.studies.validate.gpu_calibration import HELD_OUT, calibrate_gpus
from accelsim.workload.gemm import Gemm, apply_pattern, find_operand_widths, lower_to_gemm
from accelsim.workload.precision_profiles import apply_profile, read_profile

if TYPE_CHECKING:
    import pandas as pd

ANCHORS = locate_anchors()
GPU_BAND = 0.15  # error allowed on times that the calibrated model was not fitted to
GPUS = "GPU kernel ns,"  # begins the names of all groups of GPU kernels


class Anchor(NamedTuple):
    """One published figure beside the simulated one, both in the unit that the group names."""

    group: str  #: what is compared, such as "RTL cycles"
    name: str
    expected: int
    simulated: int
    band: float | None  #: the largest relative error allowed; None where the figure is shown and not judged
    source: str
    note: str = ""  #: why the error is what it is

    @property
    def error(self) -> float:
        """Relative error of the simulated figure, below 0 where it is too small."""
        return (self.simulated - self.expected) / self.expected

    @property
    def holds(self) -> bool:
        """Whether the error is within the band, if there is one."""
        return self.band is None or abs(self.error) <= self.band


@dataclass(frozen=True)
class Validation:
    """All anchors, compared with what this version simulates."""

    anchors: tuple[Anchor, ...]

    @property
    def holds(self) -> bool:
        """Whether every anchor is within its band."""
        return all(anchor.holds for anchor in self.anchors)

    @property
    def records(self) -> list[dict[str, Any]]:
        """A mapping of plain values for each anchor: its fields, ``error`` and ``holds``."""
        return [{**anchor._asdict(), "error": anchor.error, "holds": anchor.holds} for anchor in self.anchors]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The records as a table, with a row for each anchor."""
        import pandas as pd

        return pd.DataFrame(self.records)


def validate() -> Validation:
    """Simulate every anchor and compare it with its published figure; this takes some seconds.

    Returns the anchors, a DataFrame of them (``table``), and whether all of them are within their bands (``holds``).
    """
    anchors = (
        *_rtl(),
        *_scalesim(),
        *_stripes(),
        *_sparseloop(),
        *_gpus(),
        *_dram(),
        *_chips(),
        *_silicon(),
        *_hot(),
        *_published(),
    )
    return Validation(anchors)


def _rows(file: str) -> list[dict[str, str]]:
    """The rows of a CSV of figures, by column."""
    with (ANCHORS / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _array(base: Hardware, settings: Iterable[str]) -> Engine:
    """The engine of a hardware file with ``KEY=VALUE`` settings of its keys."""
    return build_engine(load_hardware(base.name, [f"engine.{setting}" for setting in settings]).engine)


def _rtl() -> Iterator[Anchor]:
    """Cycles of systolic arrays that exist as RTL."""
    base = load_hardware("textbook_os_32")
    for row in _rows("rtl_systolic.csv"):
        gemm = Gemm(int(row["m"]), int(row["k"]), int(row["n"]))
        cycles = _array(base, row["settings"].split()).count(gemm).cycles
        name = f"{row['design']}: {gemm.m}x{gemm.k}x{gemm.n}, {row['formula']}"
        yield Anchor("RTL cycles", name, int(row["cycles"]), cycles, 0.0, row["source"])


def _scalesim() -> Iterator[Anchor]:
    """Cycles and SRAM reads that SCALE-Sim counts; it prints the index of the last cycle, one less than a count."""
    base = load_hardware("scalesim_default")
    arrays: dict[tuple[str, ...], Engine] = {}
    for row in _rows("scalesim_expected.csv"):
        settings = tuple(f"{key}={row[key]}" for key in ("dataflow", "rows", "cols"))
        if settings not in arrays:
            arrays[settings] = _array(base, settings)
        counts = arrays[settings].count(Gemm(int(row["M"]), int(row["K"]), int(row["N"])))
        name = f"{row['topology']} {row['layer']} {row['dataflow']} {row['rows']}x{row['cols']}"
        source = "SCALE-Sim 3.0.0; its cycle is the index of the last one, ours a count"
        yield Anchor("SCALE-Sim cycles", name, int(row["total_cycles"]) + 1, counts.cycles, 0.0, source)
        for column, ours in (("ifmap", counts.activation_reads), ("filter", counts.weight_reads)):
            yield Anchor(f"SCALE-Sim {column} reads", name, int(row[f"sram_{column}_reads"]), ours, 0.0, source)


def _stripes() -> Iterator[Anchor]:
    """Cycles of bit-serial units for all convolutions of a network, with the widths of a precision profile."""
    for row in _rows("stripes_cycles.csv"):
        hardware = load_hardware(row["hardware"], row["settings"].split())
        profile = read_profile(ANCHORS / "stripes_precision_profiles.csv", row["profile"], row["accuracy"])
        workload = apply_profile(load_workload(row["network"]), profile)
        products = Products(hardware.engine, stepped=False)
        gemms = [
            lower_to_gemm(node, 1, bits)
            for node, bits in zip(workload.nodes, find_operand_widths(workload, 16), strict=True)
            if node.layer.type == "conv2d"
        ]
        cycles = sum(products.count(gemm, seed=0).counts.cycles for gemm in gemms if gemm)
        name = f"{row['network']} on {row['hardware']}"
        yield Anchor("bit-serial cycles", name, int(row["cycles"]), cycles, 0.0, row["source"])


def _sparseloop() -> Iterator[Anchor]:
    """Cycles of Sparseloop's dense, 2:4 and n:m tensor cores; in its letters M are filters and N pixels."""
    patterns = {
        "TC": {},
        "STC": dict.fromkeys(("0.25", "0.3333", "0.5"), "2:4"),
        "STC_flexible": {"0.25": "2:8", "0.3333": "2:6", "0.5": "2:4"},
    }
    for row in _rows("sparseloop_stc_expected.csv"):
        n, k, m = (int(part[1:]) for part in row["shape"].split("-")[:3])
        design, density = row["design"].partition("-")[0], row["weight_density"].removeprefix("WD-")
        pattern = patterns[design].get(density, "dense")
        hardware = load_hardware("sparseloop_stc", [f"engine.pattern={pattern}"])
        gemm = apply_pattern(Gemm(m, k, n), hardware.engine.sparse_pattern)
        cycles = Products(hardware.engine, stepped=False).count(gemm, seed=0).counts.cycles
        name = f"{design} {pattern}, density {density}: {n}x{k}x{m}"
        source = "Sparseloop (Wu et al., MICRO 2022), artifact, Fig. 15: tensor cores, 42 words a cycle"
        yield Anchor("tensor core cycles", name, int(row["cycles"]), cycles, 0.0, source)


def _gpus() -> Iterator[Anchor]:
    """Times of GPU kernels, in ns; only those that the calibrated model was not fitted to are judged."""
    for judged in calibrate_gpus().rows:
        row = judged.row
        for what, real, bound, model in zip(
            ("dense", "2:4"), row.times, judged.bound, judged.model or (None, None), strict=True
        ):
            name = f"{row.name} ({what})"
            real_ns = round(real * 1e6)
            yield Anchor(f"{GPUS} bound", name, real_ns, round(bound * 1e6), None, row.source)
            if model:
                band = GPU_BAND if judged.role == HELD_OUT else None
                group = f"{GPUS} {judged.role}"
                yield Anchor(group, name, real_ns, round(model * 1e6), band, row.source)


def _dram() -> Iterator[Anchor]:
    """Traces through DRAM devices; a row in which DRAMsim3 leaves writes undone has no total to compare."""
    configs = {row["config"]: row for row in _rows("dram_configs.csv")}
    for row in _rows("dram_expected.csv"):
        if int(row["writes_left_in_buffer"]):
            continue
        config = configs[row["config"]]
        device = load_device(config["device"], config["settings"].split())
        if not isinstance(device, BankedDevice):
            raise TypeError(f"{device.name} has no banks")
        trace = ANCHORS / "dram_traces" / f"{row['trace']}.npz"
        name = f"{row['config'].removeprefix('ds3_')} {row['trace']}"
        source = "DRAMsim3, commit 29817593, traces of the reference figures"
        band, total = float(config["cycles_band"]), int(row["total_cycles"])
        run = run_trace(device, read_trace(trace, device.capacity_bytes), "cycle")
        if band == 0:
            yield Anchor("DRAM cycles", name, total, run.total_cycles, 0.0, source)
            yield Anchor("DRAM activates", name, int(row["act"]), run.counts["ACT"], 0.0, source)
            yield Anchor("DRAM pJ", name, round(float(row["e_total_pJ"])), round(run.energy_pj), 0.001, source)
        else:
            group = "DRAM cycles, closed page" if device.page_policy == "closed" else "DRAM cycles, HBM2"
            yield Anchor(group, name, total, run.total_cycles, band, f"DRAMsim3, but {config['reason']}")
        run = run_trace(device, read_trace(trace, device.capacity_bytes), "transaction")
        yield Anchor("DRAM cycles by transaction", name, total, run.total_cycles, 0.10, source)


def _chips() -> Iterator[Anchor]:
    """Measured rates and times of chips; those of a chip with a dataflow that we do not have are not judged."""
    return (Anchor(*chip) for chip in compare_chips())


def _silicon() -> Iterator[Anchor]:
    """Measured powers and clocks beside the laws that are fitted to the same points: the fit itself is judged."""
    gap9 = dvfs_fit(ANCHORS / "dvfs_gap9_measured.csv")
    for score, row in zip(gap9.power_scores, _rows("dvfs_gap9_measured.csv"), strict=True):
        name = f"{row['chip']} {score.point.task} at {score.point.volt:g} V"
        fitted = round((score.fitted or 0) * 1e6)
        yield Anchor("fitted uW", name, round(score.measured * 1e6), fitted, 0.01, row["source"])
    rows = _rows("rk3588_npu_opp.csv")
    for grade in (name for name in rows[0] if name != "f_MHz"):
        points = [MeasuredPoint(0, "", float(row[grade]), float(row["f_MHz"]), None) for row in rows]
        clocks = sort_clocks(points)
        for score in score_clock(points, clocks, fit_clock(clocks.used, clocks.floor)):
            name = f"RK3588 NPU {grade} at {score.point.volt:g} V"
            source = "operating points of the RK3588's NPU by speed grade, V_L0 to V_L5 of the vendor's device tree"
            fitted = round((score.fitted or 0) * 1e3)
            yield Anchor("fitted kHz", name, round(score.measured * 1e3), fitted, 0.01, source)


def _hot() -> Iterator[Anchor]:
    """Temperature of a die of 16 mm2 that draws 5 W behind 10 K/W at 318.15 K, with HotSpot's default leakage."""

    def leakage_w(kelvin: float) -> float:
        return 1.5e4 * 16e-6 * exp(0.036 * (kelvin - 383.15))

    found = round(find_steady_k(Package(10.0, 1.0, 318.15), 5.0, leakage_w) * 1e3)
    source = "T = Ta + R (P + L(T)) by hand, with L of HotSpot, temperature.c, calc_leakage"
    yield Anchor("die mK", "5 W on 16 mm2, 10 K/W", 369_620, found, 1e-4, source)


def _published() -> Iterator[Anchor]:
    """MACs and parameters of the shipped networks."""
    here = set(list_names(locate_workloads()))
    for row in _rows("published_workloads.csv"):
        if row["network"] not in here:
            continue
        workload = load_workload(row["network"])
        band = 0.0 if row["exact"] == "yes" else float(row["exact"].rstrip("%")) / 100
        for what, ours in (("macs", workload.macs), ("params", workload.params)):
            yield Anchor(f"published {what}", workload.name, int(row[what]), ours, band, row["source"])
