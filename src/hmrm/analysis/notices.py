"""Notices that a reader of a result must see."""

from collections.abc import Sequence

from hmrm.clip import Event, Notice
from hmrm.intervals import MICRO_S
from hmrm.spotting.events import QualityConfig
from hmrm.spotting.spot import Spotted

UNRELIABLE = Notice(
    code="spotting_reliability",
    message=(
        "spotting is unreliable: published methods reach an F1 of 0.1 to 0.2 for "
        "micro-expressions in long videos, so most spotted events may be false; look at each"
    ),
)
UNCLASSIFIED = Notice(
    code="unnamed",
    message="movements are found, not named: no recogniser was given, so class is empty",
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
            f"{faces} faces were followed, {which} analysed; face_id says whose an event is. "
            "Nobody is recognised: a face that leaves and comes back elsewhere gets a new number"
        )
    if first.excluded_faces:
        notes["faces_left_out"] = (
            f"{first.excluded_faces} detections of further, smaller faces were left out"
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
        notes["black_frames"] = f"about {first.black} black frames were left out"
    if all((t.eye_distance_px < config.small_eye_distance_px).all() for t in analysed):
        notes["small_face"] = (
            "the eyes are less than "
            f"{config.small_eye_distance_px:.0f} px apart: weak movements cannot be seen; "
            "film from nearer or at higher resolution"
        )
    return [Notice(code=code, message=message) for code, message in notes.items()]


def on_events(
    events: Sequence[Event], largest_px: float, floor_px: float, kept_images: int
) -> list[Notice]:
    """What must be known about spotted events, or about their absence.

    Args:
        largest_px: the largest regional motion seen, px of the canonical crop.
        floor_px: motion below it cannot be distinguished from none.
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
    if len(events) > kept_images:
        message = (
            f"pictures and classes are kept of the {kept_images} clearest events of "
            f"{len(events)}; give onset and apex to see another"
        )
        notices.append(Notice(code="pictures_limited", message=message))
    return notices
