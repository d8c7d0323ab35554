"""Movements of a face as events of the video, with quality flags."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.clip import Event
from hmrm.faces.align import apply, canonical_transform, invert
from hmrm.faces.crops import IMAGE_WH_PX
from hmrm.intervals import MICRO_S
from hmrm.spotting.distractors import Reason, Rejected
from hmrm.spotting.first_pass import FaceTrack, FirstPass
from hmrm.spotting.movements import Movement

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


@dataclass(frozen=True, kw_only=True)
class RejectedCandidate:
    """A movement that was found and is no expression: whose, when (zero-based frames), and why."""

    face_id: int
    onset_index: int
    apex_index: int
    offset_index: int
    region: str
    reason: Reason


def event_of(
    movement: Movement, track: FaceTrack, first: FirstPass, config: QualityConfig
) -> Event:
    """A movement of a face as an event of the video."""
    index, time_s = track.signal.index, track.signal.time_s
    return Event(
        face_id=track.face_id,
        onset_index=int(index[movement.onset]),
        apex_index=int(index[movement.apex]),
        offset_index=int(index[movement.offset]),
        onset_s=float(time_s[movement.onset]),
        apex_s=float(time_s[movement.apex]),
        offset_s=float(time_s[movement.offset]),
        region=movement.region,
        peak_motion_px=movement.peak_px,
        salience=movement.salience,
        flags=_quality_flags(movement, track, first, config),
    )


def rejected_of(rejected: Rejected, track: FaceTrack) -> RejectedCandidate:
    """A rejected movement of a face, in frames of the video."""
    index, movement = track.signal.index, rejected.movement
    return RejectedCandidate(
        face_id=track.face_id,
        onset_index=int(index[movement.onset]),
        apex_index=int(index[movement.apex]),
        offset_index=int(index[movement.offset]),
        region=movement.region,
        reason=rejected.reason,
    )


def _quality_flags(
    movement: Movement, track: FaceTrack, first: FirstPass, config: QualityConfig
) -> tuple[str, ...]:
    signal = track.signal
    onset_s, offset_s = float(signal.time_s[movement.onset]), float(signal.time_s[movement.offset])
    low, high = onset_s - config.near_s, offset_s + config.near_s
    segment = signal.time_s[signal.segment == signal.segment[movement.apex]]
    onset_row = track.row_of(int(signal.index[movement.onset]))
    offset_row = track.row_of(int(signal.index[movement.offset]))
    followed = slice(onset_row, offset_row + 1)
    ends = float(segment[0]) > low or float(segment[-1]) < high
    in_video = float(segment[0]) > config.near_s, float(segment[-1]) < first.end_s - config.near_s
    outside = _fraction_outside(track.points_xy_px[onset_row], first.size_wh_px)
    flags = {
        "longer_than_micro": offset_s - onset_s > MICRO_S,
        "low_frame_rate": first.frames_per_s < config.least_frames_per_s,
        "near_cut": any(low <= cut_s <= high for cut_s in first.cuts_s),
        "near_end": ends,
        "face_lost": (ends and any(in_video)) or not track.success[followed].all(),
        "near_border": outside > config.border_fraction,
        "small_face": float(track.eye_distance_px[followed].min()) < config.small_eye_distance_px,
        "blink_overlap": movement.blink,
    }
    return tuple(name for name, holds in flags.items() if holds)


def _fraction_outside(points_xy_px: Float[np.ndarray, "5 2"], size_wh_px: tuple[int, int]) -> float:
    """Fraction of the canonical crop that lies outside the image."""
    width, height = IMAGE_WH_PX
    x, y = np.meshgrid(np.linspace(0, width - 1, 15), np.linspace(0, height - 1, 21))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    places = apply(invert(canonical_transform(points_xy_px)), grid)
    inside = (places >= -0.5).all(1) & (places <= np.array(size_wh_px) - 0.5).all(1)
    return 1.0 - float(inside.mean())
