"""What ``compare`` shows a person. It takes records: the columns of compare.csv, a dict per row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.hardware.sparsity import DENSE
from accelsim.report.text import Grid, Paragraph, figure, percent
from accelsim.studies.cycle_parts import LEAST_PART_SHARE, PART_HEADS, PART_WORDS

_Record = dict[str, Any]

LEAST_GAIN = 1.005  # of speed or energy, that is called one
_LEGEND = {
    "speedup": "over the first precision that runs, dense, on the same hardware",
    "ideal": "what widths or pattern alone promise the engine; sparing memory can give more",
    "conv": "the same of convolutions, on the engine alone",
    "energy ratio": "the baseline's energy over this one's",
    "gated": "zero weights are multiplied at no energy",
}
GAP_LEGEND = {
    "first": "all that the engine spends on the first layer",
    "K": "channels or K that do not fill the engine or the pattern's groups",
    "edge": "pixels and filters that do not",
    "operands": "bandwidth of the engine's buffers",
    "left out": "products outside the pattern",
    "other": "filling, draining, latencies",
    "memory": "DRAM and tiling",
    "vector": "the vector unit alone",
}
ENERGY_PARTS = {
    "MACs": ("mac", "registers"),
    "vector": ("vector",),
    "SRAM": ("sram_ifmap", "sram_weight", "sram_ofmap"),
    "DRAM": ("dram",),
    "standby": ("leakage_logic", "leakage_sram", "dram_standby"),
}


def comparison_report(records: Sequence[_Record], settings: Sequence[str] = ()) -> RenderableType:
    """All that ``accelsim compare`` shows."""
    networks = ", ".join(dict.fromkeys(record["workload"] for record in records))
    title = f"{networks} on {', '.join(dict.fromkeys(record['hardware'] for record in records))}"
    if settings:
        title += f" with {', '.join(settings)}"
    lines: list[RenderableType] = [Paragraph(title, hanging=2, style="bold"), Text(""), gains(records, _LEGEND)]
    refused = dict.fromkeys(f"{r['hardware']} {r['precision']}: {r['not_run']}" for r in records if r["not_run"])
    lines += [Paragraph(f"not run: {why}", hanging=2) for why in refused]
    lines += [Text(""), Text("energy by component, uJ", style="bold"), energies(records)]
    if any(record["gap_cycles"] for record in records):
        heading = "gap between ideal and real cycles, and what it is made of, in shares of the ideal cycles"
        lines += [Text(""), Paragraph(heading, style="bold"), gap_grid(records)]
    return Group(*lines, Text(""), *(Paragraph(text, hanging=2) for text in verdicts(records)))


def ran(records: Iterable[_Record]) -> list[_Record]:
    """Rows with figures."""
    return [record for record in records if not record["not_run"]]


def energy_parts(record: _Record) -> dict[str, float]:
    """Energy in uJ by what a reader tells apart; adds up to all of it."""
    return {part: sum(record[f"energy_uj_{name}"] for name in names) for part, names in ENERGY_PARTS.items()}


def gains(records: Sequence[_Record], legend: Mapping[str, str]) -> Grid:
    """A line per combination: time, speedup and its ideal, energy, storage."""
    headings = [
        "hardware",
        "precision",
        "sparsity",
        "MMACs",
        "cycles",
        "ms",
        "speedup",
        "ideal",
        "conv",
        "uJ",
        "energy ratio",
        "util",
        "weights KiB",
        "peak KiB",
        "DRAM KiB",
        "gated",
    ]
    lines = []
    for r in records:
        line = [r["hardware"], r["precision"], r["sparsity"]]
        if r["not_run"]:
            line += ["-"] * (len(headings) - 4)
        else:
            conv = r["convolution_speedup"]
            moved = r["dram_read_bytes"] + r["dram_write_bytes"]
            line += [
                f"{r['macs'] * 1e-6:,.0f}",
                f"{r['total_cycles']:,}",
                figure(r["latency_ms"], 4),
                f"{r['speedup']:.2f}",
                f"{r['ideal_speedup']:.2f}",
                "" if conv is None else f"{conv:.2f}",
                figure(r["energy_uj"]),
                f"{r['energy_ratio']:.2f}",
                percent(r["utilization"]),
                *(f"{size / 1024:,.0f}" for size in (r["weight_bytes"], r["peak_activation_bytes"], moved)),
            ]
        lines.append([*line, "yes" if r["zero_gating"] else "no"])
    drop = ["peak KiB", "DRAM KiB", "cycles", "weights KiB", "conv", "util"]
    drop.insert(0, "MMACs") if _one(records, "workload") else drop.append("MMACs")
    drop.insert(0, "gated") if _one(records, "zero_gating") else drop.append("gated")
    return Grid(headings, lines, headings[:3], drop, shorten="hardware", legend=legend)


def _one(records: Sequence[_Record], column: str) -> bool:
    """Whether all rows have the same there."""
    return len({record[column] for record in records}) <= 1


def energies(records: Sequence[_Record]) -> Grid:
    """Energy of each row by component."""
    headings = ("hardware", "precision", "sparsity", "in all", *ENERGY_PARTS)
    lines = [
        [r["hardware"], r["precision"], r["sparsity"], figure(r["energy_uj"]), *map(figure, energy_parts(r).values())]
        for r in ran(records)
    ]
    legend = {"standby": "leakage and the DRAM's standby"}
    return Grid(headings, lines, headings[:3], drop=("vector",), shorten="hardware", legend=legend)


def gap_grid(records: Sequence[_Record]) -> Grid:
    """What each row's gap is made of; causes that count nowhere are left out, and rows that another one equals."""
    distinct: dict[tuple[Any, ...], _Record] = {}
    for r in (record for record in ran(records) if record["gap_cycles"]):
        distinct.setdefault((r["workload"], r["hardware"], *(r[f"gap_{cause}_cycles"] for cause in PART_HEADS)), r)
    rows = list(distinct.values())
    shares = [{cause: r[f"gap_{cause}_cycles"] / r["ideal_cycles"] for cause in PART_HEADS} for r in rows]
    causes = [cause for cause in PART_HEADS if any(abs(share[cause]) >= LEAST_PART_SHARE for share in shares)]
    headings = ("hardware", "case", "ideal cycles", "gap", *(PART_HEADS[cause] for cause in causes))
    lines = [
        [
            r["hardware"],
            f"{r['precision']} {r['sparsity']}",
            f"{r['ideal_cycles']:,}",
            _signed(r["gap_cycles"] / r["ideal_cycles"]),
            *(_signed(share[cause]) for cause in causes),
        ]
        for r, share in zip(rows, shares, strict=True)
    ]
    return Grid(headings, lines, headings[:2], drop=("ideal cycles",), shorten="hardware", legend=GAP_LEGEND)


def _signed(share: float) -> str:
    return f"{share:+.1%}" if abs(share) >= LEAST_PART_SHARE else "0"


def verdicts(records: Sequence[_Record]) -> list[str]:
    """What paid and what did not, a sentence or two for each machine."""
    told = []
    for machine in dict.fromkeys((r["workload"], r["hardware"], r["zero_gating"]) for r in records):
        rows = ran(r for r in records if (r["workload"], r["hardware"], r["zero_gating"]) == machine)
        if rows:
            said = [*_paid(rows), *_useless(rows), *_zeros(rows)]
            nothing = "nothing paid" if len(rows) > 1 else "nothing to compare"
            told.append(f"{machine[1]}: {'; '.join(said) or nothing}")
    return told


def _paid(rows: Sequence[_Record]) -> list[str]:
    """The row with the least energy times delay, and why it gains what it does."""
    best = max(rows, key=lambda r: r["speedup"] * r["energy_ratio"])
    if max(best["speedup"], best["energy_ratio"]) < LEAST_GAIN:
        return []
    promised = f"{figure(best['ideal_speedup'])} promised"
    text = (
        f"{best['precision']} {best['sparsity']} gains most: {best['speedup']:.2f} times the speed of"
        f" {best['baseline']} ({promised}), {best['energy_ratio']:.2f} times less energy"
    )
    causes = {cause: best[f"gap_{cause}_cycles"] for cause in PART_HEADS}
    if best["gap_cycles"] > 0:
        cause = max(causes, key=lambda each: causes[each])
        return [f"{text}, held back most by {PART_WORDS[cause]}"]
    if best["gap_cycles"] < 0:
        cause = min(causes, key=lambda each: causes[each])
        return [f"{text}; beyond the promise it is {PART_WORDS[cause]} that narrow operands spare"]
    return [text]


def _useless(rows: Sequence[_Record]) -> list[str]:
    """Precisions that gain neither time nor energy over the baseline."""
    dense = [r for r in rows if r["sparsity"] == DENSE and r["baseline"] != f"{r['precision']} {DENSE}"]
    names = [r["precision"] for r in dense if max(r["speedup"], r["energy_ratio"]) < LEAST_GAIN]
    return [f"{', '.join(names)} did not pay"] if names else []


def _zeros(rows: Sequence[_Record]) -> list[str]:
    """What zero weights change beside dense ones of the same precision."""
    dense = {r["precision"]: r for r in rows if r["sparsity"] == DENSE}
    idle: dict[str, float] = {}  # sparsities that gain no cycle, and the most energy that they save
    for r in rows:
        before = dense.get(r["precision"])
        if before is None or r["sparsity"] == DENSE or r["total_cycles"] != before["total_cycles"]:
            continue
        saved = 1 - r["energy_uj"] / before["energy_uj"] if before["energy_uj"] else 0.0
        idle[r["sparsity"]] = max(saved, idle.get(r["sparsity"], 0.0))
    if not idle:
        return []
    if not rows[0]["zero_gating"]:
        return [f"zeros ({', '.join(idle)}) change no cycle, and no energy without engine.zero_gating"]
    saved = ", ".join(f"{percent(share)} of the energy at {sparsity}" for sparsity, share in idle.items())
    return [f"zeros change no cycle; gating them saves {saved}"]


def claims_report(claims: Sequence[tuple[str, str, Sequence[_Record]]]) -> RenderableType:
    """Claims, each with its rows and its fine print: title, text, records."""
    lines: list[RenderableType] = []
    for number, (title, text, records) in enumerate(claims, 1):
        several = not _one(records, "workload")
        named = [r | {"hardware": f"{r['hardware']}, {r['workload']}"} for r in records] if several else records
        last = number == len(claims)
        networks = "" if several else f" ({records[0]['workload']})"
        lines += [
            Paragraph(f"{number}. {title}{networks}", hanging=3, style="bold"),
            gains(named, _LEGEND if last else {}),
            Paragraph(text),
            *([] if last else [Text("")]),
        ]
    return Group(*lines)
