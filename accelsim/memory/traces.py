"""Traces of memory requests, read in pieces: CSV (arrival_cycle,address,is_write) or npz (arrival, addr, is_write)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from accelsim.config import UserError, show_value, suggest

PIECE = 1 << 16  # requests of an npz that are read at a time
BLOCK = 1 << 20  # bytes of a CSV that are read at a time
COMMA, NEWLINE = b",\n"
PLAIN = frozenset(b"0123456789,\n")
LONGEST = 19  # characters of a number and its separator that fit 64 bits in any case
LARGEST_ADDRESS = 10**18
WHOLE = re.compile(r"-?[0-9]+")
TRACE_COLUMNS = ("arrival_cycle", "address", "is_write")
TRACE_ARRAYS = ("arrival", "addr", "is_write")
LATEST = 2**60  # last cycle of an arrival
TRACE_SUFFIXES = (".csv", ".npz")


class Requests(NamedTuple):
    """Some requests of a trace, in the order of their arrival."""

    arrival: np.ndarray  #: int64[requests], cycles of the memory's clock
    address: np.ndarray  #: int64[requests], bytes
    is_write: np.ndarray  #: uint8[requests], 0 or 1

    @property
    def size(self) -> int:
        """Number of requests."""
        return int(self.arrival.size)


Place = Callable[[int, int], str]  #: names the place of a request and one of its columns, both counted from 0


def read_trace(path: Path, capacity_bytes: int) -> Iterator[Requests]:
    """Read the requests of a file in pieces, and check them.

    Raises: UserError for a file that is no trace, arrivals that are negative or not in order, and addresses beyond the
    device's capacity.
    """
    suffix = path.suffix.lower()
    if suffix not in TRACE_SUFFIXES:
        raise UserError(f"{path}: a trace is CSV or npz, got '{suffix}'; allowed: {', '.join(TRACE_SUFFIXES)}")
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
    """The columns of a piece as requests, checked.

    ``taken`` requests came before this piece, the last of them at the cycle ``before``. Raises: UserError.
    """
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
    return lambda request, column: f"{path}:{request + 2}: {TRACE_COLUMNS[column]}"


def _npz_place(path: Path) -> Place:
    return lambda request, column: f"{path}: {TRACE_ARRAYS[column]}[{request}]"


def _read_csv(path: Path) -> Iterator[list[np.ndarray]]:
    """Columns of a CSV, int64[requests] each, a piece at a time."""
    with path.open("rb") as file:
        _check_header(file.readline(), path)
        line, rest = 2, b""
        while block := file.read(BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if newline:
                columns = _parsed(whole, path, line)
                line += columns[0].size
                yield columns
        if rest:
            yield _parsed(rest, path, line)


def _check_header(line: bytes, path: Path) -> None:
    """Raises: UserError where the first line of a CSV is not the header of a trace."""
    header = line.decode(errors="replace").strip()
    names = header.split(",")
    if names != list(TRACE_COLUMNS):
        wrong = next((name for name in names if name not in TRACE_COLUMNS), None)
        hint = suggest(wrong, TRACE_COLUMNS) if wrong else ""
        raise UserError(f"{path}:1: should be {','.join(TRACE_COLUMNS)}, got {show_value(header)}{hint}")


def _parsed(lines: bytes, path: Path, first: int) -> list[np.ndarray]:
    """Columns of whole lines, the newline of the last left out; ``first`` is the number of the first line."""
    lines = lines.replace(b"\r\n", b"\n").removesuffix(b"\r")
    characters = np.frombuffer(lines + b"\n", np.uint8)
    places = np.flatnonzero((characters == COMMA) | (characters == NEWLINE))
    filled = (np.diff(places, prepend=-1) > 1).all() and (np.diff(places, prepend=-1) < LONGEST).all()
    separators = characters[places]
    in_order = places.size % 3 == 0 and (separators.reshape(-1, 3) == (COMMA, COMMA, NEWLINE)).all()
    if filled and in_order and PLAIN.issuperset(lines):
        values = np.fromstring(lines.replace(b"\n", b",").decode(), np.int64, sep=",")
        return list(np.ascontiguousarray(values.reshape(-1, 3).T))
    rows = [_numbers(line, f"{path}:{number}") for number, line in enumerate(lines.split(b"\n"), first)]
    return list(np.ascontiguousarray(np.array(rows, np.int64).T))


def _numbers(line: bytes, place: str) -> list[int]:
    """The numbers of a line with more than digits in it. Raises: UserError that says what is wrong with the line."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        raise UserError(f"{place}: is no text") from None
    values = text.split(",")
    if len(values) != len(TRACE_COLUMNS):
        raise UserError(
            f"{place}: should have {len(TRACE_COLUMNS)} values ({','.join(TRACE_COLUMNS)}), got {show_value(text)}"
        )
    for name, value in zip(TRACE_COLUMNS, values, strict=True):
        if not WHOLE.fullmatch(value):
            raise UserError(f"{place}: {name}: should be a whole number, got {show_value(value)}")
        if abs(int(value)) >= LARGEST_ADDRESS:
            raise UserError(f"{place}: {name}: should be below {LARGEST_ADDRESS}, got {show_value(value)}")
    return [int(value) for value in values]


def _read_npz(path: Path) -> Iterator[list[np.ndarray]]:
    """Columns of an npz, int64[requests] each, a piece at a time; nothing is ever unpickled."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            for name in TRACE_ARRAYS:
                if name not in names:
                    raise UserError(f"{path}: has no array '{name}', only {', '.join(names) or 'nothing'}")
            streams = [archive.open(f"{name}.npy") for name in TRACE_ARRAYS]
            headers = [
                _npy_header(stream, f"{path}: {name}") for stream, name in zip(streams, TRACE_ARRAYS, strict=True)
            ]
            sizes = {size for size, _ in headers}
            if len(sizes) > 1:
                lengths = ", ".join(f"{name} {size}" for name, (size, _) in zip(TRACE_ARRAYS, headers, strict=True))
                raise UserError(f"{path}: arrays should be equally long, got {lengths}")
            left = sizes.pop()
            while left:
                count = min(left, PIECE)
                parts = [_part(*args, count) for args in zip(streams, headers, TRACE_ARRAYS, [path] * 3, strict=True)]
                yield parts
                left -= count
    except (zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{path}: is no npz file: {str(error).lower()}") from None


def _npy_header(stream: IO[bytes], place: str) -> tuple[int, np.dtype]:
    """Length and type of an array, from its header. Raises: UserError for anything but a list of whole numbers."""
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
    """The next ``count`` numbers of an array, int64[count]. Raises: UserError."""
    _, dtype = header
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise UserError(f"{path}: {name}: ends too early")
    values = np.frombuffer(data, dtype)
    if dtype.kind == "u" and dtype.itemsize == 8 and (values >= 2**63).any():
        raise UserError(f"{path}: {name}: should fit 63 bits, got {values.max()}")
    return values.astype(np.int64)
