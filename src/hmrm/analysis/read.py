"""Results of ``hmrm analyze`` and ``hmrm spot`` read back from their folders."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hmrm import reading, records
from hmrm.analysis.export.tables import POINTS
from hmrm.analysis.record import Analysis
from hmrm.clip import OWN_CLOCK, Event, FaceFrame, MediaClock, Notice, Reasons, RejectedCandidate
from hmrm.errors import DataError, InputError
from hmrm.records import formerly

_LONGEST_S = 1e7
"""No recording lasts longer: four months."""

_FRAMES_FROM_1 = "frame"
"""Column of frames.csv before it counted from 0."""


@dataclass(frozen=True, kw_only=True)
class _StoredEvent:
    """One event of analysis.json."""

    face_id: int
    onset_frame: int
    apex_frame: int
    offset_frame: int
    onset_s: float
    apex_s: float
    offset_s: float
    # "class" is no name in Python.
    label: str | None = field(metadata=formerly("class"))
    probabilities: Mapping[str, float]
    decisive_region: str | None
    calibrated: Mapping[str, float] = field(default_factory=dict)
    class_set: tuple[str, ...] = field(default=(), metadata=formerly("set"))
    set_coverage: float | None = None
    unlike_training: bool | None = None
    expression_probability: float | None = None
    region: str
    peak_motion_px: float | None
    salience: float = field(metadata=formerly("confidence"))
    flags: tuple[str, ...]
    reasons: Reasons | None = None

    def __post_init__(self) -> None:
        if self.face_id < 0:
            raise ValueError(f"face_id {self.face_id} is below 0")
        if not 0 <= self.onset_frame <= self.apex_frame <= self.offset_frame:
            raise ValueError(
                f"frames {self.onset_frame}, {self.apex_frame}, {self.offset_frame} are not onset, "
                "apex and offset in this order, from 0"
            )
        if not 0 <= self.onset_s <= self.apex_s <= self.offset_s <= _LONGEST_S:
            raise ValueError("onset_s, apex_s and offset_s are not in this order, from 0")

    def event(self) -> Event:
        return Event(
            face_id=self.face_id,
            onset_index=self.onset_frame,
            apex_index=self.apex_frame,
            offset_index=self.offset_frame,
            onset_s=self.onset_s,
            apex_s=self.apex_s,
            offset_s=self.offset_s,
            region=self.region,
            peak_motion_px=self.peak_motion_px,
            salience=self.salience,
            label=self.label,
            probabilities=self.probabilities,
            decisive_region=self.decisive_region,
            calibrated=self.calibrated,
            class_set=self.class_set,
            set_coverage=self.set_coverage,
            unlike_training=self.unlike_training,
            expression_probability=self.expression_probability,
            flags=self.flags,
            reasons=self.reasons,
        )


@dataclass(frozen=True, kw_only=True)
class _StoredRejected:
    """One rejected candidate of analysis.json."""

    face_id: int
    onset_frame: int
    apex_frame: int
    offset_frame: int
    onset_s: float
    apex_s: float
    offset_s: float
    region: str
    salience: float
    reason: str

    def candidate(self) -> RejectedCandidate:
        return RejectedCandidate(
            face_id=self.face_id,
            onset_index=self.onset_frame,
            apex_index=self.apex_frame,
            offset_index=self.offset_frame,
            onset_s=self.onset_s,
            apex_s=self.apex_s,
            offset_s=self.offset_s,
            region=self.region,
            salience=self.salience,
            reason=self.reason,
        )


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """An analysis.json."""

    source: str
    frame_count: int
    duration_s: float
    frames_per_s: float
    size_wh_px: tuple[int, int]
    player_clock: MediaClock = OWN_CLOCK
    events: tuple[_StoredEvent, ...]
    rejected: tuple[_StoredRejected, ...] = ()
    notices: tuple[Notice, ...]
    provenance: Any

    def __post_init__(self) -> None:
        if not isinstance(self.provenance, Mapping):
            raise ValueError("provenance is no table")
        clock = self.player_clock
        if not (0 <= clock.first_frame_s < math.inf and 0 < clock.rate < math.inf):
            raise ValueError("player_clock does not run")
        if not (0 <= self.duration_s <= _LONGEST_S and 0 <= self.frames_per_s < math.inf):
            raise ValueError(
                f"duration_s and frames_per_s: {self.duration_s}, {self.frames_per_s}; they lie "
                f"between 0 and {_LONGEST_S:g}"
            )
        if self.frame_count < 1:
            raise ValueError(f"frame_count: {self.frame_count} is below 1")


def read_analysis(folder: str | Path, *, frames: bool = True) -> Analysis:
    """Read what ``hmrm analyze`` or ``hmrm spot`` wrote of one video.

    Images are not kept in files: ``images`` holds None for every event.

    Args:
        folder: holds analysis.json, and frames.csv unless nothing was spotted. Of a run over
            several videos it is one video's folder.
        frames: read frames.csv, too, which takes seconds for long videos.

    Raises:
        InputError: no results there; a folder of several videos is named with theirs.
        DataError: a file is damaged; names file and key, or line and column.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import hmrm
        >>> from hmrm.analysis.saved import save
        >>> from hmrm.synthetic.demo import demo_clip
        >>> clip = demo_clip()
        >>> found = hmrm.analyze([clip.frame(180).image, clip.frame(195).image])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = save(Path(folder), found)
        ...     again = hmrm.read_analysis(folder)
        >>> again.events_table()["apex_frame"].tolist()
        [1]
    """
    results = read_results(folder, frames=frames)
    if len(results) > 1 or not (Path(folder) / "analysis.json").exists():
        names = ", ".join(list(results)[:5])
        raise InputError(
            f"{folder}: holds the results of several videos ({names}); give the folder of one"
        )
    return next(iter(results.values()))


def read_results(folder: str | Path, *, frames: bool = True) -> dict[str, Analysis]:
    """Read all results of a folder: its own, or those of the folders in it, by name.

    Args:
        frames: as `read_analysis`.

    Raises:
        InputError: no results there.
        DataError: a file is damaged; names file and key, or line and column.
    """
    folder = Path(folder)
    if (folder / "analysis.json").is_file():
        found = _read(folder, frames)
        return {_name(found.source): found}
    places = sorted(path.parent for path in folder.glob("*/analysis.json"))
    if not places:
        raise InputError(
            f"{folder}: no results of hmrm analyze or hmrm spot here (no analysis.json in it or in "
            "a folder in it); results of hmrm spot from before it wrote them must be made again"
        )
    return {place.name: _read(place, frames) for place in places}


def _name(source: str) -> str:
    """Name for files: that of the video, nothing that could lead elsewhere."""
    return Path(source.replace("\\", "/")).stem.strip(".") or "video"


def _read(folder: Path, frames: bool) -> Analysis:
    stored = records.read(_Stored, folder / "analysis.json")
    frames_file = folder / "frames.csv"
    return Analysis(
        source=stored.source,
        frame_count=stored.frame_count,
        duration_s=stored.duration_s,
        frames_per_s=stored.frames_per_s,
        size_wh_px=stored.size_wh_px,
        events=tuple(event.event() for event in stored.events),
        frames=_read_frames(frames_file) if frames and frames_file.is_file() else (),
        images=(None,) * len(stored.events),
        rejected=tuple(one.candidate() for one in stored.rejected),
        notices=stored.notices,
        provenance=stored.provenance,
        clock=stored.player_clock,
    )


def _read_frames(path: Path) -> tuple[FaceFrame, ...]:
    try:
        text = reading.read_text(path, limit="file_bytes")
        header, rows = reading.row_by_row(text, limit="frame_rows")
        first = 1 if _FRAMES_FROM_1 in header else 0
        column = _FRAMES_FROM_1 if first else "frame_index"
        regions = tuple(name for name in header if name.startswith("motion_"))
        return tuple(_Row(path, line, cells, regions).frame(column, first) for line, cells in rows)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except reading.DamagedError as error:
        raise DataError(f"{path}: damaged ({error}); analyse the video again") from error


@dataclass(frozen=True)
class _Row:
    """One line of frames.csv."""

    path: Path
    line: int
    cells: Mapping[str, str | None]
    regions: tuple[str, ...]

    def frame(self, column: str, first: int) -> FaceFrame:
        box = [self._measured(f"face_{side}") for side in "xywh"]
        points = [self._measured(f"{name}_{axis}") for name in POINTS for axis in "xy"]
        motion = ((name, self._measured(name)) for name in self.regions)
        return FaceFrame(
            index=self._whole(column, first),
            time_s=self._number("timestamp"),
            face_id=self._whole("face_id", 0),
            box_xyxy_px=_box(box),
            detection_confidence=self._number("confidence"),
            success=bool(self._number("success")),
            motion_px={
                name.removeprefix("motion_"): value for name, value in motion if value is not None
            },
            points_xy_px=_pairs(points),
            displacement=self._measured("displacement"),
        )

    def _whole(self, column: str, first: int) -> int:
        """A number that counts from ``first``, from 0 instead."""
        value = self._number(column) - first
        if not 0 <= value < 2**53 or value % 1:
            raise self._error(f"{column} is no whole number from {first}")
        return int(value)

    def _number(self, column: str) -> float:
        value = self._measured(column)
        if value is None:
            raise self._error(f"no {column}")
        return value

    def _measured(self, column: str) -> float | None:
        cell = self.cells.get(column)
        if not cell:
            return None
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._error(f"{column} is no number ({cell[:40]!r})")
        return value

    def _error(self, what: str) -> DataError:
        return DataError(f"{self.path} line {self.line}: {what}; analyse the video again")


def _box(values: list[float | None]) -> tuple[float, float, float, float] | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    left, top, width, height = known
    return left, top, left + width, top + height


def _pairs(values: list[float | None]) -> tuple[tuple[float, float], ...] | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return tuple(zip(known[::2], known[1::2], strict=True))
