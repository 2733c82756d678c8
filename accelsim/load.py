"""A shipped name or a path -> Hardware, Workload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from accelsim.config import (
    Document,
    UserError,
    apply_settings,
    assign_value,
    invalid,
    merge_documents,
    read_yaml,
    show_value,
    suggest,
    validate_document,
)
from accelsim.config.places import locate_devices, locate_hwconfigs, locate_workloads
from accelsim.hardware import BankedDevice, Hardware, MemoryDevice, SerialDevice
from accelsim.workload.network import Workload, build_workload

DEFAULT_HARDWARE = "edge_npu"
WORKLOAD_PREFIX = "workload."


def _topology(path: Path) -> dict[str, Any]:
    from accelsim.workload.importers.scalesim import read_topology

    return read_topology(path)


def _configuration(path: Path) -> dict[str, Any]:
    from accelsim.workload.importers.scalesim import read_configuration

    return read_configuration(path)


def _network(path: Path) -> dict[str, Any]:
    from accelsim.workload.importers.onnx import read_onnx

    return read_onnx(path)


IMPORTERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".csv": _topology,
    ".cfg": _configuration,
    ".onnx": _network,
}
HARDWARE_IMPORTS = {".cfg"}  # the other importers make workloads
MODEL_SUFFIXES = {".yaml", ".yml", *IMPORTERS}


def load_hardware(hardware: str | Path = DEFAULT_HARDWARE, settings: Iterable[str] = ()) -> Hardware:
    """Hardware by shipped name or path (YAML, SCALE-Sim cfg), with ``PATH=VALUE`` settings laid over it.

    Raises: UserError naming what is wrong and where.
    """
    return validate_document(Hardware, read_hardware_document(hardware, settings))


def load_workload(workload: str | Path, settings: Iterable[str] = ()) -> Workload:
    """Network by shipped name or path (YAML, ONNX, SCALE-Sim CSV), with ``PATH=VALUE`` settings laid over it.

    Raises: UserError naming what is wrong and where.
    """
    return build_workload(read_workload_document(workload, settings))


def load_device(device: str | Path, settings: Iterable[str] = (), mapping: str | None = None) -> MemoryDevice:
    """A memory device by shipped name or path, with ``KEY=VALUE`` settings and an address mapping laid over it.

    Raises: UserError naming what is wrong and where.
    """
    document = read_device_document(device, settings)
    if mapping is not None:
        document = assign_value(document, "mapping", mapping, f"--mapping {mapping}")
    kind = document.data.get("kind")
    if kind == "serial":
        return validate_document(SerialDevice, document)
    if kind not in ("banked", None):
        raise invalid(document, ("kind",), f"no such kind, got {show_value(kind)}; allowed: banked, serial")
    return validate_document(BankedDevice, document)


def list_names(folder: Path) -> list[str]:
    """Names of the files that ship in a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def split_settings(settings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Settings of the hardware, and those of the workload, which begin with ``workload.``."""
    texts = list(settings)
    workload = [text for text in texts if text.startswith(WORKLOAD_PREFIX)]
    return [text for text in texts if not text.startswith(WORKLOAD_PREFIX)], workload


def import_file(path: Path) -> dict[str, Any]:
    """The data that an importer makes of another tool's file.

    Raises: UserError where no importer takes such a file, or the importer refuses it.
    """
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        raise UserError(f"{path}: nothing imports '{suffix}' files; allowed: {', '.join(IMPORTERS)}")
    return IMPORTERS[suffix](path)


def read_hardware_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A hardware file with what it extends and the settings, unchecked, each value with its place."""
    return resolve_device(apply_settings(_document(name, locate_hwconfigs(), "hardware"), settings))


def resolve_device(document: Document) -> Document:
    """The same with the values of the memory device that a hardware file names; paths start from the file.

    Raises: UserError where there is no such device, or its file is wrong.
    """
    dram = document.data.get("dram")
    if not isinstance(dram, dict) or not isinstance(dram.get("device"), str):
        return document
    place = document.place(("dram", "device"))
    name: str | Path = dram["device"]
    if is_path(name):
        stated_in = Path(place.rpartition(":")[0])
        name = (stated_in.parent if stated_in.is_file() else Path()) / name
    try:
        device = load_device(name)
    except UserError as error:
        raise UserError(f"{place}: dram.device: {error}") from None
    return document._replace(data=document.data | {"dram": dram | {"device": device}})


def read_workload_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A workload file with settings, unchecked, each value with its place."""
    return apply_settings(_document(name, locate_workloads(), "workload"), settings, WORKLOAD_PREFIX)


def read_device_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A device file with settings, unchecked, each value with its place."""
    return apply_settings(_document(name, locate_devices(), "device"), settings)


def _document(name: str | Path, folder: Path, what: str, extending: tuple[Path, ...] = ()) -> Document:
    if not isinstance(name, str | Path):
        raise UserError(f"{what}: should be a name or a path, got {show_value(name)}")
    path = _locate(name, folder, what)
    document = _read(path, what)
    if "extends" not in document.data:
        return document
    base = document.data["extends"]
    place = document.place(("extends",))
    here = path.resolve()
    if here in extending:
        raise UserError(f"{place}: extends: goes in a circle; {path.name} is extended already")
    if not isinstance(base, str):
        raise UserError(f"{place}: extends: should be a name or a path, got {show_value(base)}")
    if is_path(base):
        base = str(path.parent / base)
    try:
        below = _document(base, folder, what, (*extending, here))
    except UserError as error:
        raise UserError(f"{place}: extends: {error}") from None
    own = {"name": path.stem} if _NAME.fullmatch(path.stem) else {}
    data = own | {key: value for key, value in document.data.items() if key != "extends"}
    return merge_documents(below, document._replace(data=data))


def _read(path: Path, what: str) -> Document:
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        document = read_yaml(path)
        if MARKS[what] not in document.data:
            for other, mark in MARKS.items():
                if mark in document.data:
                    raise UserError(f"{document.place((mark,))}: '{mark}' belongs to {other} files, expected {what}")
        return document
    made = "hardware" if suffix in HARDWARE_IMPORTS else "workload"
    if made != what:
        raise UserError(f"{path}: expected {what}, but {suffix} files give {made}")
    return Document(str(path), import_file(path), {})


MARKS = {"workload": "layers", "hardware": "engine", "device": "kind"}  # the key that tells which a file is
_FOLDERS = {"workload": locate_workloads, "hardware": locate_hwconfigs, "device": locate_devices}
_ARTICLES = {"workload": "a workload", "hardware": "hardware", "device": "a memory device"}
_OPTIONS = {"hardware": "; give it with --hw", "device": "; give it with --device"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def is_path(name: str | Path) -> bool:
    """Whether a name means a file rather than something that ships."""
    return isinstance(name, Path) or "/" in name or "\\" in name or Path(name).suffix.lower() in MODEL_SUFFIXES


def _locate(name: str | Path, folder: Path, what: str) -> Path:
    if is_path(name):
        return Path(name)
    names = list_names(folder)
    if name in names:
        return folder / f"{name}.yaml"
    for other, others in _FOLDERS.items():
        if other != what and name in list_names(others()):
            raise UserError(f"'{name}' is {_ARTICLES[other]}, expected {what}{_OPTIONS.get(other, '')}")
    raise UserError(f"no {what} called '{name}'{suggest(str(name), names)}")
