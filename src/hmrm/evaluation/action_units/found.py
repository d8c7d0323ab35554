"""Tables of found action units: ours, OpenFace's, py-feat's, and others of their kind.

A table of frames is pooled: a unit is found in a clip where any usable frame has it. Frames in
which the tool saw no face (OpenFace's ``success`` 0, py-feat's NaN) are no frames without units:
they are skipped, and a clip of such frames alone has failed.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hmrm.csv_cells import unguarded
from hmrm.errors import DataError
from hmrm.evaluation.action_units.score import read_codes
from hmrm.evaluation.text_files import example, listed, rows, rows_by_id, with_point

FILE_NAME = "action_units.csv"
INTENSITY = 1.0
"""OpenFace's intensity, 0 to 5, from which a unit counts where its table has no ``_c``."""

_UNIT_COLUMN = re.compile(r"(?:p_)?au_?0*(\d{1,2})(_c|_r)?", re.IGNORECASE)
_CLIP_COLUMNS = ("id", "clip", "input", "video", "filename", "file")
_SURE_COLUMNS = ("confidence", "facescore")
_NO_NUMBER = ("", "nan", "none", "null", "na")
_VIDEOS = ("mp4", "avi", "mov", "mkv", "wmv", "webm", "mpg", "mpeg")
_IMAGES = ("jpg", "jpeg", "png", "bmp", "tif", "tiff")
_EXAMPLE = example("id,AU4,AU12", "casme2/sub01/EP02_01f,0,1", "casme2/sub01/EP03_02,0.7,0.1")


@dataclass(frozen=True, kw_only=True)
class FoundUnits:
    """What a tool found.

    Attributes:
        units: clip → units found in it, by the table's own name of the clip.
        failed: clips without a frame in which the tool saw a face.
        unmeasured: clip → units whose every cell is empty or NaN there.
        columns: units that the table has a column for; None where it names units freely.
        notes: sentences on how the table was read, for whoever sees the score.
    """

    units: Mapping[str, frozenset[int]]
    failed: frozenset[str] = frozenset()
    unmeasured: Mapping[str, frozenset[int]] = field(default_factory=dict)
    columns: frozenset[int] | None = None
    notes: tuple[str, ...] = ()

    def named_as(self, truth: Collection[str]) -> "FoundUnits":
        """The same with the truth's ids, where a clip is named by the end of one id alone.

        ``EP02_01f``, ``sub01_EP02_01f`` and ``sub01/EP02_01f`` are
        ``casme2/sub01/EP02_01f``, unless two ids of the truth end so.
        """
        by_end: dict[str, set[str]] = {}
        for clip in truth:
            parts = clip.split("/")
            ends = {mark.join(parts[i:]) for i in range(len(parts)) for mark in "/_"}
            for end in ends:
                by_end.setdefault(end, set()).add(clip)
        names = {
            name: next(iter(by_end[name]))
            for name in {*self.units, *self.failed}
            if name not in truth and len(by_end.get(name, ())) == 1
        }
        taken: dict[str, str] = {}
        for name in sorted({*self.units, *self.failed}):
            clip = names.get(name, name)
            if clip in taken:
                raise DataError(f"{taken[clip]!r} and {name!r} are both the clip {clip}; keep one")
            taken[clip] = name
        notes = self.notes
        if names:
            here, there = min(names.items())
            notes += (f"{len(names)} clips are matched by name, e.g. {here} with {there}",)
        return FoundUnits(
            units={names.get(name, name): units for name, units in self.units.items()},
            failed=frozenset(names.get(name, name) for name in self.failed),
            unmeasured={names.get(name, name): units for name, units in self.unmeasured.items()},
            columns=self.columns,
            notes=notes,
        )


@dataclass(kw_only=True)
class _Clip:
    """One clip while its frames are read; ``usable`` frames are those with a face."""

    frames: int = 0
    usable: int = 0
    found: set[int] = field(default_factory=set)
    measured: set[int] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class _Form:
    """Which columns of a table say what; ``units`` maps a column to unit and threshold."""

    clip: str | None
    frame: str | None
    success: str | None
    sure: str | None
    units: Mapping[str, tuple[int, float]]
    intensities: bool


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One file; ``faces`` counts those skipped for a surer one in the same frame."""

    clips: Mapping[str, _Clip]
    form: _Form
    faces: int


def read_found(path: Path, *, threshold: float = 0.5) -> FoundUnits:
    """Units found: a CSV, a folder with ``action_units.csv``, or a folder of one CSV per clip.

    A table has either ``id`` and ``action_units`` (``4+L10``, empty for none) or a column for each
    unit (``AU12``, ``p_AU12``, OpenFace's ``AU12_c``) with 0 and 1 or a probability; OpenFace's
    intensities ``AU12_r`` serve where there is no ``_c``, from 1 on. Clips are named by ``id``,
    ``clip`` or py-feat's ``input``, else by the file. A column ``frame`` means frames, which are
    pooled; of several faces in a frame the surest counts.

    Args:
        threshold: from which probability a unit counts as found.

    Raises:
        DataError: the table cannot be read; shows an example of a right one.
    """
    if path.is_dir() and not (path / FILE_NAME).exists():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() == ".csv" and p.is_file())
        if not files:
            raise DataError(f"{path}: holds neither {FILE_NAME} nor a CSV of each clip")
        return _pooled([_read_rows(file, threshold) for file in files], path)
    file = path / FILE_NAME if path.is_dir() else path
    header, _ = rows(file)
    if "action_units" in header:
        return FoundUnits(units={clip: code.certain for clip, code in read_codes(file).items()})
    return _pooled([_read_rows(file, threshold)], file)


def _read_rows(file: Path, threshold: float) -> _Part:
    header, lines = rows(file)
    form = _form(header, threshold)
    if not form.units:
        raise DataError(
            f"{file}: neither a column action_units nor columns such as AU12; has "
            f"{listed(header)}; {_EXAMPLE}"
        )
    if form.clip is None and form.frame is None:
        raise DataError(
            f"{file}: column 'id' is missing, and there is no column frame, so the rows are of "
            f"no known clip; has {listed(header)}; {_EXAMPLE}"
        )
    if form.frame is None and form.clip == "id":
        rows_by_id(file)  # names the line of a clip that occurs twice or has no name
    kept, faces = _surest(lines, form, file)
    clips: dict[str, _Clip] = {}
    for where, name, row in kept:
        _add(clips.setdefault(name, _Clip()), row, form, where)
    return _Part(clips=clips, form=form, faces=faces)


def _form(header: tuple[str, ...], threshold: float) -> _Form:
    plain = {name.strip().lower(): name for name in header}
    found = {name: match for name in header if (match := _UNIT_COLUMN.fullmatch(name.strip()))}
    ending = {name: (match[2] or "").lower() for name, match in found.items()}
    present = {int(match[1]) for name, match in found.items() if ending[name] != "_r"}
    units = {
        name: (int(match[1]), INTENSITY if ending[name] == "_r" else threshold)
        for name, match in found.items()
        if ending[name] != "_r" or int(match[1]) not in present
    }
    return _Form(
        clip=next((plain[name] for name in _CLIP_COLUMNS if name in plain), None),
        frame=plain.get("frame"),
        success=plain.get("success"),
        sure=next((plain[name] for name in _SURE_COLUMNS if name in plain), None),
        units=units,
        intensities=any(ending[name] == "_r" for name in units),
    )


_Kept = list[tuple[str, str, dict[str, str]]]


def _surest(lines: list[tuple[int, dict[str, str]]], form: _Form, file: Path) -> tuple[_Kept, int]:
    """Place, clip and cells of each frame; how many further faces of a frame were skipped."""
    best: dict[tuple[str, str], tuple[float, str, dict[str, str]]] = {}
    for line, row in lines:
        where = f"{file} line {line}"
        name = file.stem if form.clip is None else _clip_name(row[form.clip], where)
        frame = "" if form.frame is None else row[form.frame].strip()
        sure = 0.0 if form.sure is None else _number(row[form.sure])
        sure = -1.0 if math.isnan(sure) else sure
        place = (name, frame)
        if form.frame is None and place in best:
            raise DataError(
                f"{where}: clip {name} occurs twice; keep one, or number its frames in a column "
                "frame"
            )
        if place not in best or sure > best[place][0]:
            best[place] = (sure, where, row)
    kept = [(where, name, row) for (name, _), (_, where, row) in best.items()]
    return kept, len(lines) - len(kept)


def _clip_name(text: str, where: str) -> str:
    name = unguarded(text.strip())
    if not name:
        raise DataError(f"{where}: the clip has no name; expected dataset/subject/clip")
    # py-feat names the file it read, with its folders; an image is one frame of its folder.
    file = re.fullmatch(r"(?:(.*)[/\\])?([^/\\]+)\.(\w+)", name)
    if file is None or file[3].lower() not in (*_VIDEOS, *_IMAGES):
        return name
    if file[1] and file[3].lower() in _IMAGES:
        return re.split(r"[/\\]", file[1])[-1]
    return file[2]


def _add(clip: _Clip, row: dict[str, str], form: _Form, where: str) -> None:
    clip.frames += 1
    if form.success is not None and _number(row[form.success]) == 0:
        return
    numbers = {name: row[name].strip() for name in form.units}
    known = {name: cell for name, cell in numbers.items() if cell.lower() not in _NO_NUMBER}
    clip.usable += bool(known)
    for name, cell in known.items():
        number, least = form.units[name]
        value, most = _number(cell), 5 if name.lower().endswith("_r") else 1
        if not 0 <= value <= most:
            raise DataError(
                f"{where}: {name.strip()} is {cell[:40]!r}; give 0, 1 or a probability from 0 to 1"
            )
        clip.measured.add(number)
        if value >= least:
            clip.found.add(number)


def _number(text: str) -> float:
    try:
        return float(with_point(text))
    except ValueError:
        return math.nan


def _pooled(parts: Sequence[_Part], source: Path) -> FoundUnits:
    clips: dict[str, _Clip] = {}
    gaps: dict[str, frozenset[int]] = {}
    columns: set[int] = set()
    for part in parts:
        units = frozenset(number for number, _ in part.form.units.values())
        columns |= units
        for name, clip in part.clips.items():
            if name in clips:
                raise DataError(f"{source}: the clip {name!r} is in two files; keep one")
            clips[name] = clip
            if clip.usable and units - clip.measured:
                gaps[name] = units - frozenset(clip.measured)
    return FoundUnits(
        units={name: frozenset(clip.found) for name, clip in clips.items() if clip.usable},
        failed=frozenset(name for name, clip in clips.items() if not clip.usable),
        unmeasured=gaps,
        columns=frozenset(columns),
        notes=tuple(f"{source.name}: {note}" for note in _notes(parts, clips, len(gaps))),
    )


def _notes(parts: Sequence[_Part], clips: Mapping[str, _Clip], gaps: int) -> Iterator[str]:
    frames, usable = sum(c.frames for c in clips.values()), sum(c.usable for c in clips.values())
    if any(part.form.frame is not None for part in parts):
        yield (
            f"{frames} frames of {len(clips)} clips are pooled: a unit is found in a clip where "
            "any frame has it"
        )
    if frames > usable:
        yield (
            f"{frames - usable} of {frames} rows have no face (success 0, or NaN for every unit) "
            "and are skipped; they are no rows without units"
        )
    if faces := sum(part.faces for part in parts):
        yield f"{faces} further faces in a frame are skipped; the surest counts"
    if any(part.form.intensities for part in parts):
        yield f"intensities (_r) count as found from {INTENSITY:g} of 5"
    if gaps:
        yield f"{gaps} clips have units without any number, which count neither way there"
