"""A shipped name or a path -> Hardware, Workload."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from accelsim.config import Document, UserError, merge, nearest, read_yaml, validated, with_settings
from accelsim.hardware import Hardware
from accelsim.places import hwconfigs_folder, workloads_folder
from accelsim.workload import Workload, workload_of

DEFAULT_HARDWARE = "edge_npu"
WORKLOAD_PREFIX = "workload."
MAX_EXTENDS = 8


def _topology(path: Path) -> dict[str, Any]:
    from accelsim.importers.scalesim import read_topology

    return read_topology(path)


def _configuration(path: Path) -> dict[str, Any]:
    from accelsim.importers.scalesim import read_configuration

    return read_configuration(path)


def _network(path: Path) -> dict[str, Any]:
    from accelsim.importers.onnx import read_onnx

    return read_onnx(path)


IMPORTERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".csv": _topology,
    ".cfg": _configuration,
    ".onnx": _network,
}
SUFFIXES = {".yaml", ".yml", *IMPORTERS}


def load_hardware(hardware: str | Path = DEFAULT_HARDWARE, settings: Iterable[str] = ()) -> Hardware:
    """Hardware by shipped name or path (YAML, SCALE-Sim cfg), with ``PATH=VALUE`` settings laid over it.

    Raises: UserError naming what is wrong and where.
    """
    return validated(Hardware, hardware_document(hardware, settings))


def load_workload(workload: str | Path, settings: Iterable[str] = ()) -> Workload:
    """Network by shipped name or path (YAML, ONNX, SCALE-Sim CSV), with ``PATH=VALUE`` settings laid over it.

    Raises: UserError naming what is wrong and where.
    """
    return workload_of(workload_document(workload, settings))


def shipped(folder: Path) -> list[str]:
    """Names of the files that ship in a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def split_settings(settings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Settings of the hardware, and those of the workload without their prefix."""
    texts = list(settings)
    workload = [text.removeprefix(WORKLOAD_PREFIX) for text in texts if text.startswith(WORKLOAD_PREFIX)]
    return [text for text in texts if not text.startswith(WORKLOAD_PREFIX)], workload


def imported(path: Path) -> dict[str, Any]:
    """The data that an importer makes of another tool's file.

    Raises: UserError where no importer takes such a file, or the importer refuses it.
    """
    if path.suffix not in IMPORTERS:
        raise UserError(f"{path}: nothing imports '{path.suffix}' files; allowed: {', '.join(IMPORTERS)}")
    return IMPORTERS[path.suffix](path)


def hardware_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A hardware file with what it extends and the settings, unchecked, each value with its place."""
    return with_settings(_document(name, hwconfigs_folder(), "hardware"), settings)


def workload_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A workload file with settings, unchecked, each value with its place."""
    return with_settings(_document(name, workloads_folder(), "workload"), settings)


def _document(name: str | Path, folder: Path, what: str, depth: int = 0) -> Document:
    path = _locate(name, folder, what)
    importer = IMPORTERS.get(path.suffix)
    document = Document(str(path), importer(path), {}) if importer else read_yaml(path)
    base = document.data.get("extends")
    if base is None:
        return document
    place = document.place(("extends",))
    if depth == MAX_EXTENDS:
        raise UserError(f"{place}: extends: more than {MAX_EXTENDS} files extend one another; do they form a circle?")
    if not isinstance(base, str):
        raise UserError(f"{place}: extends: should be a name or a path, got {base!r}")
    if _is_path(base):
        base = str(path.parent / base)
    try:
        below = _document(base, folder, what, depth + 1)
    except UserError as error:
        raise UserError(f"{place}: extends: {error}") from None
    data = {key: value for key, value in document.data.items() if key != "extends"}
    return merge(below, document._replace(data=data))


def _is_path(name: str | Path) -> bool:
    return isinstance(name, Path) or "/" in name or "\\" in name or Path(name).suffix in SUFFIXES


def _locate(name: str | Path, folder: Path, what: str) -> Path:
    if _is_path(name):
        return Path(name)
    path = folder / f"{name}.yaml"
    if not name or not path.is_file():
        raise UserError(f"no {what} called '{name}'{nearest(str(name), shipped(folder))}")
    return path
