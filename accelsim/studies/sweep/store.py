"""What a sweep has found so far, in one SQLite file that survives whatever happens to the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from accelsim.config import UserError
from accelsim.studies.sweep.outcomes import Outcome

STORE_FILES = ("points.sqlite", ".lock")
_TABLE = """CREATE TABLE IF NOT EXISTS points (
    key TEXT PRIMARY KEY, total_cycles INTEGER, latency_ms REAL, energy_uj REAL, average_power_mw REAL,
    utilization REAL, error TEXT NOT NULL, final INTEGER NOT NULL) WITHOUT ROWID"""
_COLUMNS = "total_cycles, latency_ms, energy_uj, average_power_mw, utilization, error, final"


class Store:
    """Outcomes by key. One process writes; others may read meanwhile."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """What is known of these keys."""
        wanted = set(keys)
        with _told(self.path):
            rows = self.connection.execute(f"SELECT key, {_COLUMNS} FROM points")
            return {row[0]: Outcome._make((*row[1:-1], bool(row[-1]))) for row in rows if row[0] in wanted}

    def add(self, outcomes: Iterable[tuple[str, Outcome]]) -> None:
        """Keep outcomes; they are on disk when this returns.

        Raises: OSError where they cannot be kept.
        """
        rows = [(key, *outcome) for key, outcome in outcomes]
        with _told(self.path), self.connection:
            self.connection.executemany(f"INSERT OR REPLACE INTO points VALUES ({', '.join('?' * 8)})", rows)


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store of a folder, which is there, for the only writer that it may have at a time.

    Raises: UserError where another process writes, OSError where the file cannot be opened or is none of ours.
    """
    path = folder / STORE_FILES[0]
    with _locked(folder):
        with _told(path):
            connection = sqlite3.connect(path, timeout=60)
        try:
            with _told(path):
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute(_TABLE)
            yield Store(connection, path)
        finally:
            with _told(path):
                connection.close()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder until the end, or the death, of this process: the system itself drops the lock."""
    path = folder / STORE_FILES[1]
    with _told(path):
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise OSError(0, str(error), str(path)) from None
            told = f"--out {folder}: another sweep writes there; wait for it, or choose another folder"
            raise UserError(told) from None
        yield
    finally:
        lock.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's errors as errors of the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(0, str(error), str(path)) from error
