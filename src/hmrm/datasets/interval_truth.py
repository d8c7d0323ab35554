"""The annotated intervals of a data set as one table, for whoever spots and scores spotting."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hmrm import atomic
from hmrm.clip import Oddity
from hmrm.datasets.annotations.folders import ClipFolder
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.annotations.workbook import Notes
from hmrm.datasets.frames import frames_of
from hmrm.datasets.load import Loaded
from hmrm.errors import DataError
from hmrm.video.discover import discover, unique_names
from hmrm.video.images import images_in

_FRAMES = ("onset", "apex", "offset")
Frames = tuple[int, int | None, int | None]
"""Onset, apex and offset."""
Places = Callable[[Path], Mapping[Path, int]]
"""Folder → position of each of its images."""


@dataclass(frozen=True, kw_only=True)
class IntervalTruth:
    """What was written.

    Attributes:
        count: number of intervals.
        skipped: records and rows that were left out.
        oddities: intervals that were cut to their video, and files that took another's place.
    """

    count: int
    skipped: tuple[Skip, ...]
    oddities: tuple[Oddity, ...]


def write_intervals(path: Path, loaded: Loaded, *, as_in_table: bool = False) -> IntervalTruth:
    """Write subject, video, onset, apex, offset, type and label of every annotated expression.

    Frames are positions among the images of the video's folder, from 0 in the order of their
    names, and videos are called what ``hmrm spot`` calls them, given the same root. The columns
    are ``onset_index`` …. An interval that reaches beyond its video is cut, one outside is left
    out. A video in which nothing is annotated has a row without frames, an unknown apex or offset
    an empty cell.

    Args:
        as_in_table: without a look at frames, the table's own numbers, in columns ``onset_frame``
            …. Where they begin, differs between data sets and even between videos of one.

    Raises:
        DataError: no frames of any video are there.
        OutputError: the file cannot be written.
    """
    records, skipped, notes = loaded.annotations.records, list(loaded.annotations.skipped), Notes()
    if as_in_table:
        names = {record.folder: record.folder.rsplit("/", 1)[-1] for record in records}
    elif loaded.folders:
        names = _names(loaded.root, loaded.folders)
    else:
        raise DataError(
            f"{loaded.root}: no frames of {loaded.dataset.title} are here to count in; with "
            "--table-only the table's own numbers are written"
        )
    rows: list[tuple[object, ...]] = []
    # Expressions of one long video mostly follow each other.
    places = lru_cache(maxsize=1)(_places)
    for record in records:
        try:
            frames = _in_table(record) if as_in_table else _on_disk(record, loaded, places, notes)
        except DataError as error:
            reason = str(error).removeprefix(f"{record.id}: ")
            skipped.append(Skip(what=record.id, reason=reason))
            continue
        rows.append((record.subject, names[record.folder], *frames, record.kind, record.emotion))
    suffix = "frame" if as_in_table else "index"
    columns = ("subject", "video", *(f"{name}_{suffix}" for name in _FRAMES), "type", "label")
    silent = _without_expression(loaded, names, {str(row[1]) for row in rows})
    _write(path, columns, [*rows, *silent])
    return IntervalTruth(count=len(rows), skipped=tuple(skipped), oddities=tuple(notes.found))


def _names(root: Path, folders: Mapping[str, ClipFolder]) -> dict[str, str]:
    clips = discover([root])
    called = dict(zip(clips, unique_names(clips), strict=True))
    return {key: called.get(folder.path, folder.path.name) for key, folder in folders.items()}


def _in_table(record: Record) -> Frames:
    if record.onset_frame is None:
        raise DataError("the table gives no onset")
    return record.onset_frame, record.apex_frame, record.offset_frame


def _on_disk(record: Record, loaded: Loaded, places_in: Places, notes: Notes) -> Frames:
    folder = loaded.folder_of(record)
    if folder is None:
        raise DataError("its video is not on disk")
    found = frames_of(record, folder.path, notes)
    places = places_in(folder.path)
    first, last = places[found.onset], max(places.values())
    numbers = [number for number, _ in found.between]
    apex = None if found.apex is None else max(first, places[found.apex[1]])
    if record.offset_frame is None:
        return first, apex, None
    offset = max((places[path] for _, path in found.between), default=first)
    told = record.offset_frame - (record.onset_frame or numbers[0])
    if offset == last and numbers and told > numbers[-1] - numbers[0]:
        notes.add(
            "interval_cut",
            str(folder.path),
            f"{record.id}: its {told + 1} frames reach beyond the video's last",
        )
    return first, apex, offset


def _places(folder: Path) -> dict[Path, int]:
    return {path: index for index, path in enumerate(images_in(folder))}


def _without_expression(
    loaded: Loaded, names: Mapping[str, str], written: set[str]
) -> Iterable[tuple[object, ...]]:
    subject_of = {record.folder: record.subject for record in loaded.annotations.records}
    subjects = sorted(set(subject_of.values()))
    for key in sorted(loaded.folders):
        if names[key] not in written:
            likely = next((s for s in subjects if key.lower().startswith(s.lower())), "")
            yield subject_of.get(key, likely), names[key], "", "", "", "", ""


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())
