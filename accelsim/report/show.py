"""One network, hardware description or energy table as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.config import Document
from accelsim.config.integers import ceil_div
from accelsim.energy.technology import Technology, load_technology, read_unverified_operations
from accelsim.engines.pricing import price_hardware
from accelsim.engines.table import build_engine
from accelsim.hardware import BankedDevice, Hardware, MemoryDevice, SerialDevice
from accelsim.mapping.memory_needed import count_memory_needed
from accelsim.report.text import Facts, Grid, Paragraph, as_text, figure, kib, scaled
from accelsim.simulation.rows import name_layer_kind
from accelsim.workload.gemm import OperandBits, find_operand_widths
from accelsim.workload.network import Workload


def workload_sizes(workload: Workload, hardware: Hardware) -> dict[str, Any]:
    """What a network needs in memory at its stored widths, and what the hardware has."""
    needs = count_memory_needed(workload, hardware)
    sram, dram = hardware.sram.capacity_bytes, hardware.dram.capacity_mib
    return {
        "macs": workload.macs,
        "params": workload.params,
        **asdict(needs),
        "sram_bytes": sram,
        "dram_bytes": round(dram * 2**20) if dram else None,
        "fits_sram": needs.total_bytes <= sram,
        "activations_fit_sram": needs.peak_activation_bytes <= sram,
        "fits_dram": needs.total_bytes <= dram * 2**20 if dram else None,
    }


def workload_report(workload: Workload, hardware: Hardware) -> RenderableType:
    """Shapes, MACs, parameters, and whether the network fits the hardware's memory."""
    file = workload.file
    bits = find_operand_widths(workload, hardware.engine.operand_bits)
    headings = ("layer", "kind", "input", "output", "MACs", "params", "weight bytes")
    rows = [_layer_line(node, b) for node, b in zip(workload.nodes, bits, strict=True)]
    sizes = workload_sizes(workload, hardware)
    lines: list[RenderableType] = [_title(file.name, file.description)]
    if file.source:
        lines.append(Paragraph(f"source: {file.source}", hanging=2))
    lines += [Text(""), Grid(headings, rows, headings[:4], drop=("kind", "input"), shorten="layer"), Text("")]
    lines.append(Text(f"MACs               {sizes['macs']:,}"))
    lines.append(Text(f"parameters         {sizes['params']:,}"))
    lines.append(Text(f"weights            {kib(sizes['weight_bytes'])} at their stored width"))
    peak, layer = kib(sizes["peak_activation_bytes"]), sizes["peak_activation_layer"]
    lines.append(Paragraph(f"peak activations   {peak} at {layer}, batch {file.batch}", hanging=19))
    lines.append(Text(f"on {hardware.name}"))
    lines.extend(Paragraph(f"  {line}", hanging=4) for line in _verdicts(sizes))
    return Group(*lines)


def _title(name: str, description: str) -> Paragraph:
    return Paragraph(f"{name}: {description}" if description else name, hanging=2, style="bold")


def _layer_line(node: Any, bits: OperandBits) -> list[str]:
    inputs = " + ".join(dict.fromkeys(map(str, node.inputs)))
    return as_text(
        (
            node.layer.name,
            name_layer_kind(node),
            inputs,
            str(node.output),
            node.macs or "",
            node.params or "",
            ceil_div(node.params * bits.weight, 8) or "",
        )
    )


def _verdicts(sizes: dict[str, Any]) -> Iterator[str]:
    sram = kib(sizes["sram_bytes"])
    if sizes["fits_sram"]:
        yield f"fits on chip: weights and activations within {sram} of SRAM"
    elif sizes["activations_fit_sram"]:
        yield f"activations fit the {sram} of SRAM, weights do not: they stream from DRAM"
    else:
        yield f"neither fits the {sram} of SRAM whole: weights stream from DRAM and the largest activations are tiled"
    if sizes["fits_dram"] is None:
        yield "the hardware file does not say how large the DRAM is"
        return
    needed, there = sizes["weight_bytes"] + sizes["peak_activation_bytes"], sizes["dram_bytes"]
    if sizes["fits_dram"]:
        yield f"fits in DRAM: {kib(needed)} of {kib(there)}"
    else:
        yield f"OUT OF MEMORY: needs {kib(needed)}, DRAM has {kib(there)} ({kib(needed - there)} short)"


def hardware_report(document: Document, hardware: Hardware) -> RenderableType:
    """Every value of a hardware file with its source."""
    rows = [(path, _plain(value), source) for path, value, source in sourced(document)]
    peak = f"peak {scaled(peak_tops(hardware) * 1e12, 'OPS')}"
    facts = Text(f"{peak}, {kib(hardware.sram.capacity_bytes)} of SRAM")
    return Group(
        _title(hardware.name, hardware.description), facts, Paragraph(_area(hardware), hanging=2), Text(""), Facts(rows)
    )


def _area(hardware: Hardware) -> str:
    """Square millimetres of what the energy table knows, and throughput over them."""
    area = price_hardware(hardware, load_technology(hardware.technology.name)).area_mm2
    total, parts = sum(area.values()), ", ".join(f"{name} {figure(mm2)}" for name, mm2 in area.items())
    density = f"{figure(peak_tops(hardware) / total)} TOPS/mm2"
    return f"{figure(total)} mm2 in {hardware.technology.name} ({parts}), {density}; no control, DMA or pads"


def device_report(document: Document, device: MemoryDevice) -> RenderableType:
    """Every value of a memory device's file with its source."""
    rows = [(path, _plain(value), source) for path, value, source in sourced(document)]
    facts = (
        f"{kib(device.capacity_bytes)}, peak {figure(device.peak_gb_s)} GB/s, {device.request_bytes} bytes a request"
    )
    return Group(_title(device.name, device.description), Text(facts), Text(""), Facts(rows))


def peak_tops(hardware: Hardware) -> float:
    """Two operations a MAC, every PE busy, at the engine's own precision, no bit skipped."""
    return 2 * build_engine(hardware.engine).rated_macs_per_cycle * hardware.clock_mhz * 1e6 * 1e-12


def sourced(document: Document) -> list[tuple[str, Any, str]]:
    """Dotted path, value and source (the comment on its line) of every value in a document."""
    found = []

    def visit(value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                visit(item, (*path, key))
        elif isinstance(value, BankedDevice | SerialDevice):  # its own file has its values
            found.append((".".join(map(str, path)), value.name, _comment(document.place(path))))
        elif path not in (("name",), ("description",)):
            found.append((".".join(map(str, path)), value, _comment(document.place(path))))

    visit(document.data, ())
    return found


def _comment(place: str) -> str:
    """The comment at the end of the line that a place names; the place itself for a setting."""
    file, _, line = place.rpartition(":")
    if not file or not line.isdecimal() or not Path(file).is_file():
        return place
    text = Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    return text.partition(" # ")[2].strip()


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def technology_report(technology: Technology) -> RenderableType:
    """Energy and area of every operation with its source, and the two ratios that made the table famous."""
    operations = technology.operations
    rows = [
        (name, f"{op.energy_pj:,g}", f"{op.area_um2:,.0f}" if op.area_um2 else "") for name, op in operations.items()
    ]
    lines: list[RenderableType] = [
        Text(f"{technology.name}: {technology.node_nm} nm at {technology.reference_voltage_v} V", style="bold"),
        Text(""),
        Grid(("operation", "pJ", "um2"), rows, left=("operation",)),
        Text(""),
    ]
    lines += [Paragraph(f"note: {note}", hanging=6) for note in technology.notes]
    lines += _beside_unverified(technology)
    if {"fp32_mul", "int8_mul"} <= operations.keys():
        fp32, int8 = operations["fp32_mul"], operations["int8_mul"]
        lines.append(
            Paragraph(
                f"FP32 over INT8 multiplication: {fp32.energy_pj / int8.energy_pj:.1f} times the energy,"
                f" {fp32.area_um2 / int8.area_um2:.0f} times the area"
            )
        )
    logic, sram = technology.logic, technology.sram
    rules = (
        (
            "leakage",
            f"{logic.leakage_mw_per_mm2:g} mW/mm2",
            f"of logic at {logic.leakage_at_k:g} K, times"
            f" exp({logic.leakage_per_k:g} (T - {logic.leakage_at_k:g} K)); {logic.leakage_source}",
        ),
        (
            "over voltage",
            f"{logic.leakage_per_v:g} /V",
            f"V / V0 exp({logic.leakage_per_v:g} (V - V0)); {logic.leakage_voltage_source}",
        ),
        ("threshold", f"{logic.threshold_v:g} V", f"clock ~ (V - Vth)^{logic.alpha:g} / V; {logic.clock_source}"),
        ("area", f"x {logic.area_factor:g}", f"of a unit over its listed operations; {logic.area_source}"),
        ("SRAM", sram.table, sram.source),
        *((cell, f"{volts:g} V", sram.voltage_source) for cell, volts in sram.voltages_v.items()),
    )
    lines += [Text(""), Facts(rules), Text(""), Text("sources")]
    for source in dict.fromkeys(op.source for op in operations.values()):
        names = ", ".join(name for name, op in operations.items() if op.source == source)
        lines.append(Paragraph(f"  {names}: {source}", hanging=4))
    return Group(*lines)


def _beside_unverified(technology: Technology) -> list[RenderableType]:
    """Scaled operations beside somebody else's for the node, which are unverified."""
    others = read_unverified_operations(technology)
    if not others:
        return []
    rows = [
        (
            name,
            figure(technology.operations[name].energy_pj),
            f"{pj:,g}",
            f"{pj / technology.operations[name].energy_pj:.1f}",
        )
        for name, (pj, _) in others.items()
        if name in technology.operations
    ]
    source = next(iter(others.values()))[1]
    return [
        Text(""),
        Grid(("operation", "scaled pJ", "other pJ", "times"), rows, left=("operation",)),
        Paragraph(f"other pJ: UNVERIFIED, {source}", hanging=2),
        Text(""),
    ]
