"""Traces of requests and lists of commands as files, written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from accelsim.config import UserError
from accelsim.config.files import prepare_folder, replace_file
from accelsim.hardware import BankedDevice, MemoryDevice
from accelsim.memory.banked_dram import DRAM_COMMANDS
from accelsim.memory.traces import TRACE_ARRAYS, TRACE_COLUMNS, TRACE_SUFFIXES, Requests

HEADER = "cycle,channel,command,rank,bank_group,bank,row,column\n"


def trace_file(path: Path) -> None:
    """Raises: UserError unless a trace can be written there."""
    if path.suffix.lower() not in TRACE_SUFFIXES:
        raise UserError(
            f"--out {path}: a trace is CSV or npz; allowed: a name that ends in {', '.join(TRACE_SUFFIXES)}"
        )
    prepare_folder(path.parent, [path.name])


def write_trace(path: Path, pieces: Iterable[Requests]) -> None:
    """A trace as CSV or npz, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as temporary:
        if path.suffix.lower() == ".csv":
            with temporary.open("w", encoding="utf-8", newline="") as file:
                file.write(",".join(TRACE_COLUMNS) + "\n")
                for requests in pieces:
                    _write_rows(file, list(requests))
        else:
            columns = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
            arrays: dict[str, Any] = dict(zip(TRACE_ARRAYS, columns, strict=True))
            with temporary.open("wb") as file:
                np.savez_compressed(file, **arrays)


def _write_rows(file: IO[str], columns: list[np.ndarray]) -> None:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    file.writelines(",".join(map(str, row)) + "\n" for row in rows)


def for_commands(path: Path, device: MemoryDevice, fidelity: str) -> None:
    """Raises: UserError unless there are commands to list, and the list can be written there."""
    if not isinstance(device, BankedDevice):
        raise UserError(f"--commands {path}: {device.name} is a serial device and has no such commands")
    if fidelity != "cycle":
        raise UserError(f"--commands {path}: only --fidelity cycle plays commands, got {fidelity}")
    prepare_folder(path.parent, [path.name])


@contextmanager
def command_list(path: Path, device: MemoryDevice) -> Iterator[Callable[[np.ndarray], None]]:
    """What takes commands and writes them as CSV; the file appears when all are there."""
    groups = device.banks_per_group if isinstance(device, BankedDevice) else 1
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)

        def sink(records: np.ndarray) -> None:
            for cycle, channel, command, rank, bank, row, column in records.tolist():
                group, place = (bank // groups, bank % groups) if bank >= 0 else ("", "")
                cells = (cycle, channel, DRAM_COMMANDS[command], rank, group, place, _cell(row), _cell(column))
                file.write(",".join(map(str, cells)) + "\n")

        yield sink


def _cell(value: int) -> int | str:
    return value if value >= 0 else ""
