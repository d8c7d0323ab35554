"""Events with their quality flags, and the notices a reader of a result must see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmrm.clip import Event, Notice
from hmrm.faces.align import apply, canonical_transform, invert
from hmrm.faces.crops import PICTURE_WH_PX
from hmrm.spotting.first_pass import FaceTrack, Watched
from hmrm.spotting.movements import MICRO_S, Movement

SHORTEST_MICRO_S = 1 / 25
"""Shortest micro-expression, s: the field's definition."""


UNRELIABLE = Notice(
    code="spotting_reliability",
    message=(
        "spotting is unreliable: published methods reach an F1 of 0.1 to 0.2 for "
        "micro-expressions in long videos, so most spotted events may be false; look at each"
    ),
)
UNNAMED = Notice(
    code="unnamed",
    message="movements are found, not named: no recogniser was given, so class is empty",
)


@dataclass(frozen=True, kw_only=True)
class RemarkConfig:
    """When an event or a video earns a remark.

    Attributes:
        least_frames_per_s: below it the shortest micro-expression holds fewer than two frames.
        near_s: a cut, or an end of the face's track, nearer than this is remarked on.
        small_eye_distance_px: a face with less between its eyes is small: 1 px of the canonical
            crop is then under 0.4 px of the video.
        border_share: part of the crop that may lie outside the picture.
    """

    least_frames_per_s: float = 2 / SHORTEST_MICRO_S
    near_s: float = 0.25
    small_eye_distance_px: float = 48.0
    border_share: float = 0.02


def event_of(
    movement: Movement,
    track: FaceTrack,
    watched: Watched,
    config: RemarkConfig,
    *,
    size_wh_px: tuple[int, int],
) -> Event:
    """A movement of a face as an event of the video."""
    signal = track.signal
    rows = (movement.onset, movement.apex, movement.offset)
    onset, apex, offset = (int(signal.index[row]) for row in rows)
    onset_s, apex_s, offset_s = (float(signal.time_s[row]) for row in rows)
    low, high = onset_s - config.near_s, offset_s + config.near_s
    segment = signal.time_s[signal.segment == signal.segment[movement.apex]]
    first, last = track.row_of(onset), track.row_of(offset)
    followed = slice(first, last + 1)
    ends = float(segment[0]) > low or float(segment[-1]) < high
    in_video = float(segment[0]) > config.near_s, float(segment[-1]) < watched.end_s - config.near_s
    flags = {
        "longer_than_micro": offset_s - onset_s > MICRO_S,
        "low_frame_rate": watched.frames_per_s < config.least_frames_per_s,
        "near_cut": any(low <= cut_s <= high for cut_s in watched.cuts_s),
        "near_end": ends,
        "face_lost": (ends and any(in_video)) or not track.success[followed].all(),
        "near_border": _outside(track.points_xy_px[first], size_wh_px) > config.border_share,
        "small_face": float(track.eye_distance_px[followed].min()) < config.small_eye_distance_px,
        "blink_overlap": movement.blink,
    }
    return Event(
        face_id=track.face_id,
        onset_index=onset,
        apex_index=apex,
        offset_index=offset,
        onset_s=onset_s,
        apex_s=apex_s,
        offset_s=offset_s,
        region=movement.region,
        peak_motion_px=movement.peak_px,
        confidence=movement.confidence,
        flags=tuple(name for name, holds in flags.items() if holds),
    )


def _outside(points_xy_px: np.ndarray, size_wh_px: tuple[int, int]) -> float:
    """Part of the canonical crop that lies outside the picture."""
    width, height = PICTURE_WH_PX
    x, y = np.meshgrid(np.linspace(0, width - 1, 15), np.linspace(0, height - 1, 21))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    places = apply(invert(canonical_transform(points_xy_px)), grid)
    inside = (places >= -0.5).all(1) & (places <= np.array(size_wh_px) - 0.5).all(1)
    return 1.0 - float(inside.mean())


def on_video(watched: Watched, tracks: Sequence[FaceTrack], config: RemarkConfig) -> list[Notice]:
    """What must be known about a video, by stable codes; ``tracks`` are the analysed faces."""
    rate = watched.frames_per_s
    notes: dict[str, str] = {}
    faces = len(watched.tracks)
    if faces > 1:
        which = "all" if len(tracks) == faces else f"face {tracks[0].face_id}, the largest,"
        notes["several_faces"] = (
            f"{faces} faces were followed, {which} analysed; face_id says whose an event is. "
            "Nobody is recognised: a face that leaves and comes back elsewhere gets a new number"
        )
    if watched.left_out:
        notes["faces_left_out"] = (
            f"{watched.left_out} detections of further, smaller faces were left out"
        )
    if rate < config.least_frames_per_s:
        notes["low_frame_rate"] = (
            f"half a second holds {MICRO_S * rate:.0f} frames at {rate:.3g} per "
            "second: the shortest micro-expressions fall between frames, and onset and apex are "
            "uncertain by a frame; record 100 per second or more"
        )
    if watched.cuts_s:
        times = ", ".join(f"{t:.2f}" for t in watched.cuts_s[:5])
        more = " …" if len(watched.cuts_s) > 5 else ""
        notes["cuts"] = (
            f"{len(watched.cuts_s)} scene cut(s) at {times}{more} s; no motion is read across them"
        )
    if watched.black:
        notes["black_frames"] = f"about {watched.black} black frames were left out"
    if all((t.eye_distance_px < config.small_eye_distance_px).all() for t in tracks):
        notes["small_face"] = (
            "the eyes are less than "
            f"{config.small_eye_distance_px:.0f} px apart: weak movements cannot be seen; "
            "film from nearer or at higher resolution"
        )
    return [Notice(code=code, message=message) for code, message in notes.items()]


def on_events(
    events: Sequence[Event], largest_px: float, floor_px: float, kept_pictures: int
) -> list[Notice]:
    """What must be known about spotted events, or about their absence.

    Args:
        largest_px: the largest regional motion seen, px of the canonical crop.
        floor_px: motion below it is not told from none.
        kept_pictures: how many events have pictures.
    """
    if not events:
        if largest_px < floor_px:
            found = f"no movement above the flow's noise floor ({floor_px:g} px)"
        else:
            found = "no movement stands out from the face's own noise"
        message = f"{found}; the largest was {largest_px:.2f} px"
        return [Notice(code="no_movement", message=message)]
    notices = [UNRELIABLE]
    if len(events) > kept_pictures:
        message = (
            f"pictures and classes are kept of the {kept_pictures} clearest events of "
            f"{len(events)}; give onset and apex to see another"
        )
        notices.append(Notice(code="pictures_limited", message=message))
    return notices
