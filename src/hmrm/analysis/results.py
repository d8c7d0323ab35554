"""What a run keeps of each video: one typed record, and the JSON that holds it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hmrm import atomic, records
from hmrm.analysis.record import Analysis
from hmrm.clip import Event, Notice, Reasons, RejectedCandidate
from hmrm.errors import DataError
from hmrm.intervals import Interval, kind_of_duration

TOO_FEW_FRAMES = "too_few_frames"
"""Code of the notice that nothing can be found in a video, whatever happened in it."""


@dataclass(frozen=True, kw_only=True)
class VideoResult:
    """What was found in one video.

    Attributes:
        subject, video: what the video is called in the results.
        source: name of its file or folder.
        data_hash: hex sha256 of its content.
        duration_s, frames_per_s: measured over the frames that were decoded.
        rejected: movements that are taken for no expression, with the reason.
        files: what was written for this video alone: path below the run's folder → hex sha256.

    Example:
        >>> from hmrm import Event
        >>> from hmrm.analysis.results import VideoResult
        >>> smile = Event(
        ...     face_id=0, onset_index=120, apex_index=131, offset_index=150,
        ...     onset_s=1.2, apex_s=1.31, offset_s=1.5,
        ...     region="left_mouth_corner", peak_motion_px=0.9, salience=0.8,
        ... )
        >>> found = VideoResult(
        ...     subject="s01", video="interview", source="interview.mp4", data_hash="…",
        ...     frame_count=1000, frames_per_s=100.0, duration_s=10.0, events=(smile,),
        ... )
        >>> [(one.onset_index, one.offset_index, one.kind) for one in found.intervals]
        [(120, 150, 'micro')]
    """

    subject: str
    video: str
    source: str
    data_hash: str
    frame_count: int
    frames_per_s: float
    duration_s: float
    events: tuple[Event, ...]
    notices: tuple[Notice, ...] = ()
    rejected: tuple[RejectedCandidate, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether the video had enough frames to find a movement in."""
        return all(notice.code != TOO_FEW_FRAMES for notice in self.notices)

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The events as rows of the table of intervals."""
        return tuple(
            Interval(
                subject=self.subject,
                video=self.video,
                onset_index=event.onset_index,
                offset_index=event.offset_index,
                kind=kind_of_duration(event.duration_s),
                apex_index=event.apex_index,
                score=round(event.salience, 6),
                times_s=(event.onset_s, event.apex_s, event.offset_s),
            )
            for event in self.events
        )


@dataclass(frozen=True, kw_only=True)
class VideoFiles:
    """What one video of a run gave, before it is written.

    Attributes:
        contents: path below the run's folder → what belongs there.
    """

    result: VideoResult
    contents: Mapping[str, bytes]


def result_of(
    analysis: Analysis, subject: str, video: str, files: Mapping[str, str] | None = None
) -> VideoResult:
    """What a run keeps of an analysis.

    Args:
        subject, video: what the video is called in the results.
        files: see `VideoResult`.
    """
    return VideoResult(
        subject=subject,
        video=video,
        source=analysis.source,
        data_hash=analysis.provenance["data_hash"],
        frame_count=analysis.frame_count,
        frames_per_s=analysis.frames_per_s,
        duration_s=analysis.duration_s,
        events=analysis.events,
        notices=analysis.notices,
        files=files or {},
    )


def write_kept(path: Path, settings: str, result: VideoResult) -> None:
    """Keep a result with the digest of the settings it was made with.

    Raises:
        OutputError: the file cannot be written.
    """
    plain = dataclasses.asdict(result)
    stored = {"settings": settings, "sha256": _digest(plain), "result": plain}
    atomic.write_text(path, json.dumps(stored, indent=1) + "\n")


def read_kept(path: Path, settings: str) -> VideoResult | None:
    """The result that `write_kept` kept; None where it is absent, damaged, or of other settings."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        plain = stored["result"]
        if stored["settings"] != settings or stored["sha256"] != _digest(plain):
            return None
        events = tuple(
            Event(
                **{
                    **one,
                    "flags": tuple(one["flags"]),
                    "class_set": tuple(one["class_set"]),
                    "reasons": _reasons(one["reasons"], path),
                }
            )
            for one in plain["events"]
        )
        notices = tuple(Notice(**one) for one in plain["notices"])
        rejected = tuple(RejectedCandidate(**one) for one in plain["rejected"])
        read = {"events": events, "notices": notices, "rejected": rejected}
        return VideoResult(**{**plain, **read})
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None


def _reasons(plain: Any, path: Path) -> Reasons | None:
    return None if plain is None else records.from_json(Reasons, plain, where=str(path))


def spotting_mapping(result: VideoResult) -> dict[str, Any]:
    """Plain values of one video, as ``spotting.json`` holds them."""
    return {
        "subject": result.subject,
        "video": result.video,
        "source": result.source,
        "data_hash": result.data_hash,
        "frame_count": result.frame_count,
        "frames_per_s": round(result.frames_per_s, 4),
        "duration_s": round(result.duration_s, 4),
        "measured": result.measured,
        "intervals": [
            {
                "onset": event.onset_index,
                "offset": event.offset_index,
                "type": interval.kind,
                "apex": event.apex_index,
                "onset_s": round(event.onset_s, 6),
                "apex_s": round(event.apex_s, 6),
                "offset_s": round(event.offset_s, 6),
                "score": interval.score,
                "face_id": event.face_id,
                "region": event.region,
                "peak_motion_px": None
                if event.peak_motion_px is None
                else round(event.peak_motion_px, 4),
                "flags": [flag for flag in event.flags if flag != "longer_than_micro"],
            }
            for event, interval in zip(result.events, result.intervals, strict=True)
        ],
        "rejected": [
            {
                "onset": one.onset_index,
                "offset": one.offset_index,
                "apex": one.apex_index,
                "score": round(one.salience, 6),
                "face_id": one.face_id,
                "region": one.region,
                "reason": one.reason,
            }
            for one in result.rejected
        ],
        "notices": [{"code": n.code, "message": n.message} for n in result.notices],
    }


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
