"""A shipped name or a path -> Hardware, Workload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from accelsim.config import Document, UserError, merge, nearest, read_yaml, shown, validated, with_settings
from accelsim.hardware import Hardware
from accelsim.places import hwconfigs_folder, workloads_folder
from accelsim.workload import Workload, workload_of

DEFAULT_HARDWARE = "edge_npu"
WORKLOAD_PREFIX = "workload."


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
HARDWARE_IMPORTS = {".cfg"}  # the other importers make workloads
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
    """Settings of the hardware, and those of the workload, which begin with ``workload.``."""
    texts = list(settings)
    workload = [text for text in texts if text.startswith(WORKLOAD_PREFIX)]
    return [text for text in texts if not text.startswith(WORKLOAD_PREFIX)], workload


def imported(path: Path) -> dict[str, Any]:
    """The data that an importer makes of another tool's file.

    Raises: UserError where no importer takes such a file, or the importer refuses it.
    """
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        raise UserError(f"{path}: nothing imports '{suffix}' files; allowed: {', '.join(IMPORTERS)}")
    return IMPORTERS[suffix](path)


def hardware_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A hardware file with what it extends and the settings, unchecked, each value with its place."""
    return with_settings(_document(name, hwconfigs_folder(), "hardware"), settings)


def workload_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """A workload file with settings, unchecked, each value with its place."""
    return with_settings(_document(name, workloads_folder(), "workload"), settings, WORKLOAD_PREFIX)


def _document(name: str | Path, folder: Path, what: str, extending: tuple[Path, ...] = ()) -> Document:
    if not isinstance(name, str | Path):
        raise UserError(f"{what}: should be a name or a path, got {shown(name)}")
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
        raise UserError(f"{place}: extends: should be a name or a path, got {shown(base)}")
    if is_path(base):
        base = str(path.parent / base)
    try:
        below = _document(base, folder, what, (*extending, here))
    except UserError as error:
        raise UserError(f"{place}: extends: {error}") from None
    own = {"name": path.stem} if _NAME.fullmatch(path.stem) else {}
    data = own | {key: value for key, value in document.data.items() if key != "extends"}
    return merge(below, document._replace(data=data))


def _read(path: Path, what: str) -> Document:
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        document = read_yaml(path)
        other = "hardware" if what == "workload" else "workload"
        if MARKS[other] in document.data and MARKS[what] not in document.data:
            place = document.place((MARKS[other],))
            raise UserError(f"{place}: '{MARKS[other]}' belongs to {other} files, expected {what}")
        return document
    made = "hardware" if suffix in HARDWARE_IMPORTS else "workload"
    if made != what:
        raise UserError(f"{path}: expected {what}, but {suffix} files give {made}")
    return Document(str(path), imported(path), {})


MARKS = {"workload": "layers", "hardware": "engine"}  # the key that tells which a file is
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def is_path(name: str | Path) -> bool:
    """Whether a name means a file rather than something that ships."""
    return isinstance(name, Path) or "/" in name or "\\" in name or Path(name).suffix.lower() in SUFFIXES


def _locate(name: str | Path, folder: Path, what: str) -> Path:
    if is_path(name):
        return Path(name)
    names = shipped(folder)
    if name in names:
        return folder / f"{name}.yaml"
    other, others = ("hardware", hwconfigs_folder()) if what == "workload" else ("workload", workloads_folder())
    if name in shipped(others):
        option = "; give it with --hw" if other == "hardware" else ""
        raise UserError(f"'{name}' is a {other}, expected {what}{option}".replace("a hardware", "hardware"))
    raise UserError(f"no {what} called '{name}'{nearest(str(name), names)}")
