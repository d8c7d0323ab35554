"""Events of a face as events of the video, with quality flags."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.clip import Event, RejectedCandidate
from hmrm.faces.align import apply, canonical_transform, invert
from hmrm.faces.crops import IMAGE_WH_PX
from hmrm.spotting.face_events import FaceEvent, RejectedEvent
from hmrm.spotting.probability import expression_probability
from hmrm.spotting.salience import salience
from hmrm.spotting.tracks import FaceTrack, FirstPass

SHORTEST_MICRO_S = 1 / 25
"""Shortest micro-expression, s: the field's definition."""


@dataclass(frozen=True, kw_only=True)
class QualityConfig:
    """When an event or a video earns a quality flag.

    Attributes:
        least_frames_per_s: below it the shortest micro-expression holds fewer than two frames.
        near_s: a cut, or an end of the face's track, nearer than this is flagged.
        small_eye_distance_px: a face with less between its eyes is small: 1 px of the canonical
            crop is then under 0.4 px of the video.
        border_fraction: fraction of the crop that may lie outside the image.
    """

    least_frames_per_s: float = 2 / SHORTEST_MICRO_S
    near_s: float = 0.25
    small_eye_distance_px: float = 48.0
    border_fraction: float = 0.02


def event_of(found: FaceEvent, track: FaceTrack, first: FirstPass, config: QualityConfig) -> Event:
    """An event of a face as an event of the video."""
    onset, offset = (track.row_of(index) for index in (found.onset_index, found.offset_index))
    return Event(
        face_id=track.face_id,
        onset_index=found.onset_index,
        apex_index=found.apex_index,
        offset_index=found.offset_index,
        onset_s=track.time_of(found.onset_index),
        apex_s=track.time_of(found.apex_index),
        offset_s=track.time_of(found.offset_index),
        region=found.region,
        peak_motion_px=found.peak_px,
        salience=salience(found.salience, 1.0),
        expression_probability=expression_probability(found.salience),
        flags=(
            *found.flags,
            *_quality_flags(found.kind, slice(onset, offset + 1), track, first, config),
        ),
    )


def rejected_of(rejected: RejectedEvent, track: FaceTrack) -> RejectedCandidate:
    """A rejected candidate of a face as one of the video."""
    frames = (rejected.onset_index, rejected.apex_index, rejected.offset_index)
    onset_s, apex_s, offset_s = (track.time_of(index) for index in frames)
    return RejectedCandidate(
        face_id=track.face_id,
        onset_index=rejected.onset_index,
        apex_index=rejected.apex_index,
        offset_index=rejected.offset_index,
        onset_s=onset_s,
        apex_s=apex_s,
        offset_s=offset_s,
        region=rejected.region,
        salience=salience(rejected.salience, 1.0),
        reason=rejected.reason,
    )


def _quality_flags(
    kind: str, rows: slice, track: FaceTrack, first: FirstPass, config: QualityConfig
) -> tuple[str, ...]:
    time_s, segment = track.time_s, track.measures.segment
    onset_s, offset_s = float(time_s[rows.start]), float(time_s[rows.stop - 1])
    low, high = onset_s - config.near_s, offset_s + config.near_s
    scene_s = time_s[segment == segment[rows.start]]
    ends = float(scene_s[0]) > low or float(scene_s[-1]) < high
    in_video = float(scene_s[0]) > config.near_s, float(scene_s[-1]) < first.end_s - config.near_s
    outside = _fraction_outside(track.points_xy_px[rows.start], first.size_wh_px)
    eyes_px = float(track.eye_distance_px[rows].min())
    flags = {
        "longer_than_micro": kind == "macro",
        "low_frame_rate": first.frames_per_s < config.least_frames_per_s,
        "near_cut": any(low <= cut_s <= high for cut_s in first.cuts_s),
        "near_end": ends,
        "face_lost": ends and any(in_video),
        "near_border": outside > config.border_fraction,
        "small_face": eyes_px < config.small_eye_distance_px,
    }
    return tuple(name for name, holds in flags.items() if holds)


def _fraction_outside(points_xy_px: Float[np.ndarray, "5 2"], size_wh_px: tuple[int, int]) -> float:
    """Fraction of the canonical crop that lies outside the image."""
    width_px, height_px = IMAGE_WH_PX
    x, y = np.meshgrid(np.linspace(0, width_px - 1, 15), np.linspace(0, height_px - 1, 21))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    places = apply(invert(canonical_transform(points_xy_px)), grid)
    inside = (places >= -0.5).all(1) & (places <= np.array(size_wh_px) - 0.5).all(1)
    return 1.0 - float(inside.mean())
