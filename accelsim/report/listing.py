"""What ships, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.config import UserError, nearest, read_yaml
from accelsim.hardware import BITS
from accelsim.load import hardware_document, load_hardware, load_workload, shipped
from accelsim.places import hwconfigs_folder, workloads_folder
from accelsim.report.show import hardware_report, sourced, technology_report, workload_report, workload_sizes
from accelsim.report.tables import scaled, table
from accelsim.technology import load_technology


def listing(kind: str) -> list[dict[str, Any]]:
    """Name, figures and description of each shipped thing of a kind: hw, workloads or technologies."""
    return {"hw": _hardware, "workloads": _workloads, "technologies": _technologies}[kind]()


def listing_report(entries: list[dict[str, Any]]) -> RenderableType:
    """The same as a table, with the first sentence of each description below its line."""
    headings = [key for key in entries[0] if key != "description"]
    lines: list[RenderableType] = [table(headings, [[entry[key] for key in headings] for entry in entries])]
    lines.extend(Text(f"{entry['name']}: {_first_sentence(entry['description'])}") for entry in entries)
    return Group(*lines)


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].removesuffix(".")


def _hardware() -> list[dict[str, Any]]:
    entries = []
    for name in shipped(hwconfigs_folder()):
        hardware = load_hardware(name)
        engine = hardware.engine
        width = BITS[engine.precision]
        entries.append(
            {
                "name": name,
                "engine": engine.title,
                "MHz": f"{hardware.clock_mhz:g}",
                "peak": scaled(2 * engine.peak_macs_per_cycle(width, width) * hardware.clock_mhz * 1e6, "op/s"),
                "SRAM KiB": hardware.sram.capacity_bytes // 1024,
                "DRAM GB/s": f"{hardware.dram.bandwidth_gb_s:g}",
                "description": hardware.description,
            }
        )
    return entries


def _workloads() -> list[dict[str, Any]]:
    entries = []
    for name in shipped(workloads_folder()):
        workload = load_workload(name)
        shape = workload.file.input
        entries.append(
            {
                "name": name,
                "input": str(shape) if shape else "",
                "layers": len(workload.nodes),
                "MACs": workload.macs,
                "params": workload.params,
                "description": workload.file.description,
            }
        )
    return entries


def _technologies() -> list[dict[str, Any]]:
    entries = []
    for name in shipped(hwconfigs_folder() / "technology"):
        technology = load_technology(name)
        entries.append({"name": name, "nm": technology.node_nm, "description": technology.description})
    return entries


def shown(name: str, hw: str, settings: list[str]) -> tuple[Any, RenderableType]:
    """A thing by shipped name or path, as plain data and as a report.

    Raises: UserError for a name that nothing bears.
    """
    kind = _kind(name)
    if kind == "workload":
        workload, hardware = load_workload(name), load_hardware(hw, settings)
        sizes = workload_sizes(workload, hardware)
        return {"workload": workload.name, "hardware": hardware.name, **sizes}, workload_report(workload, hardware)
    if kind == "technology":
        technology = load_technology(name)
        return technology.model_dump(mode="json"), technology_report(technology)
    document, hardware = hardware_document(name, settings), load_hardware(name, settings)
    values = {path: {"value": value, "source": source} for path, value, source in sourced(document)}
    return {"hardware": hardware.name, "values": values}, hardware_report(document, hardware)


def _kind(name: str) -> str:
    path = Path(name)
    if path.suffix in (".onnx", ".csv"):
        return "workload"
    if path.suffix == ".cfg":
        return "hardware"
    if path.suffix in (".yaml", ".yml"):
        return "workload" if "layers" in read_yaml(path).data else "hardware"
    known = {
        "workload": shipped(workloads_folder()),
        "hardware": shipped(hwconfigs_folder()),
        "technology": shipped(hwconfigs_folder() / "technology"),
    }
    for kind, names in known.items():
        if name in names:
            return kind
    raise UserError(f"nothing is called '{name}'{nearest(name, [n for names in known.values() for n in names])}")
