"""What ``run`` and ``gemm`` show a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.hardware import BITS
from accelsim.report.text import Facts, Grid, Paragraph, SideBySide, as_text, figure, kib, percent, scaled
from accelsim.simulation.result import LayerResult

COSTLIEST = 3
TOP_PARTS = 9
SLOT_NAMES = {
    "useful": "useful",
    "packed_zeros": "zeros of packing",
    "idle_lanes": "lanes without channels",
    "idle_rows": "rows without filters",
    "idle_tiles": "tiles without filters",
    "unused_bits": "unused bits of a cycle",
    "idle_columns": "columns without windows",
    "column_wait": "waiting for the slowest column",
    "weight_wait": "waiting for weights",
}
MAC_SLOT_NAMES = {
    "useful": "useful",
    "padded_k": "K padded",
    "partial_m": "pixels missing",
    "partial_n": "filters missing",
    "idle_cores": "cores without an instruction",
    "idle_multiprocessors": "multiprocessors without a tile",
    "interval": "intervals not full",
    "dependency": "waiting for sums",
    "operand_wait": "waiting for operands",
    "ends": "before and after k-steps",
}
STALL_WORDS = {  # of stalls
    "tiling": "tiling",
    "bank_conflict": "bank conflicts",
    "first_fill": "first fill",
    "load_wait": "loads",
    "refresh_wait": "refresh",
    "store_wait": "stores",
    "drain": "drain",
}
_LEAST_SHARE = 0.0005  # of slots, that is told
SHAPE = "M x K x N"
_LEGEND = {
    SHAPE: "outputs x reduction x filters, *groups of them",
    "cycles": "in all",
    "stalled": "added by memory and tiling",
    "util": "MACs / (peak x cycles)",
    "bound": "busiest unit, latency where it mostly waits",
}


def layers_table(rows: Sequence[LayerResult]) -> Grid:
    """A line per layer: shape, cycles, stalls, utilization, traffic, energy, what bounds it."""
    headings = ("layer", "kind", SHAPE, "cycles", "stalled", "util", "DRAM KiB", "uJ", "bound")
    lines = []
    for row in rows:
        if row.bound == "none":
            continue
        shape = f"{row.m}x{row.k}x{row.n}" + (f" *{row.groups}" if row.groups > 1 else "") if row.m else ""
        moved = (row.dram_read_bytes + row.dram_write_bytes) / 1024
        share = percent(row.utilization) if row.m else ""
        lines.append(
            as_text(
                (
                    row.layer,
                    row.kind,
                    shape,
                    row.total_cycles,
                    row.stall_cycles,
                    share,
                    f"{moved:,.0f}",
                    figure(row.energy_pj * 1e-6),
                    row.bound,
                )
            )
        )
    left = ("layer", "kind", SHAPE, "bound")
    return Grid(headings, lines, left, drop=("kind", SHAPE), shorten="layer", legend=_LEGEND)


def totals_columns(summary: dict[str, Any]) -> SideBySide:
    """The network's figures, and its energy by component."""
    parts = sorted(summary["energy_pj_by_component"].items(), key=lambda part: -part[1])
    energy = summary["energy_uj"] * 1e6
    right = [f"{name:<14}{scaled(pj * 1e-12, 'J'):>9} {pj / energy:6.1%}" for name, pj in parts if pj][:TOP_PARTS]
    stalls = [(STALL_WORDS[cause], cycles) for cause, cycles in summary["stall_cycles_by_cause"].items()]
    left = [
        f"latency        {figure(summary['latency_ms'], 4)} ms",
        f"cycles         {summary['total_cycles']:,}",
        f"  computing    {summary['compute_cycles']:,}",
        f"  stalled      {summary['stall_cycles']:,}",
        *(f"    {told:<11}{cycles:,}" for told, cycles in stalls if cycles),
        f"MACs           {summary['macs']:,}",
        f"utilization    {percent(summary['utilization'])} of the engine's peak",
        f"throughput     {scaled(summary['tops'] * 1e12, 'OPS')}, {figure(summary['tops_per_w'])} TOPS/W",
        f"DRAM read      {kib(summary['dram_read_bytes'])}",
        f"DRAM written   {kib(summary['dram_write_bytes'])}",
        f"energy         {scaled(energy * 1e-12, 'J')}, {scaled(summary['average_power_mw'] * 1e-3, 'W')} on average",
    ]
    return SideBySide(left, right)


def costliest(rows: Sequence[LayerResult]) -> Facts:
    """The layers that take most cycles, with their share and what bounds them; each on a line, or all on two."""
    everything = sum(row.total_cycles for row in rows) or 1
    most = [row for row in sorted(rows, key=lambda row: -row.total_cycles)[:COSTLIEST] if row.total_cycles]
    lines = [(f"  {row.layer}", f"{row.total_cycles / everything:5.1%}  {row.bound}", row.reason) for row in most]
    return Facts(lines, least=max((len(row.reason) for row in most), default=0))


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
    """All that ``accelsim run`` shows. What a reader must know first, such as a lack of memory, stands on top."""
    weights = f", {summary['pattern']} weights" if summary.get("pattern") else ""
    title = f"{summary['workload']} on {summary['hardware']} ({precision(summary)}{weights}, batch {summary['batch']})"
    if summary.get("settings"):
        title += f" with {', '.join(summary['settings'])}"
    if summary.get("verified"):
        title += "; every product stepped and checked"
    lines: list[RenderableType] = [Paragraph(title, hanging=2, style="bold")]
    lines.extend(Paragraph(f"note: {note}", hanging=6) for note in summary["notes"])
    if operands := summary.get("operands"):
        given = f"{len(operands['tensors'])} layers from files; " if operands["tensors"] else ""
        lines.append(Paragraph(f"note: values decide about cycles: {given}{operands['synthetic']}", hanging=6))
    lines += [Text(""), layers_table(rows), Text(""), totals_columns(summary), Text("")]
    if slots := summary.get("bit_slots"):
        lines += [*(Paragraph(line, hanging=2) for line in bit_slot_lines(slots)), Text("")]
    if slots := summary.get("mac_slots"):
        lines += [*(Paragraph(line, hanging=2) for line in mac_slot_lines(slots)), Text("")]
    lines.append(Text("costliest layers, with their share of the cycles", style="bold"))
    lines.append(costliest(rows))
    if note := depthwise_note(rows):
        lines.append(Paragraph(f"  {note}", hanging=4))
    return Group(*lines)


def precision(summary: dict[str, Any]) -> str:
    """The engine's precision, and the operands' widths where they are others."""
    engine, found = summary["precision"], summary["operand_bits"]
    if all(width == [BITS[engine]] * 2 for width in found.values()):
        return str(engine)
    spans = {name: str(least) if least == most else f"{least} to {most}" for name, (least, most) in found.items()}
    return ", ".join([engine, *(f"{name} {span} bit" for name, span in spans.items())])


def bit_slot_lines(slots: dict[str, Any]) -> list[str]:
    """What narrow operands give a serial unit, what is left of it, and what took the rest, in shares of all slots."""
    skipped = slots.get("skipped", 0)
    scheduled = slots["total"] - min(skipped, 0)  # before zeros are skipped
    shares = {name: slots.get(name, 0) / scheduled for name in SLOT_NAMES}
    parts = [f"{SLOT_NAMES[name]} {percent(share)}" for name, share in shares.items() if share > 0]
    saved = f"; skipping saves {percent(-skipped / scheduled)} of them" if skipped < 0 else ""
    only = slots["convolutions"]
    apart = f" (convolutions {only['speedup']:.3f}, by widths {only['ideal_speedup']:.3f})" if only else ""
    return [
        f"speedup over a bit-parallel unit of the same peak: {slots['speedup']:.3f};"
        f" the stated widths alone would give {slots['ideal_speedup']:.3f}{apart}",
        f"bit slots: {', '.join(parts)}{saved}",
    ]


def mac_slot_lines(slots: dict[str, Any]) -> list[str]:
    """What a sparse pattern gives tensor cores, what is left of it, and what took the rest, in shares of all slots."""
    shares = {name: slots.get(name, 0) / slots["total"] for name in MAC_SLOT_NAMES}
    parts = [f"{MAC_SLOT_NAMES[name]} {percent(share)}" for name, share in shares.items() if share >= _LEAST_SHARE]
    lines = [f"multiplier slots: {', '.join(parts)}"]
    if slots["ideal_speedup"] > 1:
        lines.insert(
            0,
            "speedup of products over dense weights on the same cores, memory and vector unit left out:"
            f" {slots['speedup']:.3f}; the pattern alone would give"
            f" {slots['ideal_speedup']:.3f}",
        )
    return lines
