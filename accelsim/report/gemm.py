"""The table of the gemm command."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType

from accelsim.engines.table import build_engine
from accelsim.hardware import Hardware
from accelsim.report.run import mac_slot_lines
from accelsim.report.text import Paragraph, percent, scaled


def gemm_report(counted: dict[str, Any], hardware: Hardware) -> RenderableType:
    """All that ``accelsim gemm`` shows."""
    product = f"{counted['m']}x{counted['k']}x{counted['n']} (MxKxN)"
    title = f"{product} on {hardware.name}: {build_engine(hardware.engine).title}"
    lines = [
        f"cycles             {counted['cycles']:,} ({scaled(counted['cycles'] / (hardware.clock_mhz * 1e6), 's')})",
        f"MACs               {counted['macs']:,}",
        f"utilization        {percent(counted['utilization'])}",
        f"folds              {counted['folds']:,}",
        f"activation reads   {counted['activation_reads']:,} elements",
        f"weight reads       {counted['weight_reads']:,} elements",
        f"partial sums       {counted['psum_writes']:,} elements written, {counted['psum_reads']:,} read back",
    ]
    if counted["skipped_macs"]:
        lines.insert(2, f"  skipped          {counted['skipped_macs']:,} with a zero that the pattern leaves out")
    if slots := counted.get("mac_slots"):
        lines += mac_slot_lines(slots)
    if counted.get("verified"):
        lines.append("stepped: the product is right and every count equals the closed form's")
    return Group(Paragraph(title, hanging=2, style="bold"), *(Paragraph(line, hanging=19) for line in lines))
