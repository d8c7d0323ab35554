"""The SQLite file of jobs and edits: opened for each use, safe from several processes at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hmrm.errors import DataError

VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  state TEXT NOT NULL,
  stage TEXT NOT NULL DEFAULT '',
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER,
  error TEXT NOT NULL DEFAULT '',
  worker TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at REAL NOT NULL,
  started_at REAL,
  beat_at REAL,
  finished_at REAL
);
CREATE TABLE IF NOT EXISTS edits (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL,
  coder TEXT NOT NULL,
  made_at REAL NOT NULL,
  edit TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS edits_of_a_job ON edits (job, coder, number);
CREATE TRIGGER IF NOT EXISTS edits_are_never_changed BEFORE UPDATE ON edits
BEGIN SELECT RAISE(ABORT, 'edits are only added'); END;
CREATE TRIGGER IF NOT EXISTS edits_go_with_their_job BEFORE DELETE ON edits
WHEN EXISTS (SELECT 1 FROM jobs WHERE id = OLD.job)
BEGIN SELECT RAISE(ABORT, 'edits are only added'); END;
"""


class Database:
    """Connections to one file.

    Raises:
        DataError: the file is damaged, or of a later version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with self.connected() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                [version] = connection.execute("PRAGMA user_version").fetchone()
                if version not in (0, VERSION):
                    raise DataError(
                        f"{path}: made by a later hmrm (version {version}); use that, or another "
                        "folder: --data"
                    )
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA user_version = {VERSION}")
        except sqlite3.DatabaseError as error:
            raise DataError(f"{path}: cannot be used ({error}); give another --data") from error

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements take effect at once."""
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            # What is deleted is overwritten, so that it is gone from the disk.
            connection.execute("PRAGMA secure_delete = ON")
            yield connection

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements take effect together at the end, or not at all."""
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def forget(self) -> None:
        """Empty the log of changes, which still holds what was deleted."""
        with self.connected() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
