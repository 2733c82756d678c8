"""Traces of memory requests, read in pieces: CSV (arrival_cycle,address,is_write) or npz (arrival, addr, is_write)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from accelsim.config import UserError, nearest, shown

PIECE = 1 << 16  # requests that are held at a time
COLUMNS = ("arrival_cycle", "address", "is_write")
ARRAYS = ("arrival", "addr", "is_write")
LATEST = 2**60  # cycle of an arrival
SUFFIXES = (".csv", ".npz")


class Requests(NamedTuple):
    """Some requests of a trace, in order of arrival."""

    arrival: np.ndarray  #: cycles of the memory's clock, int64
    address: np.ndarray  #: bytes, int64
    is_write: np.ndarray  #: uint8, 0 or 1

    @property
    def size(self) -> int:
        """How many."""
        return int(self.arrival.size)


Place = Callable[[int, int], str]  #: of a request and one of its columns, both counted from 0, in words


def read_trace(path: Path, capacity_bytes: int) -> Iterator[Requests]:
    """The requests of a file, checked, in pieces of at most PIECE.

    Raises: UserError for arrivals that are negative or not in order, addresses beyond the capacity, and whatever is no
    trace.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{path}: a trace is CSV or npz, got '{suffix}'; allowed: {', '.join(SUFFIXES)}")
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not a trace")
    pieces, place = (_read_csv(path), _csv_place(path)) if suffix == ".csv" else (_read_npz(path), _npz_place(path))
    taken, before = 0, 0
    for columns in pieces:
        yield _checked(columns, taken, before, capacity_bytes, place)
        taken += columns[0].size
        before = int(columns[0][-1])
    if not taken:
        raise UserError(f"{path}: has no requests")


def _checked(columns: list[np.ndarray], taken: int, before: int, capacity_bytes: int, place: Place) -> Requests:
    """Columns as requests; before is the arrival of the one before."""
    arrival, address, is_write = columns
    steps = np.diff(arrival, prepend=before)
    problems = (
        ((arrival < 0) | (arrival > LATEST), 0, f"should be between 0 and {LATEST}"),
        (steps < 0, 0, "should not be earlier than the request before"),
        ((address < 0) | (address >= capacity_bytes), 1, f"should be in the device's {capacity_bytes} bytes, from 0"),
        ((is_write != 0) & (is_write != 1), 2, "should be 0 or 1"),
    )
    for wrong, column, allowed in problems:
        if wrong.any():
            first = int(wrong.argmax())
            raise UserError(f"{place(taken + first, column)}: {allowed}, got {columns[column][first]}")
    return Requests(arrival, address, is_write.astype(np.uint8))


def _csv_place(path: Path) -> Place:
    return lambda request, column: f"{path}:{request + 2}: {COLUMNS[column]}"


def _npz_place(path: Path) -> Place:
    return lambda request, column: f"{path}: {ARRAYS[column]}[{request}]"


def _read_csv(path: Path) -> Iterator[list[np.ndarray]]:
    """Columns of a CSV, a piece at a time."""
    import pandas

    line = 2
    try:
        with path.open(encoding="utf-8", newline="") as text:
            _check_header(text.readline(), path)
            while piece := list(_lines(text)):
                yield _parsed(pandas, piece, path, line)
                line += len(piece)
    except UnicodeDecodeError:
        raise UserError(f"{path}:{line}: is no text") from None


def _lines(text: IO[str]) -> Iterator[str]:
    for _, line in zip(range(PIECE), text, strict=False):
        yield line


def _check_header(header: str, path: Path) -> None:
    names = header.strip().split(",")
    if names != list(COLUMNS):
        wrong = next((name for name in names if name not in COLUMNS), None)
        hint = nearest(wrong, COLUMNS) if wrong else ""
        raise UserError(f"{path}:1: should be {','.join(COLUMNS)}, got {shown(header.strip())}{hint}")


def _parsed(pandas: Any, lines: list[str], path: Path, first: int) -> list[np.ndarray]:
    import io

    try:
        frame = pandas.read_csv(io.StringIO("".join(lines)), header=None, names=COLUMNS, dtype=np.int64,
                                skip_blank_lines=False, index_col=False)  # fmt: skip
        if len(frame) == len(lines) and not any(line.count(",") != 2 for line in lines):
            return [frame[name].to_numpy() for name in COLUMNS]
    except (ValueError, OverflowError, pandas.errors.ParserError, pandas.errors.ParserWarning):
        pass
    for number, line in enumerate(lines, first):
        _check_line(line, f"{path}:{number}")
    raise UserError(f"{path}:{first}: cannot be read as {','.join(COLUMNS)}")


def _check_line(line: str, place: str) -> None:
    values = line.strip("\r\n").split(",")
    if len(values) != len(COLUMNS):
        raise UserError(f"{place}: should have {len(COLUMNS)} values ({','.join(COLUMNS)}), got {shown(line.strip())}")
    for name, value in zip(COLUMNS, values, strict=True):
        try:
            number = int(value)
        except ValueError:
            raise UserError(f"{place}: {name}: should be a whole number, got {shown(value)}") from None
        if abs(number) >= 2**63:
            raise UserError(f"{place}: {name}: should fit 64 bits, got {shown(value)}")


def _read_npz(path: Path) -> Iterator[list[np.ndarray]]:
    """Arrays of an npz, a piece of each at a time, never unpickled."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            for name in ARRAYS:
                if name not in names:
                    raise UserError(f"{path}: has no array '{name}', only {', '.join(names) or 'nothing'}")
            streams = [archive.open(f"{name}.npy") for name in ARRAYS]
            headers = [_npy_header(stream, f"{path}: {name}") for stream, name in zip(streams, ARRAYS, strict=True)]
            sizes = {size for size, _ in headers}
            if len(sizes) > 1:
                told = ", ".join(f"{name} {size}" for name, (size, _) in zip(ARRAYS, headers, strict=True))
                raise UserError(f"{path}: arrays should be equally long, got {told}")
            left = sizes.pop()
            while left:
                count = min(left, PIECE)
                parts = [_part(*args, count) for args in zip(streams, headers, ARRAYS, [path] * 3, strict=True)]
                yield parts
                left -= count
    except (zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{path}: is no npz file: {str(error).lower()}") from None


def _npy_header(stream: IO[bytes], place: str) -> tuple[int, np.dtype]:
    """Length and type of an array of whole numbers."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    except ValueError as error:
        raise UserError(f"{place}: is no array: {str(error).lower()}") from None
    if dtype.hasobject or dtype.kind not in "iub":
        raise UserError(f"{place}: should hold whole numbers, got {'objects' if dtype.hasobject else dtype}")
    if len(shape) != 1:
        raise UserError(f"{place}: should have one dimension, got shape {shape}")
    return shape[0], dtype


def _part(stream: IO[bytes], header: tuple[int, np.dtype], name: str, path: Path, count: int) -> np.ndarray:
    _, dtype = header
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise UserError(f"{path}: {name}: ends too early")
    values = np.frombuffer(data, dtype)
    if dtype.kind == "u" and dtype.itemsize == 8 and (values >= 2**63).any():
        raise UserError(f"{path}: {name}: should fit 63 bits, got {values.max()}")
    return values.astype(np.int64)
