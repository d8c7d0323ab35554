"""The annotated intervals of a data set as one table, for spotting and its scores."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hmrm import atomic
from hmrm.clip import Issue
from hmrm.csv_cells import Writer
from hmrm.datasets.annotations.folders import ClipFolder
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.annotations.workbook import Notes
from hmrm.datasets.frames import ClipFrames, estimated_apex, frames_of
from hmrm.datasets.load import Loaded
from hmrm.datasets.preparation.onset_face import find_points
from hmrm.datasets.preparation.supplied_points import Points, check_in_image
from hmrm.errors import ConfigError, DataError, FaceError, InputError
from hmrm.flow.apex import rule_named
from hmrm.progress import Progress, silent
from hmrm.video.discover import discover, unique_names
from hmrm.video.images import images_in, read_image

STAGE = "intervals"
_FRAMES = ("onset", "apex", "offset")
Places = Callable[[Path], Mapping[Path, int]]
"""Folder → position of each of its images."""


@dataclass(frozen=True, kw_only=True)
class ApexEstimate:
    """How apexes that annotators did not give are estimated.

    Attributes:
        rule: of ``hmrm.flow.apex.APEX_RULES``.
        faces: five points by clip id; a clip without any has its face detected.
    """

    rule: str
    faces: Mapping[str, Points] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One line of the table; frames are None where they are unknown."""

    onset: int
    apex: int | None
    offset: int | None
    apex_rule: str = ""


@dataclass(frozen=True, kw_only=True)
class IntervalTruth:
    """What was written.

    Attributes:
        count: number of intervals.
        skipped: records and rows that were excluded.
        issues: intervals that were cut to their video, files that took another's place, and
            apexes that could not be estimated.
    """

    count: int
    skipped: tuple[Skip, ...]
    issues: tuple[Issue, ...]


def write_intervals(
    path: Path,
    loaded: Loaded,
    *,
    as_in_table: bool = False,
    estimate: ApexEstimate | None = None,
    progress: Progress = silent,
) -> IntervalTruth:
    """Write subject, video, onset, apex, offset, type and label of every annotated expression.

    Frames are positions among the images of the video's folder, from 0 in the order of their
    names, and videos are called what ``hmrm spot`` calls them, given the same root. The columns
    are ``onset_index`` …. An interval that reaches beyond its video is cut, one outside is
    skipped. A video in which nothing is annotated has a row without frames, an unknown apex or
    offset an empty cell.

    Args:
        as_in_table: without a look at frames, the table's own numbers, in columns ``onset_frame``
            …. Where they begin, differs between data sets and even between videos of one.
        estimate: fill in the apex where the annotators gave none but an offset; a last column
            ``apex_rule`` states the rule, or ``annotated``.

    Raises:
        ConfigError: there is no such rule, or apexes are to be estimated without frames.
        DataError: no frames of any video are there.
        MissingExtraError: faces are to be found and torch is not installed.
        OutputError: the file cannot be written.
    """
    if estimate is not None:
        rule_named(estimate.rule)
    if estimate is not None and as_in_table:
        raise ConfigError(
            f"apex rule {estimate.rule}: an apex is estimated from frames; give the folder that "
            "holds them, without --table-only, or leave the rule out"
        )
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
    for done, record in enumerate(records, start=1):
        try:
            if as_in_table:
                row = _in_table(record)
            else:
                row = _on_disk(record, loaded, places, notes, estimate)
        except DataError as error:
            reason = str(error).removeprefix(f"{record.id}: ")
            skipped.append(Skip(what=record.id, reason=reason))
            continue
        frames = (row.onset, row.apex, row.offset)
        rule = () if estimate is None else (row.apex_rule,)
        names_of = (record.subject, names[record.folder])
        rows.append((*names_of, *frames, record.kind, record.emotion, *rule))
        progress(STAGE, done, len(records))
    suffix = "frame" if as_in_table else "index"
    columns = ("subject", "video", *(f"{name}_{suffix}" for name in _FRAMES), "type", "label")
    columns += () if estimate is None else ("apex_rule",)
    silent_videos = _without_expression(loaded, names, {str(row[1]) for row in rows})
    empty = [""] * (len(columns) - 2)
    _write(path, columns, [*rows, *((*video, *empty) for video in silent_videos)])
    return IntervalTruth(count=len(rows), skipped=tuple(skipped), issues=tuple(notes.found))


def _names(root: Path, folders: Mapping[str, ClipFolder]) -> dict[str, str]:
    clips = discover([root])
    called = dict(zip(clips, unique_names(clips), strict=True))
    return {key: called.get(folder.path, folder.path.name) for key, folder in folders.items()}


def _in_table(record: Record) -> _Row:
    if record.onset_frame is None:
        raise DataError("the table gives no onset")
    return _Row(onset=record.onset_frame, apex=record.apex_frame, offset=record.offset_frame)


def _on_disk(
    record: Record,
    loaded: Loaded,
    places_in: Places,
    notes: Notes,
    estimate: ApexEstimate | None,
) -> _Row:
    folder = loaded.folder_of(record)
    if folder is None:
        raise DataError("its video is not on disk")
    found = frames_of(record, folder.path, notes)
    places = places_in(folder.path)
    used = [found.onset, *(path for _, path in found.between)]
    used += [] if found.apex is None else [found.apex[1]]
    unread = next((path for path in used if path not in places), None)
    if unread is not None:
        raise DataError(f"{unread}: is no readable file; copy the frame again")
    first, last = places[found.onset], max(places.values())
    numbers = [number for number, _ in found.between]
    row = _Row(onset=first, apex=None, offset=None)
    if found.apex is not None:
        row = replace(row, apex=max(first, places[found.apex[1]]), apex_rule="annotated")
    if record.offset_frame is None:
        return row
    if row.apex is None and estimate is not None:
        apex = _estimated(record, found, estimate, folder, notes)
        row = row if apex is None else replace(row, apex=places[apex], apex_rule=estimate.rule)
    offset = max((places[path] for _, path in found.between), default=first)
    reported = record.offset_frame - (record.onset_frame or numbers[0])
    if offset == last and numbers and reported > numbers[-1] - numbers[0]:
        notes.add(
            "interval_cut",
            str(folder.path),
            f"{record.id}: its {reported + 1} frames reach beyond the video's last",
        )
    return replace(row, offset=offset)


def _estimated(
    record: Record, frames: ClipFrames, estimate: ApexEstimate, folder: ClipFolder, notes: Notes
) -> Path | None:
    """The image of the apex; None, noted, where the face or an image cannot be used."""
    try:
        points = _points(record, frames, estimate) if rule_named(estimate.rule).needs_face else None
        return estimated_apex(record, frames, points, estimate.rule)[1]
    except (FaceError, InputError) as error:
        reason = str(error).removeprefix(f"{record.id}: ")
        notes.add("apex_not_estimated", str(folder.path), f"{record.id}: {reason}")
        return None


def _points(record: Record, frames: ClipFrames, estimate: ApexEstimate) -> Float[np.ndarray, "5 2"]:
    onset = read_image(frames.onset)
    given = estimate.faces.get(record.id)
    if given is None:
        return find_points(onset, [path for _, path in frames.between[1:]], name=record.id)[0]
    check_in_image(given, onset, name=record.id)
    return np.array(given, dtype=np.float64).reshape(5, 2)


def _places(folder: Path) -> dict[Path, int]:
    return {path: index for index, path in enumerate(images_in(folder))}


def _without_expression(
    loaded: Loaded, names: Mapping[str, str], written: set[str]
) -> Iterable[tuple[str, str]]:
    """Subject and name of the videos in which nothing is annotated."""
    subject_of = {record.folder: record.subject for record in loaded.annotations.records}
    subjects = sorted(set(subject_of.values()))
    for key in sorted(loaded.folders):
        if names[key] not in written:
            likely = next((s for s in subjects if key.lower().startswith(s.lower())), "")
            yield subject_of.get(key, likely), names[key]


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    text = io.StringIO()
    writer = Writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())
