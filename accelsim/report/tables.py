"""Results as text that a person reads at 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from accelsim.hardware import Hardware
from accelsim.result import LayerResult

COSTLIEST = 3
TOP_PARTS = 9
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> Table:
    """Columns of text; the first ``left`` ones flush left, numbers flush right."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, heading in enumerate(headings):
        result.add_column(heading, justify="left" if index < left else "right", overflow="ellipsis", no_wrap=True)
    for row in rows:
        result.add_row(*(Text(cell if isinstance(cell, str) else f"{cell:,}") for cell in row))
    return result


def scaled(value: float, unit: str) -> str:
    """A figure with three digits and the prefix that suits it; value is in the plain unit."""
    for factor, prefix in PREFIXES:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value * 1e12:.3g} p{unit}" if value else f"0 {unit}"


def kib(nbytes: int) -> str:
    """Bytes as KiB or MiB."""
    return f"{nbytes / 2**20:.2f} MiB" if nbytes >= 2**20 else f"{nbytes / 2**10:.1f} KiB"


def percent(share: float | None) -> str:
    """A share in percent; small ones keep a digit."""
    if share is None:
        return ""
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def layers_table(rows: Sequence[LayerResult]) -> Table:
    """A line per layer: shape, cycles, stalls, utilization, traffic, energy, what bounds it."""
    headings = ("layer", "kind", "M x K x N", "cycles", "stalled", "util", "KiB", "uJ", "bound")
    lines = []
    for row in rows:
        if row.bound == "none":
            continue
        shape = f"{row.m}x{row.k}x{row.n}" + (f" *{row.groups}" if row.groups > 1 else "") if row.m else ""
        moved = (row.dram_read_bytes + row.dram_write_bytes) / 1024
        lines.append(
            (row.layer, row.kind, shape, row.total_cycles, row.stall_cycles, percent(row.utilization),
             f"{moved:,.0f}", f"{row.energy_pj * 1e-6:.3g}", row.bound)
        )  # fmt: skip
    return table(headings, lines, left=3)


def totals(summary: dict[str, Any]) -> Table:
    """The network's figures, and its energy by component."""
    parts = sorted(summary["energy_pj_by_component"].items(), key=lambda part: -part[1])
    energy = summary["energy_uj"] * 1e6
    right = [f"{name:<14}{scaled(pj * 1e-12, 'J'):>9} {pj / energy:6.1%}" for name, pj in parts if pj][:TOP_PARTS]
    left = [
        f"latency        {summary['latency_ms']:.4g} ms",
        f"cycles         {summary['total_cycles']:,}",
        f"  computing    {summary['compute_cycles']:,}",
        f"  stalled      {summary['stall_cycles']:,}",
        f"MACs           {summary['macs']:,}",
        f"utilization    {percent(summary['utilization'])} of the array's peak",
        f"throughput     {scaled(summary['tops'] * 1e12, 'op/s')}, {summary['tops_per_w']:.3g} TOPS/W",
        f"DRAM           {kib(summary['dram_read_bytes'])} read, {kib(summary['dram_write_bytes'])} written",
        f"energy         {scaled(energy * 1e-12, 'J')}, {scaled(summary['average_power_mw'] * 1e-3, 'W')} on average",
    ]
    grid = Table.grid(padding=(0, 4))
    height = max(len(left), len(right))
    for a, b in zip(left + [""] * (height - len(left)), right + [""] * (height - len(right)), strict=True):
        grid.add_row(Text(a), Text(b))
    return grid


def costliest(rows: Sequence[LayerResult]) -> list[str]:
    """The layers that take most cycles, with their share and what bounds them."""
    everything = sum(row.total_cycles for row in rows) or 1
    most = sorted(rows, key=lambda row: -row.total_cycles)[:COSTLIEST]
    return [
        f"{row.layer}: {row.total_cycles / everything:.1%} of the cycles, {row.bound}: {row.reason}"
        for row in most
        if row.total_cycles
    ]


def depthwise_note(rows: Sequence[LayerResult]) -> str:
    """What depthwise convolutions do to an array; empty where there are none."""
    ones = [row for row in rows if row.kind == "depthwise"]
    everything = sum(row.total_cycles for row in rows)
    if not ones or not everything:
        return ""
    cycles, macs = sum(row.total_cycles for row in ones), sum(row.macs for row in ones)
    return (
        f"depthwise layers: {macs / max(1, sum(row.macs for row in rows)):.1%} of the MACs,"
        f" {cycles / everything:.1%} of the cycles; each channel is a product of its own"
    )


def run_report(rows: Sequence[LayerResult], summary: dict[str, Any]) -> RenderableType:
    """All that ``accelsim run`` shows."""
    title = (
        f"{summary['workload']} on {summary['hardware']} ({summary['precision']}, batch {summary['batch']})"
        + (", every product stepped and checked" if summary.get("verified") else "")
    )
    lines: list[RenderableType] = [Text(title, style="bold"), layers_table(rows), totals(summary), Text("")]
    lines.append(Text("costliest layers", style="bold"))
    lines.extend(Text(f"  {line}") for line in costliest(rows))
    notes = [depthwise_note(rows), *summary["notes"]]
    lines.extend(Text(f"  {note}") for note in notes if note)
    return Group(*lines)


def gemm_report(counted: dict[str, Any], hardware: Hardware) -> RenderableType:
    """All that ``accelsim gemm`` shows."""
    product = f"{counted['m']}x{counted['k']}x{counted['n']} (MxKxN)"
    title = f"{product} on {hardware.name}: {hardware.engine.title}"
    lines = [
        f"cycles             {counted['cycles']:,} ({scaled(counted['cycles'] / (hardware.clock_mhz * 1e6), 's')})",
        f"MACs               {counted['macs']:,}",
        f"utilization        {percent(counted['utilization'])}",
        f"folds              {counted['folds']:,}",
        f"activation reads   {counted['activation_reads']:,}",
        f"weight reads       {counted['weight_reads']:,}",
        f"partial sums       {counted['psum_writes']:,} written, {counted['psum_reads']:,} read back",
    ]
    if counted.get("verified"):
        lines.append("stepped: the product is right and every count equals the closed form's")
    return Group(Text(title, style="bold"), *map(Text, lines))
