"""From a video to events: one first pass, then the events of every face under a setting."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from hmrm import memory
from hmrm.clip import Event, RejectedCandidate
from hmrm.errors import InputError
from hmrm.faces.boxes import Detector
from hmrm.progress import Progress, silent
from hmrm.spotting.apexes import DISPLACEMENT, apexes_by_rule
from hmrm.spotting.events import event_of, rejected_of
from hmrm.spotting.first_pass import first_pass
from hmrm.spotting.fusion import find_events as find_face_events
from hmrm.spotting.settings import SpottingConfig
from hmrm.spotting.tracks import FaceTrack, FirstPass
from hmrm.video.source import VideoSource

FEWEST_FRAMES = 5
"""Frames from which on a movement can be distinguished from rest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spotted:
    """What a setting makes of a first pass.

    Attributes:
        faces: those analysed, by id.
        displacements: of each of these faces in each of its frames, how far it is from its neutral
            face, in thresholds: 1 is the least that counts.
        events: by onset, then face.
        rejected: movements that are no expression, in the same order.
        largest: the largest movement of any face outside blinks, speech and what is covered, in
            thresholds: 1 is the least that counts.
    """

    first_pass: FirstPass
    faces: tuple[FaceTrack, ...]
    displacements: tuple[Float[np.ndarray, " n"], ...]
    events: tuple[Event, ...]
    rejected: tuple[RejectedCandidate, ...]
    largest: float


def spot_video(
    video: VideoSource,
    config: SpottingConfig,
    *,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> Spotted:
    """Find the events of a video; a second pass finds their apexes where the rule needs frames.

    Args:
        detector: finds faces; None is the one that ``config`` names.

    Raises:
        InputError: the video has a single frame.
        VideoError: the video cannot be decoded.
        FaceNotFoundError: no face in any frame that was read.
        FaceTooSmallError: no face is large enough.
    """
    first = first_pass(video, config, detector=detector, progress=progress)
    if first.frame_count == 1:
        raise InputError(
            f"{first.source}: one frame, in which nothing can move; give a video of at least "
            f"{FEWEST_FRAMES} frames, or two images: onset and apex"
        )
    found = find_events(first, config)
    memory.give_back()  # a long video's arrays were large, and images of events come next
    if config.apex_rule == DISPLACEMENT:
        return found
    events = apexes_by_rule(
        video,
        found.events,
        found.faces,
        config.apex_rule,
        stride=first.stride,
        progress=progress,
    )
    return replace(found, events=events)


def find_events(first: FirstPass, config: SpottingConfig) -> Spotted:
    """Events of a first pass under a setting, with the apexes of the pass itself.

    The same pass serves any number of settings.

    Raises:
        FaceNotFoundError: no face in any frame that was read.
        FaceTooSmallError: no face is large enough.
    """
    faces = first.measured(largest=config.faces == "largest")
    events: list[Event] = []
    rejected: list[RejectedCandidate] = []
    displacements: list[Float[np.ndarray, " n"]] = []
    largest = 0.0
    for face in faces:
        found = find_face_events(
            face.measures, face.signal, config.fusion, appearances=face.appearances
        )
        largest = max(largest, found.mesh.largest)
        displacements.append(found.mesh.moved.salience.max(axis=1).astype(np.float32))
        events += [event_of(one, face, first, config.quality) for one in found.events]
        rejected += [rejected_of(one, face) for one in found.rejected]
    return Spotted(
        first_pass=first,
        faces=faces,
        displacements=tuple(displacements),
        events=tuple(sorted(events, key=lambda e: (e.onset_index, e.face_id))),
        rejected=tuple(sorted(rejected, key=lambda r: (r.onset_index, r.face_id))),
        largest=largest,
    )
