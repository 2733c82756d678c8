"""Load hardware, workloads and memory devices by a shipped name or a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
FileKind = Literal["hardware", "workload", "device"]


def _topology(path: Path) -> dict[str, Any]:
    from accelsim.workload.importers.scalesim import read_topology

    return read_topology(path)


def _configuration(path: Path) -> dict[str, Any]:
    from accelsim.workload.importers.scalesim import read_configuration

    return read_configuration(path)


def _network(path: Path) -> dict[str, Any]:
    from accelsim.workload.importers.onnx import read_onnx

    return read_onnx(path)


class Importer(NamedTuple):
    """What becomes of another tool's file."""

    kind: FileKind
    read: Callable[[Path], dict[str, Any]]  #: its data, in the keys of our own files


IMPORTERS: Mapping[str, Importer] = {
    ".csv": Importer("workload", _topology),
    ".cfg": Importer("hardware", _configuration),
    ".onnx": Importer("workload", _network),
}  #: by the suffix of the file
MODEL_SUFFIXES = {".yaml", ".yml", *IMPORTERS}
DEVICES: Mapping[str, type[BankedDevice] | type[SerialDevice]] = {"banked": BankedDevice, "serial": SerialDevice}


def load_hardware(hardware: str | Path = DEFAULT_HARDWARE, settings: Iterable[str] = ()) -> Hardware:
    """Load hardware by its shipped name or the path of its file (YAML, or SCALE-Sim cfg).

    ``settings`` are texts such as ``engine.rows=16``, applied in order: a dotted path of the file and a YAML value.

    Raises: UserError that says what is wrong and where.
    """
    return validate_document(Hardware, read_hardware_document(hardware, settings))


def load_workload(workload: str | Path, settings: Iterable[str] = ()) -> Workload:
    """Load a network by its shipped name or the path of its file (YAML, ONNX, or SCALE-Sim CSV).

    ``settings`` are texts such as ``batch=4`` or ``layers.conv1.stride=2``, applied in order: a dotted path of the
    file, which may begin with ``workload.``, and a YAML value.

    Raises: UserError that says what is wrong and where.
    """
    return build_workload(read_workload_document(workload, settings))


def load_device(device: str | Path, settings: Iterable[str] = (), mapping: str | None = None) -> MemoryDevice:
    """Load a memory device by its shipped name or the path of its file.

    ``settings`` are texts such as ``channels=8``, applied in order. ``mapping`` is the order of the address fields from
    the most significant to the least, such as ``rochrababgco``, instead of the file's.

    Raises: UserError that says what is wrong and where.
    """
    document = read_device_document(device, settings)
    if mapping is not None:
        document = assign_value(document, "mapping", mapping, f"--mapping {mapping}")
    kind = document.data.get("kind")
    if kind is None:  # validation says that the key is missing
        return validate_document(BankedDevice, document)
    if not isinstance(kind, str) or kind not in DEVICES:
        raise invalid(document, ("kind",), f"no such kind, got {show_value(kind)}; allowed: {', '.join(DEVICES)}")
    return validate_document(DEVICES[kind], document)


def list_names(folder: Path) -> list[str]:
    """List the names of the files that ship in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def split_settings(settings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split settings into those of the hardware and those of the workload, which begin with ``workload.``."""
    texts = list(settings)
    workload = [text for text in texts if text.startswith(WORKLOAD_PREFIX)]
    return [text for text in texts if not text.startswith(WORKLOAD_PREFIX)], workload


def import_file(path: Path) -> dict[str, Any]:
    """Import another tool's file as the data of a hardware or workload file.

    Raises: UserError where no importer takes such a file, or the importer refuses it.
    """
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        raise UserError(f"{path}: nothing imports '{suffix}' files; allowed: {', '.join(IMPORTERS)}")
    return IMPORTERS[suffix].read(path)


def read_hardware_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """Read a hardware file with the files that it extends and the settings, not validated yet.

    Raises: UserError where there is no such file, one of them cannot be read, or a setting has no place.
    """
    return resolve_device(apply_settings(_document(name, locate_hwconfigs(), "hardware"), settings))


def resolve_device(document: Document) -> Document:
    """Replace the name of a hardware file's memory device by the device itself; a path starts from the file.

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
    """Read a workload file with the files that it extends and the settings, not validated yet.

    Raises: UserError as ``read_hardware_document``.
    """
    return apply_settings(_document(name, locate_workloads(), "workload"), settings, WORKLOAD_PREFIX)


def read_device_document(name: str | Path, settings: Iterable[str] = ()) -> Document:
    """Read a memory device's file with the files that it extends and the settings, not validated yet.

    Raises: UserError as ``read_hardware_document``.
    """
    return apply_settings(_document(name, locate_devices(), "device"), settings)


def _document(name: str | Path, folder: Path, what: FileKind, extending: tuple[Path, ...] = ()) -> Document:
    """A file with the files that it extends; ``extending`` are those that extend it. Raises: UserError."""
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


def _read(path: Path, what: FileKind) -> Document:
    """A file by itself, imported where it is another tool's. Raises: UserError where it is not what is wanted."""
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        document = read_yaml(path)
        if _FORMS[what].mark not in document.data:
            for other, (mark, *_) in _FORMS.items():
                if mark in document.data:
                    raise UserError(f"{document.place((mark,))}: '{mark}' belongs to {other} files, expected {what}")
        return document
    made = IMPORTERS[suffix].kind
    if made != what:
        raise UserError(f"{path}: expected {what}, but {suffix} files give {made}")
    return Document(str(path), import_file(path), {})


class _Form(NamedTuple):
    """How a kind of file is recognised and named."""

    mark: str  #: the key by which it is recognised
    locate_folder: Callable[[], Path]  #: of the files that ship
    title: str
    option: str = ""  #: how to give such a file on the command line, behind an error


_FORMS: Mapping[FileKind, _Form] = {
    "workload": _Form("layers", locate_workloads, "a workload"),
    "hardware": _Form("engine", locate_hwconfigs, "hardware", "; give it with --hw"),
    "device": _Form("kind", locate_devices, "a memory device", "; give it with --device"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def is_path(name: str | Path) -> bool:
    """Whether a name means a file of the user rather than one that ships."""
    return isinstance(name, Path) or "/" in name or "\\" in name or Path(name).suffix.lower() in MODEL_SUFFIXES


def _locate(name: str | Path, folder: Path, what: FileKind) -> Path:
    """The path of a file, by its shipped name or its path. Raises: UserError where nothing ships under a name."""
    if is_path(name):
        return Path(name)
    names = list_names(folder)
    if name in names:
        return folder / f"{name}.yaml"
    for other, form in _FORMS.items():
        if other != what and name in list_names(form.locate_folder()):
            raise UserError(f"'{name}' is {form.title}, expected {what}{form.option}")
    raise UserError(f"no {what} called '{name}'{suggest(str(name), names)}")
