"""Hand-made analyses that exports find hard, by name."""

from collections.abc import Sequence

import numpy as np

from hmrm.analysis.record import Analysis
from hmrm.clip import Event, FaceFrame, MediaClock, Notice

REGIONS = ("left_mouth_corner", "chin")


def event(onset: int, apex: int, offset: int, times: Sequence[float], **changes: object) -> Event:
    values: dict[str, object] = {
        "face_id": 0,
        "onset_index": onset,
        "apex_index": apex,
        "offset_index": offset,
        "onset_s": times[onset],
        "apex_s": times[apex],
        "offset_s": times[offset],
        "region": "left_mouth_corner",
        "peak_motion_px": 1.25,
        "salience": 0.75,
    }
    return Event(**(values | changes))  # type: ignore[arg-type]


def analysis(
    times: Sequence[float],
    events: Sequence[Event],
    *,
    source: str = "clip.mp4",
    faces: int = 1,
    clock: MediaClock | None = None,
) -> Analysis:
    frames = [
        FaceFrame(
            index=index,
            time_s=time_s,
            face_id=face_id,
            box_xyxy_px=(10.5 + index, 20.0, 60.5 + index, 80.25),
            detection_confidence=0.98,
            success=True,
            motion_px={"chin": 0.5} if index % 3 else {"chin": 0.5, "left_mouth_corner": 1.5},
            points_xy_px=((20.0, 30.0), (40.0, 30.0), (30.0, 40.0), (22.0, 60.0), (38.0, 60.5)),
        )
        for index, time_s in enumerate(times)
        for face_id in range(faces)
        if index != 7  # lost
    ]
    return Analysis(
        source=source,
        frame_count=len(times),
        duration_s=times[-1] + (times[-1] - times[-2]),
        frames_per_s=(len(times) - 1) / times[-1],
        size_wh_px=(640, 480),
        events=tuple(events),
        frames=tuple(frames),
        images=(None,) * len(events),
        notices=(Notice(code="unclassified", message='nothing is "classified" <yet>'),),
        provenance={"hmrm": "0", "config_hash": "c", "data_hash": "d"},
        clock=clock or MediaClock(),
    )


def _cases() -> dict[str, Analysis]:
    even = [i / 25 for i in range(100)]
    variable = np.cumsum(np.tile([0.02, 0.05, 0.033, 0.11], 25)).tolist()
    variable = [round(time - variable[0], 6) for time in variable]
    minutes = [i / 2 for i in range(300)]
    odd = 'Übung "1" <a> = b & c.mp4'
    label = 'x "y" <z> = ä & --> |'
    named = {"label": "positive", "probabilities": {"negative": 0.25, "positive": 0.75}}
    two = [event(10, 15, 30, even, **named), event(41, 50, 60, even)]
    overlapping = [
        event(10, 15, 30, even, **named),
        event(20, 25, 40, even, **named),
        event(22, 23, 24, even, region="chin", peak_motion_px=None),
        event(30, 35, 50, even, flags=("near_cut", "during_speech")),
        event(51, 51, 51, even),
    ]
    several = [event(10, 15, 30, even), event(12, 14, 16, even, face_id=2), *overlapping[1:2]]
    high_speed = [i / 200 for i in range(100)]
    return {
        "two": analysis(even, two),
        "overlapping": analysis(even, overlapping),
        "several-faces": analysis(even, several, faces=3),
        "no-events": analysis(even, []),
        "variable-rate": analysis(variable, [event(3, 9, 20, variable, **named)]),
        "late-start": analysis(even, two, clock=MediaClock(first_frame_s=0.52)),
        "slowed-down": analysis(
            high_speed, [event(7, 20, 40, high_speed)], clock=MediaClock(rate=8.0)
        ),
        "odd-names": analysis(
            even,
            [event(5, 6, 7, even, label=label, probabilities={label: 1.0}, region="chin")],
            source=odd,
        ),
        "minutes": analysis(
            minutes, [event(100, 110, 119, minutes), event(290, 295, 299, minutes)]
        ),
        "stills": Analysis(
            source="onset.png",
            frame_count=2,
            duration_s=0.0,
            frames_per_s=0.0,
            size_wh_px=(64, 48),
            events=(event(0, 1, 1, (0.0, 1.0), flags=("offset_unknown",)),),
            frames=(),
            images=(None,),
            notices=(),
            provenance={"hmrm": "0", "data_hash": "d"},
        ),
    }


CASES = _cases()


def frames_of(analysis: Analysis) -> set[tuple[int, int, int, int]]:
    """Face, onset, apex and offset frame of every event."""
    return {(e.face_id, e.onset_index, e.apex_index, e.offset_index) for e in analysis.events}
