"""From a video to events: one first pass, then movements of every face under a setting."""

from dataclasses import dataclass, replace

from hmrm.clip import Event
from hmrm.faces.track import Detector
from hmrm.progress import Progress, silent
from hmrm.spotting.apexes import DISPLACEMENT, apexes_by_rule
from hmrm.spotting.distractors import Candidates, reject_distractors
from hmrm.spotting.events import RejectedCandidate, event_of, rejected_of
from hmrm.spotting.first_pass import FaceTrack, FirstPass, first_pass
from hmrm.spotting.movements import find_movements
from hmrm.spotting.settings import SpottingConfig
from hmrm.video.source import VideoSource


@dataclass(frozen=True, kw_only=True, eq=False)
class Spotted:
    """What a setting makes of a first pass.

    Attributes:
        faces: those analysed, by id.
        events: by onset, then face.
        rejected: movements that are no expression, in the same order.
    """

    first_pass: FirstPass
    faces: tuple[FaceTrack, ...]
    events: tuple[Event, ...]
    rejected: tuple[RejectedCandidate, ...]


def spot_video(
    video: VideoSource,
    config: SpottingConfig,
    *,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> Spotted:
    """Find the events of a video; a second pass finds their apexes where the rule needs frames.

    Args:
        detector: finds faces; None is MTCNN.

    Raises:
        VideoError: the video cannot be decoded.
        FaceNotFoundError: no face in any frame that was read.
        FaceTooSmallError: no face is large enough, or all are turned aside.
        MissingExtraError: torch, which the default detector needs, or the landmarks' extra is
            not installed.
    """
    first = first_pass(video, config, detector=detector, progress=progress)
    found = find_events(first, config)
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
        FaceTooSmallError: no face is large enough, or all are turned aside.
    """
    faces = first.measured(largest=config.faces == "largest")
    events: list[Event] = []
    rejected: list[RejectedCandidate] = []
    for face in faces:
        found = _candidates(face, config)
        events += [event_of(one, face, first, config.quality) for one in found.kept]
        rejected += [rejected_of(one, face) for one in found.rejected]
    return Spotted(
        first_pass=first,
        faces=faces,
        events=tuple(sorted(events, key=lambda e: (e.onset_index, e.face_id))),
        rejected=tuple(sorted(rejected, key=lambda r: (r.onset_index, r.face_id))),
    )


def _candidates(face: FaceTrack, config: SpottingConfig) -> Candidates:
    """Movements of one face, and those that are no expression."""
    movements = find_movements(face.signal, config.spot)
    if config.distractors is None:
        return Candidates(kept=tuple(movements))
    return reject_distractors(movements, face.signal, config.distractors)
