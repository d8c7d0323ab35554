"""Notices that a reader of a result must see."""

from collections import Counter

from hmrm.analysis.results import TOO_FEW_FRAMES
from hmrm.clip import Notice
from hmrm.intervals import MICRO_S
from hmrm.spotting.events import QualityConfig
from hmrm.spotting.spot import FEWEST_FRAMES, Spotted

_SHORT_S = 1.0

REASONS = {
    "blink": "by a blink",
    "covered": "where something covers the face",
    "part_of_expression": "as part of an expression found",
    "return": "as a return to rest",
    "speech": "as speech",
    "too_short": "too short",
    "too_weak": "too weak",
    "turn": "by a turn of the head",
    "weak_at_end": "weak, at an end of the video",
}
"""Reason for which a candidate is no expression → in words."""

UNRELIABLE = Notice(
    code="spotting_reliability",
    message=(
        "spotting is unreliable: published methods reach an F1 of 0.1 to 0.2 for "
        "micro-expressions in long videos, so most spotted events may be false; look at each"
    ),
)
UNCLASSIFIED = Notice(
    code="unclassified",
    message="movements are found, not classified: no recogniser was given, so class is empty",
)


def on_video(spotted: Spotted, config: QualityConfig) -> list[Notice]:
    """What must be known about a video, by stable codes."""
    first, analysed = spotted.first_pass, spotted.faces
    rate = first.frames_per_s
    notes: dict[str, str] = {}
    faces = len(first.tracks)
    if faces > 1:
        which = "all" if len(analysed) == faces else f"face {analysed[0].face_id}, the largest,"
        notes["several_faces"] = (
            f"{faces} faces were followed, {which} analysed; face_id states whose an event is. "
            "Nobody is recognised: a face that leaves and comes back elsewhere gets a new number"
        )
    if first.excluded_faces:
        notes["faces_excluded"] = (
            f"{first.excluded_faces} detections of further, smaller faces were excluded"
        )
    if rate < config.least_frames_per_s:
        notes["low_frame_rate"] = (
            f"half a second holds {MICRO_S * rate:.0f} frames at {rate:.3g} per "
            "second: the shortest micro-expressions fall between frames, and onset and apex are "
            "uncertain by a frame; record 100 per second or more"
        )
    if first.cuts_s:
        times = ", ".join(f"{t:.2f}" for t in first.cuts_s[:5])
        more = " …" if len(first.cuts_s) > 5 else ""
        notes["cuts"] = (
            f"{len(first.cuts_s)} scene cut(s) at {times}{more} s; no motion is read across them"
        )
    if first.black:
        notes["black_frames"] = f"about {first.black} black frames were skipped"
    if all((t.eye_distance_px < config.small_eye_distance_px).all() for t in analysed):
        notes["small_face"] = (
            "the eyes are less than "
            f"{config.small_eye_distance_px:.0f} px apart: weak movements cannot be seen; "
            "film from nearer or at higher resolution"
        )
    return [Notice(code=code, message=message) for code, message in notes.items()]


def on_length(spotted: Spotted) -> list[Notice]:
    """That a video has too few frames to find a movement in, whatever happened in it."""
    count = spotted.first_pass.frame_count
    if count >= FEWEST_FRAMES:
        return []
    frames = " 0 --apex 1" if count == 2 else " and --apex"
    message = f"{count} frames: too few to find a movement in; give --onset{frames}"
    return [Notice(code=TOO_FEW_FRAMES, message=message)]


def on_events(spotted: Spotted, kept_images: int) -> list[Notice]:
    """What must be known about spotted events, or about their absence.

    Args:
        kept_images: how many events have images.
    """
    events = spotted.events
    rejected = _rejected(spotted)
    if not events:
        if too_few := on_length(spotted):
            return too_few
        message = (
            "no movement stands out from the face's own noise; the largest outside blinks and "
            f"speech reached {spotted.largest:.2f} of the threshold"
        )
        if spotted.largest >= 1:
            message = "no movement that is an expression"
        if spotted.first_pass.duration_s < _SHORT_S:
            message += (
                f"; {spotted.first_pass.duration_s:.2f} s show little rest to compare with: give "
                "a longer clip, or --onset and --apex"
            )
        return [Notice(code="no_movement", message=message), *rejected]
    notices = [UNRELIABLE, *rejected]
    if len(events) > kept_images:
        message = (
            f"images are kept of the {kept_images} clearest events of {len(events)}; give onset "
            "and apex to see another"
        )
        notices.append(Notice(code="images_limited", message=message))
    return notices


def _rejected(spotted: Spotted) -> list[Notice]:
    """How many candidates were taken for no expression, by reason."""
    if not spotted.rejected:
        return []
    reasons = Counter(one.reason for one in spotted.rejected)
    counts = ", ".join(f"{n} {REASONS[name]}" for name, n in sorted(reasons.items()))
    message = f"candidates rejected: {counts}"
    return [Notice(code="candidates_rejected", message=message)]
