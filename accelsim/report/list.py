"""What ships, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.config import UserError, read_yaml, suggest
from accelsim.config.places import locate_devices, locate_hwconfigs, locate_workloads
from accelsim.energy.technology import load_technology
from accelsim.engines.table import build_engine
from accelsim.hardware import BankedDevice
from accelsim.load import (
    list_names,
    load_device,
    load_hardware,
    load_workload,
    read_device_document,
    read_hardware_document,
    split_settings,
)
from accelsim.report.show import (
    device_report,
    hardware_report,
    peak_tops,
    sourced,
    technology_report,
    workload_report,
    workload_sizes,
)
from accelsim.report.text import Grid, Paragraph, scaled

HEADINGS = {
    "clock_mhz": "MHz",
    "peak_tops": "peak",
    "sram_kib": "SRAM KiB",
    "dram_gb_s": "DRAM GB/s",
    "macs": "MACs",
    "capacity_mib": "MiB",
    "peak_gb_s": "GB/s",
    "node_nm": "nm",
    "reference_voltage_v": "V",
}


def list_shipped(kind: str) -> list[dict[str, Any]]:
    """Name, figures and description of each shipped thing of a kind: hw, workloads, devices or technologies."""
    makers = {"hw": _hardware, "workloads": _workloads, "devices": _devices, "technologies": _technologies}
    return makers[kind]()


def list_report(entries: list[dict[str, Any]]) -> RenderableType:
    """The same as a table, with the first sentence of each description below it."""
    keys = [key for key in entries[0] if key != "description"]
    rows = [[_cell(key, entry[key]) for key in keys] for entry in entries]
    headings = [HEADINGS.get(key, key) for key in keys]
    shorten = "engine" if "engine" in keys else ""
    grid = Grid(headings, rows, left=("name", "engine", "input", "kind", "mapping"), shorten=shorten, cut_end=True)
    sentences = (Paragraph(f"{e['name']}: {_first_sentence(e['description'])}", hanging=2) for e in entries)
    return Group(grid, Text(""), *sentences)


def _cell(key: str, value: Any) -> str:
    if key == "peak_tops":
        return scaled(value * 1e12, "OPS")
    if isinstance(value, dict):
        return "x".join(map(str, value.values()))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else value or ""


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].removesuffix(".")


def _hardware() -> list[dict[str, Any]]:
    entries = []
    for name in list_names(locate_hwconfigs()):
        hardware = load_hardware(name)
        entries.append(
            {
                "name": name,
                "engine": build_engine(hardware.engine).title,
                "clock_mhz": hardware.clock_mhz,
                "peak_tops": peak_tops(hardware),
                "sram_kib": hardware.sram.capacity_bytes // 1024,
                "dram_gb_s": hardware.dram.bandwidth_gb_s,
                "description": hardware.description,
            }
        )
    return entries


def _workloads() -> list[dict[str, Any]]:
    entries = []
    for name in list_names(locate_workloads()):
        workload = load_workload(name)
        shape = workload.file.input
        entries.append(
            {
                "name": name,
                "input": shape.model_dump() if shape else None,
                "layers": len(workload.nodes),
                "macs": workload.macs,
                "params": workload.params,
                "description": workload.file.description,
            }
        )
    return entries


def _devices() -> list[dict[str, Any]]:
    entries = []
    for name in list_names(locate_devices()):
        device = load_device(name)
        entries.append(
            {
                "name": name,
                "kind": device.kind,
                "capacity_mib": device.capacity_bytes // 2**20,
                "peak_gb_s": device.peak_gb_s,
                "mapping": device.mapping if isinstance(device, BankedDevice) else "",
                "description": device.description,
            }
        )
    return entries


def _technologies() -> list[dict[str, Any]]:
    entries = []
    for name in list_names(locate_hwconfigs() / "technology"):
        technology = load_technology(name)
        entries.append(
            {
                "name": name,
                "node_nm": technology.node_nm,
                "reference_voltage_v": technology.reference_voltage_v,
                "description": technology.description,
            }
        )
    return entries


def show_named(name: str, hw: str, settings: list[str]) -> tuple[Any, RenderableType]:
    """A thing by shipped name or path, as plain data and as a report.

    Raises: UserError for a name that nothing bears.
    """
    kind = _kind(name)
    of_hardware, of_workload = split_settings(settings)
    if (of_workload and kind != "workload") or (of_hardware and kind == "technology"):
        raise UserError(f"--set {settings[0]}: {name} is {kind}, which has no such value")
    if kind == "workload":
        workload, hardware = load_workload(name, of_workload), load_hardware(hw, of_hardware)
        sizes = workload_sizes(workload, hardware)
        return {"workload": workload.name, "hardware": hardware.name, **sizes}, workload_report(workload, hardware)
    if kind == "device":
        document, device = read_device_document(name, settings), load_device(name, settings)
        values = {path: {"value": value, "source": source} for path, value, source in sourced(document)}
        return {"device": device.name, "values": values}, device_report(document, device)
    if kind == "technology":
        technology = load_technology(name)
        return technology.model_dump(mode="json"), technology_report(technology)
    document, hardware = read_hardware_document(name, settings), load_hardware(name, settings)
    values = {path: {"value": value, "source": source} for path, value, source in sourced(document)}
    return {"hardware": hardware.name, "values": values}, hardware_report(document, hardware)


def _kind(name: str) -> str:
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in (".onnx", ".csv"):
        return "workload"
    if suffix == ".cfg":
        return "hardware"
    if suffix in (".yaml", ".yml"):
        data = read_yaml(path).data
        extends = str(data.get("extends"))
        if "kind" in data or extends in list_names(locate_devices()):
            return "device"
        return "workload" if "layers" in data or extends in list_names(locate_workloads()) else "hardware"
    known = {
        "workload": list_names(locate_workloads()),
        "hardware": list_names(locate_hwconfigs()),
        "device": list_names(locate_devices()),
        "technology": list_names(locate_hwconfigs() / "technology"),
    }
    for kind, names in known.items():
        if name in names:
            return kind
    raise UserError(f"nothing is called '{name}'{suggest(name, [n for names in known.values() for n in names])}")
