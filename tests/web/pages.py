"""Hand-made analyses of any number of events, with images of natural detail."""

from functools import cache

import numpy as np
from skimage import data, transform

from hmrm.analysis.record import Analysis
from hmrm.clip import (
    Event,
    EventImages,
    FaceFrame,
    FaceView,
    FlowMap,
    Image,
    Notice,
    Pair,
    RejectedCandidate,
    StripImage,
)

LABELS = ("negative", "positive", "surprise", "unclear: negative or surprise", None)
FLAGS = ("under_way_at_start", "during_speech", "low_frame_rate", "near_cut", "face_lost")
RATE = 30.0


def analysis(events: int, faces: int = 1) -> Analysis:
    """An analysis of two minutes, its events spread over time and faces."""
    found = tuple(_event(i, faces, events) for i in range(events))
    return Analysis(
        source='größe <b>"name"</b> with a rather long name that goes on and on_and_on_and_on.mp4',
        frame_count=3600,
        duration_s=120.0,
        frames_per_s=RATE,
        size_wh_px=(640, 480),
        events=found,
        frames=[_frame(i, face) for i in range(3600) for face in range(faces) if i % 900 > 40],
        images=tuple(_images(event, i) for i, event in enumerate(found)),
        faces=tuple(_view(face) for face in range(faces)),
        rejected=tuple(_rejected(i) for i in range(min(events, 5))),
        notices=(Notice(code="low_frame_rate", message="half a second holds 15 frames"),),
        provenance={"hmrm": "0", "config_hash": "c" * 64, "data_hash": "d" * 64},
    )


def _event(number: int, faces: int, count: int) -> Event:
    onset = 60 + number * (3400 // max(count, 1))
    label = LABELS[number % len(LABELS)]
    times = {"onset_s": onset / RATE, "apex_s": (onset + 6) / RATE, "offset_s": (onset + 12) / RATE}
    return Event(
        face_id=number % faces,
        onset_index=onset,
        apex_index=onset + 6,
        offset_index=onset + 12 + 20 * (number % 2),
        **(times | {"offset_s": (onset + 12 + 20 * (number % 2)) / RATE}),
        region="left_mouth_corner",
        peak_motion_px=None if number % 3 == 0 else 0.4 + number / 50,
        salience=0.5 + (number * 7 % 40) / 100,
        label=label,
        probabilities={"negative": 0.2, "positive": 0.5, "surprise": 0.2, "none": 0.1},
        decisive_region="left_cheek",
        flags=FLAGS[: number % (len(FLAGS) + 1)],
    )


def _rejected(number: int) -> RejectedCandidate:
    return RejectedCandidate(
        face_id=0,
        onset_index=30 + 600 * number,
        apex_index=34 + 600 * number,
        offset_index=40 + 600 * number,
        onset_s=1.0 + 20 * number,
        apex_s=1.13 + 20 * number,
        offset_s=1.33 + 20 * number,
        region="right_brow",
        salience=0.6,
        reason="blink",
    )


def _frame(index: int, face: int) -> FaceFrame:
    return FaceFrame(
        index=index,
        time_s=index / RATE,
        face_id=face,
        box_xyxy_px=(100.0, 80.0, 300.0, 330.0),
        detection_confidence=0.9,
        success=True,
        motion_px={"chin": abs(np.sin(index / 40)), "left_brow": 0.1},
        displacement=float(1 + np.sin(index / 100)),
    )


@cache
def _portrait(width: int, height: int) -> Image:
    face = data.astronaut()[0:260, 130:310]
    return (transform.resize(face, (height, width), anti_aliasing=True) * 255).astype(np.uint8)


def _grainy(width: int, height: int, seed: int) -> Image:
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    return np.clip(_portrait(width, height) + noise, 0, 255).astype(np.uint8)


def _images(event: Event, seed: int) -> EventImages:
    strip = np.unique(np.linspace(event.onset_index, event.offset_index, 7).astype(int)).tolist()
    y, x = np.mgrid[:324, :224]
    bump = np.exp(-((x - 150) ** 2 + (y - 220) ** 2) / 1500)
    flow = np.stack([bump, -bump]) * (1 + seed / 10)
    flow += np.random.default_rng(seed).normal(0, 0.05, flow.shape)
    return EventImages(
        pair=Pair(onset=_grainy(224, 324, seed), apex=_grainy(224, 324, seed + 1000)),
        flow=flow.astype(np.float32),
        flow_map=FlowMap(
            values=np.random.default_rng(seed).normal(0, 1, (3, 28, 28)).astype(np.float32),
            crop="hmrm-1",
            scale_px=1.0,
        ),
        strip=tuple(
            StripImage(index=i, time_s=i / RATE, image=_grainy(112, 162, i)) for i in strip
        ),
    )


def _view(face: int) -> FaceView:
    return FaceView(
        face_id=face,
        index=50,
        time_s=50 / RATE,
        image=_grainy(480, 360, face),
        box_xyxy_px=(150.0, 90.0, 330.0, 320.0),
    )
