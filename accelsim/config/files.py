"""Files that a command writes: each appears whole, under its final name, or not at all."""

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
    """A folder that can be made and can take files of these names. Nothing is there yet: ``write`` makes it.

    Raises: UserError where that is not so.
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
    for target in targets:
        if target.exists() and not target.is_file():
            what = "a folder" if target.is_dir() else "no regular file"
            raise UserError(f"--out {target}: cannot be written: is {what}")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it; made gets each as soon as it is there, outermost first."""
    if folder.is_dir():
        return
    if folder != folder.parent:
        _make(folder.parent, made)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():  # else somebody else made it just now
            raise NotADirectoryError(ENOTDIR, "is a file, not a folder", str(folder)) from None
    else:
        made.append(folder)


def _remove(made: list[Path]) -> None:
    """Remove folders, innermost first, as far as they are empty."""
    for folder in reversed(made):
        try:
            folder.rmdir()
        except OSError:
            return


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) under a temporary name beside its own, then rename it; its folder is made if needed.

    Raises: OSError whose filename is path; then nothing is left behind, neither file nor new folder.
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
    """A temporary file beside path, which takes its place when the block has filled it, or goes if that failed."""
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
    """Records as CSV, None as an empty field; columns are the first record's unless given."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=columns or list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()


def format_json(value: Any) -> str:
    """JSON for people and programs."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
