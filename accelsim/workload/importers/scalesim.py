"""SCALE-Sim's files become workloads and hardware: topology tables (CSV) and configurations (cfg) of its version 3."""

from __future__ import annotations

import configparser
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from accelsim.config import UserError, read_yaml, show_value, suggest
from accelsim.config.places import locate_hwconfigs
from accelsim.workload.importers import clean_name, make_unique_name, read_text

SCALESIM_MAX_BYTES = 1 << 22
MAX_SIZE = 2**31 - 1
BASE_HARDWARE = "scalesim_default"
WORD_BYTES = 1  # SCALE-Sim's word_size

CONV_COLUMNS = (
    "Layer name",
    "IFMAP Height",
    "IFMAP Width",
    "Filter Height",
    "Filter Width",
    "Channels",
    "Num Filter",
    "Strides",
)
GEMM_COLUMNS = ("Layer", "M", "N", "K")
_COUNTS_BANDWIDTH = {"user": True, "calc": False}  # whether the bandwidth of the file counts, by mode
DEPTHWISE_MARK = "DP"  # in a layer's name: SCALE-Sim runs each channel by itself


class _Row(NamedTuple):
    """One line of a table, which describes a layer."""

    place: str  #: file and line
    name: str  #: of the layer
    sizes: dict[str, int]  #: by column
    rest: list[str]  #: the cells after the sizes


def read_topology(path: Path) -> dict[str, Any]:
    """Read the workload of a topology table of convolutions or of GEMMs, as its header says; each layer stands alone.

    Raises: UserError, which names line and column.
    """
    lines = read_text(path, SCALESIM_MAX_BYTES).splitlines()
    if not lines:
        raise UserError(f"{path}: is empty; expected a header line, then one layer a line")
    header = [re.sub(r"[^a-z]", "", cell.lower()) for cell in lines[0].split(",")]
    is_gemm = header[1:4] == ["m", "n", "k"]
    if not is_gemm and not (len(header) >= len(CONV_COLUMNS) and header[1].startswith("ifmap")):
        raise UserError(
            f"{path}:1: not the header of a topology table; allowed: '{', '.join(CONV_COLUMNS)}'"
            f" or '{', '.join(GEMM_COLUMNS)}', got {show_value(lines[0])}"
        )
    taken: set[str] = set()
    layers = []
    for number, line in enumerate(lines[1:], start=2):
        row = _row(line, f"{path}:{number}", GEMM_COLUMNS if is_gemm else CONV_COLUMNS)
        if row is not None:
            name = make_unique_name(row.name, taken)
            taken.add(name)
            layers.append({"name": name, **(_gemm(row) if is_gemm else _convolution(row))})
    if not layers:
        raise UserError(f"{path}: has a header but no layer; expected one layer a line after it")
    return {"name": clean_name(path.stem, "network"), "source": f"SCALE-Sim topology {path.name}", "layers": layers}


def _row(line: str, place: str, columns: Sequence[str]) -> _Row | None:
    """A line, checked; None for a blank one. Empty cells and a #comment at its end do not count. Raises: UserError."""
    cells = [cell.strip() for cell in line.split(",")]
    while cells and (not cells[-1] or cells[-1].startswith("#")):
        cells.pop()
    if not cells:
        return None
    if len(cells) < len(columns):
        missing = columns[len(cells)]
        raise UserError(
            f"{place}: column '{missing}' is missing; a row has {', '.join(columns)}, got {show_value(line)}"
        )
    if not cells[0]:
        raise UserError(f"{place}: column '{columns[0]}' is empty; a layer needs a name")
    pairs = zip(columns[1:], cells[1:], strict=False)
    sizes = {column: _size(cell, place, f"column '{column}'") for column, cell in pairs}
    return _Row(place, cells[0], sizes, cells[len(columns) :])


def _size(text: str, place: str, what: str) -> int:
    """A size from its text. Raises: UserError."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= MAX_SIZE:
        raise UserError(f"{place}: {what}: should be an integer from 1 to {MAX_SIZE}, got {show_value(text)}")
    return int(text)


def _sparsity(row: _Row, column: str) -> dict[str, float]:
    """The key for a layer's zero weights; its cell, N:M for N of M that are not zero, is taken out of the row."""
    found = [cell for cell in row.rest if ":" in cell]
    if not found:
        return {}
    row.rest.remove(found[0])
    kept, _, of = found[0].partition(":")
    n, m = (_size(part.strip(), row.place, f"column '{column}'") for part in (kept, of))
    if n > m:
        raise UserError(f"{row.place}: column '{column}': N of N:M is at most M, got {show_value(found[0])}")
    return {"weight_sparsity": 1 - n / m} if n < m else {}


def _last_cell(row: _Row, column: str, default: int) -> int:
    """The optional last size of a row. Raises: UserError for a cell behind it."""
    if len(row.rest) > 1:
        raise UserError(f"{row.place}: nothing may follow column '{column}', got {show_value(row.rest[1])}")
    return _size(row.rest[0], row.place, f"column '{column}'") if row.rest else default


def _gemm(row: _Row) -> dict[str, Any]:
    """The keys of a product."""
    sparsity = _sparsity(row, "Sparsity")
    m, n, k = row.sizes["M"], row.sizes["N"], row.sizes["K"]
    layer: dict[str, Any] = {"type": "matmul", "m": m, "k": k, "n": n, "weights": True}
    batch = _last_cell(row, "Batch", default=1)
    return layer | ({"repeat": batch} if batch > 1 else {}) | sparsity


def _convolution(row: _Row) -> dict[str, Any]:
    """The keys of a convolution over an ifmap that is padded already.

    SCALE-Sim rounds the number of windows up: the last one may reach beyond the ifmap. That part is padding here.
    """
    sparsity = _sparsity(row, "Sparsity")
    height, width, kernel_h, kernel_w, channels, filters, stride_h = row.sizes.values()
    stride_w = _last_cell(row, "Strides W", default=stride_h)
    for size, kernel, axis in ((height, kernel_h, "Height"), (width, kernel_w, "Width")):
        if kernel > size:
            raise UserError(f"{row.place}: column 'Filter {axis}': should be at most the ifmap's {size}, got {kernel}")
    groups = channels if DEPTHWISE_MARK in row.name else 1
    bottom, right = -(height - kernel_h) % stride_h, -(width - kernel_w) % stride_w
    layer: dict[str, Any] = {
        "type": "conv2d",
        "input_shape": {"channels": channels, "height": height, "width": width},
        "out_channels": filters * groups,
        "kernel": kernel_h if kernel_h == kernel_w else [kernel_h, kernel_w],
        "stride": stride_h if stride_h == stride_w else [stride_h, stride_w],
    }
    if bottom or right:
        layer["padding"] = [0, 0, bottom, right]
    if groups > 1:
        layer["groups"] = groups
    return layer | {"bias": False} | sparsity


class Configuration(NamedTuple):
    """A cfg file."""

    path: Path
    lines: list[str]
    values: configparser.ConfigParser  #: by section and key

    def text(self, section: str, key: str) -> str | None:
        """The text of a value, without quotes; None where section or key are missing."""
        value = self.values.get(section, key, fallback=None)
        return None if value is None else value.strip().strip("\"'")

    def place(self, key: str) -> str:
        """The file and line of a key."""
        pattern = re.compile(rf"\s*{re.escape(key)}\s*[:=]", re.IGNORECASE)
        numbers = [number for number, line in enumerate(self.lines, start=1) if pattern.match(line)]
        return f"{self.path}:{numbers[0]}" if numbers else str(self.path)

    def size(self, key: str) -> int:
        """A size of [architecture_presets], the first where several are listed. Raises: UserError."""
        text = self.text("architecture_presets", key)
        if text is None:
            raise self._missing("architecture_presets", key)
        return _size(text.split(",")[0].strip(), self.place(key), key)

    def choice(self, section: str, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """A value that is one of the allowed words, in small letters. Raises: UserError."""
        value = self.text(section, key)
        if value is None:
            if default is None:
                raise self._missing(section, key)
            return default
        if value.lower() not in allowed:
            raise UserError(f"{self.place(key)}: {key}: should be one of {', '.join(allowed)}, got {show_value(value)}")
        return value.lower()

    def _missing(self, section: str, key: str) -> UserError:
        known = self.values.options(section) if self.values.has_section(section) else []
        close = suggest(key.lower(), known).partition("; allowed")[0]
        return UserError(f"{self.path}: missing key '{key}' in section [{section}]{close}")


def read_configuration(path: Path) -> dict[str, Any]:
    """Read the hardware of a configuration: array, dataflow and buffers; all else is as in BASE_HARDWARE.

    In USER mode, or without a mode, ``Bandwidth`` counts: it is words (bytes) a cycle, and becomes GB/s at the base
    file's clock. SCALE-Sim gives that bandwidth to each operand's interface, accelsim to the one DRAM that they share.
    In CALC mode SCALE-Sim ignores the number and takes as much as it needs; then the base file's DRAM stays. Address
    offsets, request buffers and layout are not used.

    Raises: UserError, which names line and key.
    """
    cfg = _parse_configuration(path)
    rows, cols = cfg.size("ArrayHeight"), cfg.size("ArrayWidth")
    dataflow = cfg.choice("architecture_presets", "Dataflow", ("os", "ws", "is"))
    if cfg.choice("sparsity", "SparsitySupport", ("false", "true"), default="false") == "true":
        place = cfg.place("SparsitySupport")
        raise UserError(f"{place}: SparsitySupport: sparse arrays are not imported; allowed: false, got true")
    sram = {
        buffer: {"capacity_kib": cfg.size(key), "width_bits": words * WORD_BYTES * 8}
        for buffer, key, words in (
            ("ifmap", "IfmapSramSzkB", rows),
            ("weight", "FilterSramSzkB", cols),
            ("ofmap", "OfmapSramSzkB", cols),
        )
    }
    clock_mhz = read_yaml(locate_hwconfigs() / f"{BASE_HARDWARE}.yaml").data["clock_mhz"]
    return {
        "name": clean_name(cfg.text("general", "run_name") or "", clean_name(path.stem, "array")),
        "extends": BASE_HARDWARE,
        "description": f"SCALE-Sim configuration {path.name}",
        "clock_mhz": clock_mhz,
        "engine": {
            "kind": "systolic",
            "rows": rows,
            "cols": cols,
            "dataflow": dataflow,
            "charge_full_array": True,
            "output_drain": "none",
        },
        "sram": sram,
    } | _dram(cfg, clock_mhz)


def _dram(cfg: Configuration, clock_mhz: float) -> dict[str, Any]:
    """The keys of the DRAM, where its bandwidth counts. Raises: UserError."""
    mode = cfg.choice("run_presets", "InterfaceBandwidth", tuple(_COUNTS_BANDWIDTH), default="user")
    if not _COUNTS_BANDWIDTH[mode] or not cfg.text("architecture_presets", "Bandwidth"):
        return {}
    return {"dram": {"bandwidth_gb_s": cfg.size("Bandwidth") * WORD_BYTES * clock_mhz / 1000}}


def _parse_configuration(path: Path) -> Configuration:
    """The configuration of a file. Raises: UserError."""
    text = read_text(path, SCALESIM_MAX_BYTES)
    values = configparser.ConfigParser(interpolation=None)
    try:
        values.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        raise UserError(f"{path}:{error.lineno}: expected a [section] before the first key") from None
    except configparser.ParsingError as error:
        number, line = error.errors[0]
        raise UserError(f"{path}:{number}: should be 'Key : value' or '[section]', got {line}") from None
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        what = error.option if isinstance(error, configparser.DuplicateOptionError) else f"[{error.section}]"
        raise UserError(f"{path}:{error.lineno}: {what} is given twice") from None
    return Configuration(path, text.splitlines(), values)
