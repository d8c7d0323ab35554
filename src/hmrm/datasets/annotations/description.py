"""What one data set is: whose, under which terms, and how its tables and folders are read."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hmrm.datasets.annotations.corrections import Correction
from hmrm.datasets.annotations.folders import ClipFolder, Parts, rank_by
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.annotations.spreadsheets import Sheet, read_workbook
from hmrm.datasets.annotations.workbook import Notes


@dataclass(kw_only=True)
class Findings:
    """What a reader reports in addition to its records.

    Attributes:
        corrections: what it may correct.
        refused: rows that were skipped, as far as they say which clip they are.
        read: the tables it opened.
        compared: further tables that were read to be compared alone.
        rows: how many rows of each clip were met, readable or not.
    """

    corrections: Sequence[Correction] = ()
    notes: Notes = field(default_factory=Notes)
    refused: list[Record] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    read: list[Path] = field(default_factory=list)
    compared: list[Path] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def open(self, path: Path) -> tuple[Sheet, ...]:
        """The sheets of a table; that it was read is kept.

        Raises:
            DataError, MissingExtraError: see `spreadsheets.read_workbook`.
        """
        sheets = read_workbook(path)
        self.read.append(path)
        return sheets


ReadTables = Callable[[Sequence[Path], Findings], list[Record]]
ReadFolders = Callable[[Mapping[str, ClipFolder], Findings], list[Record]]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Description of one data set, or of one part of it.

    Attributes:
        name: first part of clip ids, and what commands call it.
        title: its name in print.
        licence, citation, how_to_get: for its users.
        frames_per_s: of the recordings; the highest, where ``rates_differ``.
        table_name: the annotation file as it is published.
        tables: regular expressions of annotation file names (lower case, searched), best first.
        read_tables: reads the files that match.
        place: folder names → key of the clip the folder holds; empty for folders that belong to the
            data set but are not read (depth images, clips without expression), None for others.
        cut_out: for data sets of long videos that also come as one folder per expression: the
            record with that folder's key.
        read_folders: reads records from folders alone, where the data set has no table.
        raw_first: words in folder names, the rendition to prefer first.
        published: counts to check against: ``clips``, ``subjects``, and emotions.
        published_by_table: regular expression of a file name → counts to check against instead,
            where a table of that name was read.
        repeats: several expressions of one clip are usual.
        rates_differ: clips have a rate each.
    """

    name: str
    title: str
    licence: str
    citation: str
    how_to_get: str
    frames_per_s: float
    table_name: str
    tables: tuple[str, ...]
    read_tables: ReadTables
    place: Callable[[Parts], str | None]
    cut_out: Callable[[Record], Record] | None = None
    read_folders: ReadFolders | None = None
    raw_first: tuple[str, ...] = ("raw",)
    published: Mapping[str, int] = field(default_factory=dict)
    published_by_table: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    repeats: bool = False
    rates_differ: bool = False

    @property
    def rank(self) -> Callable[[Parts], int]:
        """Order of preference among renditions of a clip."""
        return rank_by(self.raw_first)

    def published_of(self, files: Sequence[str]) -> Mapping[str, int]:
        """The published counts of what these files hold."""
        for pattern, counts in self.published_by_table.items():
            if any(re.search(pattern, name.lower()) for name in files):
                return counts
        return self.published


def first_match(tables: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    """The tables that match the first pattern that any of them matches, in order."""
    for pattern in patterns:
        found = [t for t in tables if re.search(pattern, t.name.lower())]
        if found:
            return found
    return []


def main_tables(tables: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    """As ``first_match``, but tables that were named by hand serve whatever they are called."""
    return first_match(tables, patterns) or list(tables)
