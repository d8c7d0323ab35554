"""Reading interval files: our CSV, other tables, and the text files of public baselines.

Known forms, recognised by their content:

- a table with a header (comma, semicolon or tab): subject and video, or video alone; onset and
  offset; type, apex, score and label where there are any;
- rows without a header: ``subject video type onset apex offset`` (truth of the MEGC 2020
  baseline), or subject and video, or video alone, then ``onset offset``, then type and score;
- a file per video, ``onset offset score``, named after it (the baseline's predictions), or a
  folder of these; micro or macro is read off the names of the folders above;
- exports of annotation programs: ELAN's tab-delimited text and ``.eaf``, BORIS' tables of
  aggregated and of single events and its projects (``.boris``); tiers or behaviours may hold the
  type, and times become frames by ``frames_per_s`` (or stay ms);
- the challenge's log: a line with a part's number, then ``video onset offset onset offset TP``,
  truth before found, ``-`` where there is none.

Frames on both ends count. The columns ``onset_index`` … hold positions from 0, ``onset_frame`` …
numbers as on file, which may begin anywhere. A row that names a video and no frames says that
nothing is there.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from hmrm import reading, records
from hmrm.csv_cells import unguarded
from hmrm.errors import DataError, shortened
from hmrm.evaluation.spotting import annotators, boris_project
from hmrm.evaluation.spotting.headers import NAMES, Header, header_of, plain
from hmrm.evaluation.spotting.marks import marks_of
from hmrm.evaluation.spotting.rows import NUMBER, ReadOptions, Row, interval_of, rate_of
from hmrm.evaluation.text_files import delimiter_of, example, listed, table_text
from hmrm.intervals import IntervalTable, Kind, build_table, kind_of

Role = Literal["truth", "found"]

_SUFFIXES = (".txt", ".csv", ".tsv", ".eaf", ".boris")
_EXP_TYPES = {"1": "micro", "0": "macro"}
"""As CAS(ME)³ part C writes the types."""
_VERDICTS = ("TP", "FP", "FN")
EXAMPLE = example("subject,video,onset,offset,type", "006,006_1,3562,3632,micro", "006,006_2,,,")
_IF_WORKBOOK = (
    "hmrm datasets intervals writes the intervals of a data set's own table as text; other tables "
    "save as CSV"
)


def read_intervals(
    paths: Sequence[Path], role: Role, options: ReadOptions | None = None
) -> IntervalTable:
    """Read files and folders as one table.

    Raises:
        DataError: no such file, a form that is not known, a truth without a row, or a row that
            makes no sense; names file and line.
    """
    options = options or ReadOptions()
    files = [file for path in paths for file in _files(path)]
    rows, from_log, tally = [], False, Counter[str]()
    for file in files:
        found = annotators.settle_types(list(_rows(file, role, options.part)), tally)
        rows += found
        from_log = from_log or any("verdict" in row for row in found)
    source = ", ".join(path.name for path in paths)
    stated = [*_empty(rows, source, role), *_counted_from(rows, source, options)]
    intervals, videos = [], []
    for row in rows:
        videos.append((row.get("subject", ""), row["video"]))
        if not (row["onset"] or row["offset"]):
            continue
        one = interval_of(row, options, tally)
        if one is not None:
            intervals.append(one)
    stated += [f"{source}: {count} row(s) {words}" for words, count in tally.items()]
    table = build_table(
        intervals, source=source, videos=videos, warnings=stated, duplicates_meant=from_log
    )
    in_ms = _in_ms(rows, source, options)
    return replace(table, in_ms=in_ms, marks=marks_of(rows, source, options))


def _in_ms(rows: Sequence[Row], source: str, options: ReadOptions) -> bool:
    """Whether all intervals are times without a frame rate."""
    kinds = {
        bool(row.get("unit")) and rate_of(row, options) is None
        for row in rows
        if row["onset"] or row["offset"]
    }
    if len(kinds) == 2:
        raise DataError(
            f"{source}: times in some files, frames in others; give --frames-per-s, which turns "
            "times into frames"
        )
    return kinds == {True}


def _empty(rows: Sequence[Row], source: str, role: Role) -> list[str]:
    if not rows and role == "truth":
        raise DataError(f"{source}: is empty, not even a video is named; give the true intervals")
    if not rows:
        return [f"{source}: is empty, so nothing counts as found"]
    if role == "truth" and not any(row["onset"] or row["offset"] for row in rows):
        return [f"{source}: names videos and no interval, so all that was found counts as false"]
    return []


def _counted_from(rows: Sequence[Row], source: str, options: ReadOptions) -> list[str]:
    """What the names of the onsets' columns say of the numbers in them."""
    names = {row.get("counted", "") for row in rows}
    if "onset_index" in names and options.first_frame:
        raise DataError(
            f"{source}: the column onset_index counts from 0, but {options.first_frame} was given "
            "as the number of the first frame; leave that out"
        )
    if "onset_frame" in names and options.first_frame is None:
        return [
            f"{source}: the column onset_frame holds numbers as on file, taken as counted from 0; "
            "if they are not, give the number of the first frame, or let hmrm datasets intervals "
            "count in the data set's folder"
        ]
    return []


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if not found:
        raise DataError(f"{path}: holds no {', '.join(_SUFFIXES)} file; give interval files")
    names: dict[tuple[str, str], Path] = {}
    for file in found:
        place = (file.stem, _kind_of_folders(file))
        if place in names:
            raise DataError(
                f"{file}: the same video and type as {names[place]}; give one of the folders"
            )
        names[place] = file
    return found


def _kind_of_folders(file: Path) -> Kind:
    for name in (file.stem, *(p.name for p in file.absolute().parents)):
        found = re.search(r"(?<![a-z])(micro|macro)", name.lower())
        if found:
            return "micro" if found[1] == "micro" else "macro"
    return ""


def _rows(file: Path, role: Role, part: str | None) -> Iterator[Row]:
    text = table_text(file, if_workbook=_IF_WORKBOOK)
    if file.suffix.lower() == ".boris":
        yield from boris_project.project_rows(file, text)
        return
    if file.suffix == ".json":
        yield from _json_rows(file, text)
        return
    if file.suffix.lower() == ".eaf" or text.lstrip().startswith("<?xml"):
        yield from annotators.eaf_rows(file, text)
        return
    try:
        reading.require_rows(text.count("\n"))
    except reading.DamagedError as error:
        raise DataError(f"{file}: too long for a table of intervals ({error})") from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip(" \t,;|")]
    if not lines:
        # The baseline writes a file for every video it looked at, named after it.
        if file.suffix == ".txt" and role == "found":
            yield {"where": str(file), "video": file.stem, "onset": "", "offset": ""}
        return
    split = _splitter(lines[0][1])
    cells = []
    for n, line in lines:
        try:
            cells.append((f"{file} line {n}", split(line)))
        except DataError as error:
            raise DataError(f"{file} line {n}: {error}") from error
    boris = next((i for i, row in enumerate(cells) if annotators.boris_header(row[1])), None)
    header = header_of(cells[0][1])
    if boris is not None:
        yield from annotators.boris_rows(cells[boris:])
    elif header is not None:
        yield from _table_rows(cells, header, file)
    elif any(len(row) == 6 and row[-1] in _VERDICTS for _, row in cells):
        yield from _log_rows(file, cells, role, part)
    else:
        yield from (_bare_row(where, row, file) for where, row in cells)


def _splitter(first: str) -> Callable[[str], list[str]]:
    mark = delimiter_of(first)
    if mark not in first:
        return str.split

    def delimited(line: str) -> list[str]:
        try:
            cells = next(csv.reader([line], delimiter=mark))
        except csv.Error as error:
            raise DataError(f"cannot be read as a table ({error})") from error
        return [unguarded(cell.strip()) for cell in cells]

    return delimited


def _table_rows(
    cells: Sequence[tuple[str, list[str]]], header: Header, file: Path
) -> Iterator[Row]:
    where, names = cells[0]
    # ELAN's export states no video: the file is one.
    needed = ("onset", "offset") if header.units else ("video", "onset", "offset")
    missing = [name for name in needed if name not in header.places]
    if missing:
        raise DataError(
            f"{where}: no column {' nor '.join(missing)} among {listed(names)}; {EXAMPLE}"
        )
    coded = "type" in header.places and plain(names[header.places["type"]]) == "exp_type"
    for place, row in cells[1:]:
        if len(row) < len(names) or any(row[len(names) :]):
            raise DataError(f"{place}: {len(row)} cells, but the header has {len(names)}")
        found = {column: row[i] for column, i in header.places.items()}
        if coded:
            found["type"] = _EXP_TYPES.get(found["type"].strip(), found["type"])
        yield {"where": place, "counted": header.onset_name, "video": file.stem} | (
            found if not header.units and not header.hints else _annotated(found, row, header, file)
        )


def _annotated(found: Row, row: Sequence[str], header: Header, file: Path) -> Row:
    """A row of an annotation program: times, and columns that may hold the type."""
    video = annotators.media_name(found.get("video", "")) or file.stem
    subject = found.get("subject", "")
    units = {f"{name}_unit": unit for name, unit in header.units.items()}
    hints = [row[i] for i in header.hints]
    more: Row = {
        "video": video,
        "subject": "" if subject.lower() in annotators.NO_SUBJECT else subject,
        **units,
    }
    if header.units:
        more["unit"] = header.units["onset"]
    if header.rate is not None:
        more["rate"] = row[header.rate]
    if hints and "type" not in header.places:
        more["hints"] = "\t".join(hints)
        more.setdefault("label", next((h for h in hints[::-1] if kind_of(h) is None), ""))
    return found | more


def _log_rows(
    file: Path, cells: Sequence[tuple[str, list[str]]], role: Role, part: str | None
) -> Iterator[Row]:
    parts = [row[0] for _, row in cells if len(row) == 1]
    if part is None and len(parts) > 1:
        raise DataError(
            f"{file}: a log with the parts {', '.join(parts)}, one a data set; choose one of them"
        )
    if part is not None and part not in parts:
        raise DataError(f"{file}: no part {part}; it has {', '.join(parts) or 'none'}")
    current = None
    for where, row in cells:
        if len(row) == 1:
            current = row[0]
            continue
        if len(row) != 6 or row[-1] not in _VERDICTS:
            raise DataError(
                f"{where}: got {' '.join(row)!r} in a log; expected video, onset and offset of the "
                "truth, onset and offset found, and TP, FP or FN"
            )
        if part not in (None, current):
            continue
        sides = row[1:3], row[3:5]
        (onset, offset), partner = sides if role == "truth" else sides[::-1]
        absent = onset == offset == "-"
        yield {
            "where": where,
            "video": row[0],
            "onset": "" if absent else onset,
            "offset": "" if absent else offset,
            "verdict": row[-1],
            "side": role,
            "partner_onset": partner[0],
            "partner_offset": partner[1],
        }


def _bare_row(where: str, cells: list[str], file: Path) -> Row:
    """A row without a header; what its cells are follows from which of them are numbers."""
    kinds = [i for i, cell in enumerate(cells) if kind_of(cell) is not None]
    kind = cells[kinds[0]] if kinds else _kind_of_folders(file)
    rest = [cell for i, cell in enumerate(cells) if i not in kinds]
    numbers = [bool(NUMBER.fullmatch(cell)) for cell in rest]
    row = {"where": where, "type": kind}
    names: tuple[str, ...] | None = None
    if kinds == [2] and len(rest) == 5:
        names = ("subject", "video", "onset", "apex", "offset")
    elif len(rest) in (2, 3) and all(numbers) and not kinds:
        row["video"] = file.stem
        names = ("onset", "offset", "score")
    elif len(rest) == 3 or (len(rest) == 4 and not _whole(rest[3])):
        names = ("video", "onset", "offset", "score")
    elif len(rest) in (4, 5):
        names = ("subject", "video", "onset", "offset", "score")
    if names is None or len(kinds) > 1:
        raise DataError(
            f"{where}: got {' '.join(cells)!r}; expected subject, video, onset, offset and type, "
            f"or onset, offset and score in a file named after its video; {EXAMPLE}"
        )
    return row | dict(zip(names, rest, strict=False))


def _whole(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+", text))


@dataclass(frozen=True, kw_only=True)
class _SpottedVideo:
    subject: str
    video: str
    intervals: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class _Spotted:
    """As much as is read of what ``hmrm spot`` writes."""

    videos: tuple[_SpottedVideo, ...]


def _json_rows(file: Path, text: str) -> Iterator[Row]:
    """What ``hmrm spot`` writes."""
    try:
        stored = reading.parse_json(text)
    except reading.DamagedError as error:
        raise DataError(f"{file}: {error}; give spotting.csv of hmrm spot") from error
    found = records.from_json(_Spotted, stored, where=f"{file}: not written by hmrm spot")
    for i, video in enumerate(found.videos):
        place = {"where": f"{file} video {i}", "subject": video.subject, "video": video.video}
        yield place | {"onset": "", "offset": ""}
        for one in video.intervals:
            if not isinstance(one, Mapping):
                raise DataError(f"{file} video {i}: an interval is {shortened(one)}, not a table")
            yield place | {name: str(one.get(name, "")) for name in NAMES if name not in place}
