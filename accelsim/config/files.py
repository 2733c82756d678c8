"""Files that a command writes: each appears whole and under its final name, or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import ENOTDIR
from pathlib import Path
from typing import Any

from accelsim.config import UserError


def prepare_folder(folder: str | Path, names: Iterable[str] = ()) -> Path:
    """Check that a folder can be made and can take files of these names; nothing is left of the check.

    ``write_file`` makes the folder later. Raises: UserError where it cannot be made or written, or a name is taken by
    something that is no file.
    """
    if not str(folder):
        raise UserError("--out: should be a folder, got ''")
    folder = Path(folder)
    made: list[Path] = []
    try:
        _refuse_other_than_files([folder / name for name in names])
        _make(folder, made)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {_reason(error).lower()}") from None
    finally:
        _remove(made)


def _refuse_other_than_files(targets: Iterable[Path]) -> None:
    """Raises: UserError for a path that exists and is no file."""
    for target in targets:
        if target.exists() and not target.is_file():
            what = "a folder" if target.is_dir() else "no regular file"
            raise UserError(f"--out {target}: cannot be written: is {what}")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it; each is added to ``made`` as soon as it is there, the outermost first."""
    if folder.is_dir():
        return
    if folder != folder.parent:
        _make(folder.parent, made)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():  # else another process has made it just now
            raise NotADirectoryError(ENOTDIR, "is a file, not a folder", str(folder)) from None
    else:
        made.append(folder)


def _remove(made: list[Path]) -> None:
    """Remove folders, the innermost first, as far as they are empty."""
    for folder in reversed(made):
        try:
            folder.rmdir()
        except OSError:
            return


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) under a temporary name beside its own, then rename it; make its folder if needed.

    Raises: OSError that names the file; then nothing is left behind, neither file nor new folder.
    """
    made: list[Path] = []
    try:
        _make(path.parent, made)
        _replace(path, content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise OSError(error.errno, _reason(error), str(path)) from error
    finally:
        _remove(made)


def _replace(path: Path, content: bytes) -> None:
    with replace_file(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Provide a temporary file that replaces ``path`` when the block ends, or is deleted if the block raises."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:32]}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def format_csv(records: list[dict[str, Any]], columns: list[str] | None = None) -> str:
    """Format records as CSV, with None as an empty field; the columns are the keys of the first record unless given."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=columns or list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()


def format_json(value: Any) -> str:
    """Format a value as JSON, indented, with a newline at its end."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
