"""Results as files: each appears whole, under its final name, or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from accelsim.config import UserError
from accelsim.result import Result


def prepared(folder: Path) -> Path:
    """The folder, made if need be and known to take files.

    Raises: UserError where it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name beside its own, then rename it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def csv_text(records: list[dict[str, Any]]) -> str:
    """Records as CSV, None as an empty field."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()


def json_text(value: Any) -> str:
    """JSON for people and programs."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def write_result(folder: Path, result: Result) -> list[Path]:
    """layers.csv and summary.json of a run."""
    paths = [folder / "layers.csv", folder / "summary.json"]
    write(paths[0], csv_text([result.record(row) for row in result.rows]))
    write(paths[1], json_text(result.summary))
    return paths
