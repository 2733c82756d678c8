"""Every measured figure that README.md and hwconfigs/README.md quote, computed now; tests/test_readme.py compares them.

    PYTHONPATH=tests python -m bench.readme_figures

prints the sentences and tables as they should stand on the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import accelsim
from accelsim.config.places import locate_anchors
from accelsim.energy.technology import read_unverified_operations
from accelsim.studies.validate.anchors import Anchor
from accelsim.studies.validate.gpu_calibration import calibrate_gpus, read_measured_kernels

README, HWCONFIGS = "README.md", "hwconfigs/README.md"
LAYOUTS = ("as_read", "channels_last", "rows")
LAYOUT_RUNS = (("mobilenet_v2", "ws"), ("mobilenet_v2", "os"), ("mobilenet_v2", "is"), ("resnet50", "ws"))
SWITCHES = ("fuse", "prefetch_weights", "keep_weights", "compress_activations")
VALIDATED = (  # what a row of the README's table says, and the groups of anchors behind it
    ("cycle formulas of RTL arrays, as published; which arrays is not known", ["RTL cycles"]),
    ("SCALE-Sim 3.0.0, all three dataflows: cycles, ifmap reads and filter reads of {count} layers",
     ["SCALE-Sim cycles", "SCALE-Sim ifmap reads", "SCALE-Sim filter reads"]),
    ("cycle formulas of Stripes (MICRO 2016), worked out by hand for whole networks", ["bit-serial cycles"]),
    ("Sparseloop's tensor cores (MICRO 2022, artifact): dense, 2:4, 2:6 and 2:8", ["tensor core cycles"]),
    ("measured times of GPU kernels, dense and 2:4 (A100, RTX 3060, RTX 4070 Ti Super), on rows that no constant was"
     " fitted to", ["GPU kernel ns, held out"]),
    ("DRAMsim3 on DDR4, LPDDR4 and GDDR6, open page: cycles, activates and energy",
     ["DRAM cycles", "DRAM activates", "DRAM pJ"]),
    ("DRAMsim3 on HBM2, and on DDR4 with closed pages, where it has faults that are not copied: cycles",
     ["DRAM cycles, HBM2", "DRAM cycles, closed page"]),
    ("the same traces by transaction: cycles", ["DRAM cycles by transaction"]),
    ("measured rates of TPU v1 (ISCA 2017), four applications whose shapes are stated", ["TPU v1 GOPS"]),
    ("measured times of Eyeriss (JSSC 2017), AlexNet's convolutions on arrays of its size with other dataflows: in all"
     " {totals}", ["Eyeriss us, os array", "Eyeriss us, os and DRAM", "Eyeriss us, ws and DRAM"]),
    ("measured powers of GAP9 (MLPerf Tiny) and clocks of RK3588's NPU: the laws that `dvfs-fit` fits to them",
     ["fitted uW", "fitted kHz"]),
    ("a die with leakage feedback: its temperature", ["die mK"]),
    ("published MACs and parameters of the shipped networks", ["published macs", "published params"]),
)  # fmt: skip


class Quote(NamedTuple):
    """A piece of text with figures, and the page on which it stands; line breaks do not count."""

    page: str
    text: str


def quick_quotes() -> Iterator[Quote]:
    """What takes seconds."""
    yield Quote(README, one_network())
    yield Quote(README, battery())
    yield Quote(README, seven_nanometres())
    yield Quote(README, bound_of_sparsity())
    yield Quote(HWCONFIGS, two_mappings())


def slow_quotes(anchors: Iterable[Anchor]) -> Iterator[Quote]:
    """What takes a minute; ``anchors`` are those of ``accelsim.validate()``."""
    for row in validation_rows(list(anchors)):
        yield Quote(README, row)
    yield Quote(HWCONFIGS, layouts_table())
    yield Quote(HWCONFIGS, on_chip_table())


def percent(share: float, form: str = ".0f") -> str:
    return f"{100 * share:{form}} %"


def one_network() -> str:
    """MobileNetV2 on the machine of the first figure."""
    found = accelsim.simulate(accelsim.load_hardware("edge_npu"), accelsim.load_workload("mobilenet_v2")).summary
    return (
        f"MobileNetV2 takes {found['total_cycles'] / 1e6:.2f} million cycles, {found['latency_ms']:.2f} ms and"
        f" {found['energy_uj'] / 1e3:.2f} mJ, and uses {percent(found['utilization'])} of the multipliers' cycles"
    )


def battery() -> str:
    """The same network once a second."""
    hardware, network = accelsim.load_hardware("edge_npu"), accelsim.load_workload("mobilenet_v2")
    cycle = accelsim.dutycycle(hardware, network, {"period_s": 1}).cycle
    return (
        f"MobileNetV2 on `edge_npu` once a second draws {cycle.average_mw:.1f} mW, of which the inferences are"
        f" {percent(cycle.active_mj / cycle.mj)} and sleeping is {percent(cycle.rest_mj / cycle.mj)}"
    )


def seven_nanometres() -> str:
    """Scaled multiplications and additions beside the unverified table."""
    technology = accelsim.load_technology("cmos7")
    own = technology.operations
    others = read_unverified_operations(technology).items()
    times = [pj / own[name].energy_pj for name, (pj, _) in others if name in own and name.endswith(("_mul", "_add"))]
    return f"at 7 nm a multiplication or addition comes out {min(times):.0f} to {max(times):.0f} times below a table"


def bound_of_sparsity() -> str:
    """Promised over measured speedup of the A100's kernels, without calibration."""
    rows = read_measured_kernels("gpu_2to4_measured.csv")
    kernels = [judged for judged in calibrate_gpus().rows if judged.row.gpu == "a100" and judged.row in rows]
    excess = [judged.bound.speedup / judged.row.times.speedup - 1 for judged in kernels]
    return f"promises {100 * min(excess):.0f} to {percent(max(excess))} too much speedup of 2:4 on an A100"


def two_mappings() -> str:
    """A sequential MiB on DDR4 under two mappings."""
    cycles = {}
    for mapping in ("rochrababgco", "rochrabacobg"):
        device = accelsim.load_device("ddr4_2400_8gb_x8", [f"mapping={mapping}"])
        trace = locate_anchors() / "dram_traces" / "a_seq_read_1MiB.npz"
        cycles[mapping] = accelsim.run_trace(device, trace).total_cycles
    one, other = cycles
    return f"{cycles[one]:,} cycles on DDR4 with `{one}` and {cycles[other]:,} with `{other}`"


def validation_rows(anchors: list[Anchor]) -> Iterator[str]:
    """The rows of the table of what was validated: compared with, figures, allowed error."""
    shown = [group for _, groups in VALIDATED for group in groups]
    missing = {anchor.group for anchor in anchors if anchor.band is not None} - set(shown)
    assert not missing, f"groups that the README does not name: {missing}"
    for text, groups in VALIDATED:
        members = [[anchor for anchor in anchors if anchor.group == group] for group in groups]
        totals = ", ".join(percent(own[-1].error, "+.0f") for own in members)
        counts = {len(own) for own in members}
        figures = (
            f"{len(groups)} x {counts.pop()}" if len(counts) == 1 and len(groups) > 1 else str(sum(map(len, members)))
        )
        every = [anchor for own in members for anchor in own]
        yield f"| {text.format(count=len(members[0]), totals=totals)} | {figures} | {_allowed(every)} |"


def _allowed(anchors: list[Anchor]) -> str:
    """The bound of each error and what errors are on average."""
    bands = {anchor.band for anchor in anchors}
    if None in bands:
        return "shown only"
    if bands == {0.0}:
        return "none"
    largest = max(band for band in bands if band is not None)
    limit = f"{'up to ' if len(bands) > 1 else ''}{percent(largest, 'g')}"
    mean = sum(abs(anchor.error) for anchor in anchors) / len(anchors)
    return f"{limit} each; {percent(mean, '.1f') if mean >= 0.0005 else 'below 0.1 %'} on average"


def layouts_table() -> str:
    """Cycles under each layout of the input buffer, and the share of them that banks cost."""
    lines = [f"| | {' | '.join(LAYOUTS)} |", "|---" * (len(LAYOUTS) + 1) + "|"]
    for network, dataflow in LAYOUT_RUNS:
        workload, cells = accelsim.load_workload(network), []
        for layout in LAYOUTS:
            settings = ("dram.fidelity=ideal", f"sram.ifmap.layout={layout}", f"engine.dataflow={dataflow}")
            found = accelsim.simulate(accelsim.load_hardware("edge_npu", settings), workload).summary
            share = found["stall_cycles_by_cause"]["bank_conflict"] / found["total_cycles"]
            cells.append(f"{found['total_cycles'] / 1e6:.2f} M, {percent(share)}")
        lines.append(f"| {network}, {dataflow} | {' | '.join(cells)} |")
    return "\n".join(lines)


def on_chip_table() -> str:
    """Cycles, traffic and energy with each switch of ``schedule``, with a free dataflow, and with all of them."""
    changes = {
        "as it is": (),
        **{f"`schedule.{switch}`": (f"schedule.{switch}=true",) for switch in SWITCHES},
        "`engine.dataflow: auto`": ("engine.dataflow=auto",),
        "all together": (*(f"schedule.{switch}=true" for switch in SWITCHES), "engine.dataflow=auto"),
    }
    workload = accelsim.load_workload("mobilenet_v2", ["activation_zeros=0.6"])
    lines, first = ["| | cycles | DRAM MiB | uJ |", "|---|---|---|---|"], None
    for name, settings in changes.items():
        found = accelsim.simulate(accelsim.load_hardware("edge_npu", settings), workload).summary
        figures = _figures(found)
        first = first or figures
        cells = (
            f"{value:{form}}{_change(value, before)}"
            for value, before, form in zip(figures, first, (",.0f", ".1f", ",.0f"), strict=True)
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(summary: dict[str, Any]) -> tuple[float, float, float]:
    traffic = (summary["dram_read_bytes"] + summary["dram_write_bytes"]) / 2**20
    return summary["total_cycles"], traffic, summary["energy_uj"]


def _change(value: float, before: float) -> str:
    share = percent(value / before - 1, "+.1f")
    return "" if share in ("+0.0 %", "-0.0 %") else f" ({share})"


if __name__ == "__main__":
    for quote in (*quick_quotes(), *slow_quotes(accelsim.validate().anchors)):
        print(f"{quote.page}:\n{quote.text}\n")
