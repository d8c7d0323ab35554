"""Events whose onset and apex are annotated: two frames of a video, or two still images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmrm.clip import Event, Frame, Notice, Pair
from hmrm.errors import FaceNotFoundError, FaceTooSmallError, FrameIndexError
from hmrm.faces.align import align_pair, canonical_transform, invert
from hmrm.faces.boxes import Detection, Detector
from hmrm.faces.crops import IMAGE_WH_PX
from hmrm.flow.estimate import to_grey
from hmrm.flow.registration import (
    Grid,
    RegistrationConfig,
    Template,
    View,
    crop_of,
    own_motion,
    register,
)
from hmrm.spotting.salience import salience
from hmrm.video.source import VideoSource


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedFrames:
    """The two annotated frames, and how many frames the clip has."""

    onset: Frame
    apex: Frame
    frame_count: int


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedMovement:
    """What one face did between two annotated frames.

    Attributes:
        event: None where no region moved enough.
        largest_px: the largest regional motion, px of the canonical crop.
        pair: the two crops, both through the onset's transform.
    """

    event: Event | None
    largest_px: float
    pair: Pair


def read_annotated(video: VideoSource, onset: int | None, apex: int | None) -> AnnotatedFrames:
    """Read the onset and apex frame that were annotated.

    Raises:
        FrameIndexError: one number without the other, wrong order, or outside the clip.
    """
    if onset is None or apex is None:
        missing = "apex" if apex is None else "onset"
        raise FrameIndexError(
            f"{video.path}: {missing} frame missing; give onset and apex, or neither to spot"
        )
    if onset >= apex:
        raise FrameIndexError(
            f"{video.path}: onset {onset} is not before apex {apex}; frames count from 0"
        )
    frames = video.frames_at((onset, apex))
    return AnnotatedFrames(
        onset=frames[onset], apex=frames[apex], frame_count=video.frame_count or apex + 1
    )


def faces_at(
    frame: Frame, detector: Detector, *, least_eye_distance_px: float, name: str
) -> list[Detection]:
    """Faces of the onset frame that are large enough, largest first.

    Raises:
        FaceNotFoundError: there is none.
        FaceTooSmallError: all are smaller.
    """
    found = detector.detect(frame.image)
    if not found:
        raise FaceNotFoundError(
            f"{name} frame {frame.index}: no face; give a frontal, lit face, at least 20 px wide"
        )
    usable = [face for face in found if face.eye_distance_px >= least_eye_distance_px]
    if not usable:
        largest = max(face.eye_distance_px for face in found)
        raise FaceTooSmallError(
            f"{name} frame {frame.index}: the eyes are {largest:.0f} px apart, at least "
            f"{least_eye_distance_px:.0f} px are needed; film from nearer or at higher resolution"
        )
    return sorted(usable, key=lambda face: -face.eye_distance_px)


def annotated_movement(
    frames: AnnotatedFrames,
    face: Detection,
    config: RegistrationConfig,
    *,
    face_id: int,
    least_px: float,
) -> AnnotatedMovement:
    """The movement of one face between two frames.

    The offset is unknown and set to the apex (flag ``offset_unknown``); there is no noise of the
    face's own to compare with, so the salience compares with ``least_px`` alone.

    Args:
        least_px: an event moves some region by this much.
    """
    onset, apex = frames.onset, frames.apex
    motion = _motion(onset, apex, face, config)
    region = max(motion, key=lambda name: motion[name])
    pair = align_pair(
        onset.image,
        apex.image,
        canonical_transform(face.points_xy_px),
        onset_index=onset.index,
        apex_index=apex.index,
    )
    if motion[region] < least_px:
        return AnnotatedMovement(event=None, largest_px=motion[region], pair=pair)
    event = Event(
        face_id=face_id,
        onset_index=onset.index,
        apex_index=apex.index,
        offset_index=apex.index,
        onset_s=onset.time_s,
        apex_s=apex.time_s,
        offset_s=apex.time_s,
        region=region,
        peak_motion_px=motion[region],
        salience=salience(motion[region], least_px),
        flags=("offset_unknown",),
    )
    return AnnotatedMovement(event=event, largest_px=motion[region], pair=pair)


def notices_of(
    events: Sequence[Event], faces: int, *, largest_px: float, floor_px: float
) -> list[Notice]:
    """What must be known about a pair of frames."""
    notices = []
    if faces > 1:
        message = f"{faces} faces are in the onset frame; face_id counts them from the largest"
        notices.append(Notice(code="several_faces", message=message))
    if not events:
        message = (
            f"no movement above the flow's noise floor ({floor_px:g} px); the largest was "
            f"{largest_px:.2f} px"
        )
        notices.append(Notice(code="no_movement", message=message))
    return notices


def _motion(
    onset: Frame, apex: Frame, face: Detection, config: RegistrationConfig
) -> dict[str, float]:
    """Length of every region's own motion, px of the canonical crop."""
    first, second = to_grey(onset.image, name="onset"), to_grey(apex.image, name="apex")
    if np.array_equal(first, second):
        return dict.fromkeys(Grid(config).regions, 0.0)
    grid = Grid(config)
    to_frame = invert(canonical_transform(face.points_xy_px, config.size_wh_px))
    template = Template(crop_of(View.around(first, to_frame, config), to_frame, config), grid)
    view = View.around(second, to_frame, config)
    _, crop = register(template, view, to_frame, steps=8)
    motion = own_motion(template, crop) * IMAGE_WH_PX[0] / config.crop_width_px
    lengths = np.linalg.norm(motion, axis=1)
    return {
        name: float(length)
        for name, length in zip(grid.regions, lengths, strict=True)
        if name != "nose"
    }
