"""What the page shows of a job, made once by its worker so that the page opens at once."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hmrm import atomic, records
from hmrm.analysis.record import Analysis
from hmrm.analysis.report.cards import EventCard, FlowView, event_cards, face_cards
from hmrm.analysis.report.page import motion_text
from hmrm.analysis.saved import save
from hmrm.clip import FaceFrame
from hmrm.intervals import kind_of_duration
from hmrm.video.frame_index import FrameIndex

VIEW = "view.json"
"""Curves, faces and times: sent to the page as it is."""

SUMMARY = "summary.json"


@dataclass(frozen=True, kw_only=True)
class FaceCurves:
    """What was measured of one face, one value per frame in which it was followed.

    Attributes:
        frames: zero-based.
        position: distance from the neutral face, in thresholds; None where it was not measured.
        change: largest motion of a region, px of the 224 px crop; None likewise.
    """

    face_id: int
    frames: tuple[int, ...]
    position: tuple[float | None, ...]
    change: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class FaceThumb:
    """A face in a whole frame; the box in percent of the image's width and height."""

    face_id: int
    frame: int
    image: str
    box_percent: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class View:
    """See the module.

    Attributes:
        times_s: presentation time of every frame, s from the first.
        first_frame_s, player_rate: how a player's clock runs, see `hmrm.clip.MediaClock`.
    """

    source: str
    frame_count: int
    duration_s: float
    frames_per_s: float
    size_wh_px: tuple[int, int]
    first_frame_s: float
    player_rate: float
    times_s: tuple[float, ...]
    curves: tuple[FaceCurves, ...]
    faces: tuple[FaceThumb, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a list of jobs shows of one, and the faces that were followed."""

    duration_s: float
    frame_count: int
    micro: int
    macro: int
    faces: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StripShown:
    """One image of a strip."""

    image: str
    frame: int
    time_s: float
    role: str


@dataclass(frozen=True, kw_only=True)
class FlowShown:
    """The flow of an event: images, arrows as SVG, and the length at which colours saturate.

    Attributes:
        magnified: the onset, moved by ``factor`` times the flow.
    """

    colours: str
    arrows: str
    scale: str
    map: str
    max_px: float
    magnified: str
    factor: int


@dataclass(frozen=True, kw_only=True)
class ImagesShown:
    """Images of one event that was found; ``motion`` is its peak in words."""

    onset: str | None
    apex: str | None
    size_wh: tuple[int, int]
    motion: str
    strip: tuple[StripShown, ...]
    flow: FlowShown | None


def images_file(number: int) -> str:
    """Name of the file with the images of the event ``number``, from 0."""
    return f"event-{number}.json"


def save_results(folder: Path, analysis: Analysis, index: FrameIndex) -> None:
    """Write all that ``hmrm analyze`` writes, and what the page shows.

    Raises:
        OutputError: a file cannot be written.
    """
    save(folder, analysis)
    for number, card in enumerate(event_cards(analysis, blurred=False)):
        _write(folder / images_file(number), _images_of(card))
    view = _view_of(analysis, index)
    _write(folder / VIEW, view)
    kinds = [kind_of_duration(event.duration_s) for event in analysis.events]
    events = {event.face_id for event in analysis.events}
    summary = Summary(
        duration_s=view.duration_s,
        frame_count=view.frame_count,
        micro=kinds.count("micro"),
        macro=kinds.count("macro"),
        faces=tuple(sorted(events | {one.face_id for one in view.curves})),
    )
    _write(folder / SUMMARY, summary)


def _write(path: Path, record: object) -> None:
    text = json.dumps(records.to_json(record), separators=(",", ":"), allow_nan=False)
    atomic.write_text(path, text)


def _view_of(analysis: Analysis, index: FrameIndex) -> View:
    return View(
        source=analysis.source,
        frame_count=len(index),
        duration_s=round(analysis.duration_s, 6),
        frames_per_s=round(analysis.frames_per_s, 6),
        size_wh_px=analysis.size_wh_px,
        first_frame_s=round(analysis.clock.first_frame_s, 6),
        player_rate=round(analysis.clock.rate, 9),
        times_s=tuple(round(time_s, 6) for time_s in index.times_s.tolist()),
        curves=_curves_of(analysis.frames),
        faces=tuple(
            FaceThumb(
                face_id=card.view.face_id,
                frame=card.view.index,
                image=card.url,
                box_percent=(card.left, card.top, card.width, card.height),
            )
            for card in face_cards(analysis.faces, blurred=False)
        ),
    )


def _curves_of(frames: Iterable[FaceFrame]) -> tuple[FaceCurves, ...]:
    """Of every face, by its id; the records themselves are not kept, of which there are many."""
    rows: dict[int, list[tuple[int, float | None, float | None]]] = {}
    for frame in frames:
        change = max(frame.motion_px.values(), default=None)
        row = frame.index, _known(frame.displacement), _known(change)
        rows.setdefault(frame.face_id, []).append(row)
    return tuple(
        FaceCurves(
            face_id=face_id,
            frames=tuple(index for index, _, _ in rows[face_id]),
            position=tuple(position for _, position, _ in rows[face_id]),
            change=tuple(change for _, _, change in rows[face_id]),
        )
        for face_id in sorted(rows)
    )


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def _images_of(card: EventCard) -> ImagesShown:
    return ImagesShown(
        onset=card.onset,
        apex=card.apex,
        size_wh=card.size_wh,
        motion=motion_text(card.event),
        strip=tuple(
            StripShown(image=one.url, frame=one.index, time_s=round(one.time_s, 6), role=one.role)
            for one in card.strip
        ),
        flow=None if card.flow is None else _flow_of(card.flow),
    )


def _flow_of(flow: FlowView) -> FlowShown:
    return FlowShown(
        colours=flow.colours,
        arrows=flow.arrows,
        scale=flow.scale,
        map=flow.map,
        max_px=flow.max_px,
        magnified=flow.magnified,
        factor=flow.factor,
    )
