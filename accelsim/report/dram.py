"""What a memory device did with a trace, as text."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.hardware import BankedDevice
from accelsim.memory.device_run import DeviceRun
from accelsim.report.text import Facts, Paragraph, figure, percent, scaled

ENERGY_NAMES = {
    "activate": "activate and precharge",
    "active_standby": "standby, a bank open",
    "precharge_standby": "standby, all banks closed",
}


def dram_report(run: DeviceRun) -> RenderableType:
    """Cycles, latency, commands and energy."""
    device, counts = run.device, run.counts
    title = Paragraph(f"{device.name}: {device.description}", hanging=2, style="bold")
    share = percent(run.bandwidth_gb_s / device.peak_gb_s)
    clock = f"{figure(1e3 / device.tck_ns, 4)} MHz"
    facts = [
        ("requests", f"{run.requests:,}", f"{run.reads:,} reads, {run.requests - run.reads:,} writes"),
        ("total cycles", f"{run.total_cycles:,}", f"{scaled(run.time_ns * 1e-9, 's')} at {clock}"),
        ("bandwidth", f"{figure(run.bandwidth_gb_s)} GB/s", f"{share} of {figure(device.peak_gb_s)} GB/s"),
    ]
    if run.average_read_latency_cycles is not None:
        longest = f"at most {counts['longest']:,}; from acceptance to the end of the data"
        facts.append(("read latency", f"{run.average_read_latency_cycles:,.1f} cycles", longest))
    if isinstance(device, BankedDevice):
        columns = counts["RD"] + counts["WR"]
        hits = f"{percent(counts['row_hits'] / columns)} of column commands" if columns else ""
        facts += [
            ("activates", f"{counts['ACT']:,}", f"{counts['PRE']:,} precharges, {counts['REF']:,} refreshes"),
            ("row hits", f"{counts['row_hits']:,}", hits),
        ]
        joined = counts["joined_reads"] + counts["joined_writes"]
        if joined or counts["served_by_writes"]:
            facts.append(
                (
                    "not sent",
                    f"{joined + counts['served_by_writes']:,}",
                    f"{counts['served_by_writes']:,} reads served from writes, {joined:,} joined",
                )
            )
    else:
        facts.append(("bursts", f"{counts['bursts']:,}", "each with its command"))
    energy = [
        (ENERGY_NAMES.get(name, name), scaled(pj * 1e-12, "J"), percent(pj / run.energy_pj))
        for name, pj in run.energy_pj_by_component.items()
        if pj
    ]
    power = scaled(run.energy_pj / run.time_ns * 1e-3, "W")
    per_bit = run.energy_pj / (8 * run.requests * device.request_bytes)
    energy += [
        ("device", scaled(run.energy_pj * 1e-12, "J"), f"{power}; {figure(per_bit)} pJ a bit"),
        ("wires, apart", scaled(run.io_energy_pj * 1e-12, "J"), scaled(run.io_energy_pj / run.time_ns * 1e-3, "W")),
    ]
    return Group(title, Text(""), Facts(facts), Text(""), Text("energy", style="bold"), Facts(energy))
