"""The outcomes of a sweep in one SQLite file, which survives whatever happens to the process that writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from accelsim.config import UserError
from accelsim.studies.sweep.outcomes import Outcome

STORE_FILES = ("points.sqlite", ".lock")
SCHEMA_VERSION = 1  # one more whenever the table changes
_TABLE = """CREATE TABLE IF NOT EXISTS points (
    key TEXT PRIMARY KEY, total_cycles INTEGER, latency_ms REAL, energy_uj REAL, average_power_mw REAL,
    utilization REAL, error TEXT NOT NULL, final INTEGER NOT NULL) WITHOUT ROWID"""
_COLUMNS = "total_cycles, latency_ms, energy_uj, average_power_mw, utilization, error, final"


class Store:
    """Outcomes by key. One process writes; others may read meanwhile."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def read_outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Read the outcomes that are stored under some of these keys.

        Raises: OSError where the file cannot be read.
        """
        wanted = set(keys)
        with _name_file(self.path):
            rows = self.connection.execute(f"SELECT key, {_COLUMNS} FROM points")
            return {row[0]: Outcome._make((*row[1:-1], bool(row[-1]))) for row in rows if row[0] in wanted}

    def add(self, outcomes: Iterable[tuple[str, Outcome]]) -> None:
        """Store outcomes, each with its key; they are on disk when this returns.

        Raises: OSError where the file cannot be written.
        """
        rows = [(key, *outcome) for key, outcome in outcomes]
        with _name_file(self.path), self.connection:
            self.connection.executemany(f"INSERT OR REPLACE INTO points VALUES ({', '.join('?' * 8)})", rows)


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Open the store of a folder, which exists, for the one writer that it may have at a time.

    Raises: UserError where another process writes or another version of accelsim wrote the file, which stays as it is;
    OSError where the file cannot be opened or is no database.
    """
    path = folder / STORE_FILES[0]
    _refuse_other_versions(path)
    with _locked(folder):
        with _name_file(path):
            connection = sqlite3.connect(path, timeout=60)
        try:
            with _name_file(path):
                with connection:  # before write-ahead logging: so the version is in the file itself from the first
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
            yield Store(connection, path)
        finally:
            with _name_file(path):
                connection.close()


def _refuse_other_versions(path: Path) -> None:
    """Raises: UserError where a file holds outcomes in the form of another version of accelsim."""
    if not path.is_file():
        return
    with _name_file(path), closing(sqlite3.connect(path, timeout=60)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and version != SCHEMA_VERSION:
        raise UserError(
            f"--out {path.parent}: {path.name} is of another version of accelsim (format {version}, this one has"
            f" {SCHEMA_VERSION}); choose another folder, or delete {path.name} to simulate all points anew"
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder until the block ends or this process dies: then the system itself drops the lock."""
    path = folder / STORE_FILES[1]
    with _name_file(path):
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise OSError(0, str(error), str(path)) from None
            problem = f"--out {folder}: another sweep writes there; wait for it, or choose another folder"
            raise UserError(problem) from None
        yield
    finally:
        lock.close()


@contextmanager
def _name_file(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into errors that name the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(0, str(error), str(path)) from error
