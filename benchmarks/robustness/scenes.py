"""Onset and apex of rendered faces under one condition at a time: the data of the benchmark.

Test clips move by the morphable face, on the portrait and on rendered faces; those on which
remedies were chosen move by the atlas, on other faces. The seeds were committed before any remedy
was tried. Clip ``number`` shows the same face and movement under every condition.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.classification.clips import sampled_units
from benchmarks.robustness.covers import Cover, covered
from benchmarks.robustness.turns import SAMPLES, depth_px, posed, turn_field
from benchmarks.spotting.videos import Lidded
from hmrm.clip import CLASSES, Image
from hmrm.faces.shape import MEAN_FACE_68, MIRRORED_68
from hmrm.facs.atlas import ActionUnit, AtlasSource
from hmrm.facs.morphable import FacePose, MorphableModel, MorphableSource, load_model
from hmrm.facs.recipes import NONE
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip
from hmrm.synthetic.demo import demo_face
from hmrm.synthetic.placement import Placement
from hmrm.synthetic.rendered_face import render_face

Part = Literal["test", "development"]
FIRST_SEED: dict[Part, int] = {"test": 81000, "development": 80000}
LABELS = (*CLASSES, NONE)

LOW_PX, HIGH_PX = 0.7, 2.0
FACE_WIDTH = float(MEAN_FACE_68[16, 0] - MEAN_FACE_68[0, 0])
"""Jaw to jaw, in eye distances."""

_CROP_PER_EYES = 0.57 * 224
_ONSET, _APEX = 0, 1


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a recording is like; the defaults are an ordinary one.

    Attributes:
        face_width_px: jaw to jaw, in the frame.
        shift_px, turn_deg: head motion between onset and apex: along the image, px of the
            canonical crop, and about the vertical axis.
        yaw_deg, pitch_deg: how the head is turned all the time.
        gain: relative change of all light between onset and apex.
        gradient: the same on one side of the image, the opposite on the other.
        bands: amplitude of the bands that flickering lamps leave in an image.
        tone: skin from 0 (very light) to 5 (very dark); None: any.
        synthetic: never the portrait.
    """

    face_width_px: float = 240.0
    shift_px: float = 1.0
    turn_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    gain: float = 0.0
    gradient: float = 0.0
    bands: float = 0.0
    cover: Cover = "none"
    tone: int | None = None
    beard: bool = False
    synthetic: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Two images and what they show. ``points_xy_px``: 68 landmarks of the onset."""

    onset: Image
    apex: Image
    label: str
    points_xy_px: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who moves and by what; ``model_path``: the morphable face, for the test clips."""

    part: Part
    model_path: Path | None = None

    def generator(self, number: int, purpose: int) -> np.random.Generator:
        """Randomness of one clip; each purpose has its own."""
        return np.random.default_rng([FIRST_SEED[self.part], number, purpose])


def render_scene(cast: Cast, number: int, condition: Condition) -> Scene:
    """Render clip ``number`` under a condition; the same arguments give the same bytes."""
    label, units = _movement(cast, number)
    image, points = _face(cast, number, condition.synthetic, condition.tone, condition.beard)
    pose = (condition.yaw_deg, condition.pitch_deg)
    if any(pose):
        image, points = posed(
            image, points, _depth(cast, number), yaw_deg=pose[0], pitch_deg=pose[1]
        )
    camera = _camera(condition)
    placement = Placement.of(
        points, size_wh_px=camera.size_wh_px, eye_distance_px=camera.eye_distance_px
    )
    lids = AtlasSource(placement.landmarks_crop_px)
    face = _source(cast, number, pose)
    movement = Expression(units=units, onset_s=0.0, rise_s=0.5, hold_s=1.0, decay_s=0.5)
    rng = cast.generator(number, 3)
    clip = render_clip(
        image,
        points,
        [movement],
        camera,
        rng=rng,
        source=lids if face is None else Lidded(face, lids),
    )
    heading, side = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
    head = clip.head.copy()
    shift = condition.shift_px * camera.eye_distance_px / _CROP_PER_EYES
    head[_APEX, :, 2] += shift * np.array([np.cos(heading), np.sin(heading)])
    clip = replace(clip, head=head)
    if condition.turn_deg:
        clip = _turning(clip, placement, _depth(cast, number), side * condition.turn_deg)
    phases = rng.uniform(0, 2 * np.pi, 3)
    onset, apex = (
        _lit(covered(clip, index, condition.cover), index, condition, phases)
        for index in (_ONSET, _APEX)
    )
    return Scene(onset=onset, apex=apex, label=label, points_xy_px=clip.points_at(_ONSET))


def _camera(condition: Condition) -> ClipConfig:
    """Frame 0 is the onset and frame 1 the apex; the head's course is put in afterwards."""
    eyes_px = condition.face_width_px / FACE_WIDTH
    return ClipConfig(
        size_wh_px=(round(3.2 * eyes_px), round(4.0 * eyes_px)),
        frames_per_s=1.0,
        duration_s=2.0,
        eye_distance_px=eyes_px,
        sway_px=0.0,
        drift_px=0.0,
        blinks_per_min=0.0,
        flicker=0.0,
    )


def _turning(
    clip: RenderedClip, placement: Placement, depth: np.ndarray, yaw_deg: float
) -> RenderedClip:
    """The clip with a turn of the head that is done at the apex."""
    field = placement.to_frame(turn_field(depth, yaw_deg=yaw_deg, pitch_deg=0.0), size=SAMPLES)
    turn = Expression(units=(), onset_s=0.0, rise_s=0.5, hold_s=1.0, decay_s=0.5)
    return replace(clip, expressions=(*clip.expressions, turn), fields=(*clip.fields, field))


def _lit(image: Image, index: int, condition: Condition, phases: np.ndarray) -> Image:
    """The frame under its light: the apex's differs, bands stand elsewhere in each."""
    height, width = image.shape[:2]
    y, x = np.indices((height, width), dtype=np.float32)
    light = np.ones((height, width), np.float32)
    if condition.bands:
        light += condition.bands * np.sin(2 * np.pi * 1.5 * y / height + phases[index])
    if index == _APEX:
        along = (x / width - 0.5) * np.cos(phases[2]) + (y / height - 0.5) * np.sin(phases[2])
        light *= 1 + condition.gain + condition.gradient * np.tanh(4 * along)
    if (light == 1).all():
        return image
    return np.clip(np.rint(image * light[..., None]), 0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _movement(cast: Cast, number: int) -> tuple[str, tuple[ActionUnit, ...]]:
    label, rng = LABELS[number % len(LABELS)], cast.generator(number, 0)
    return label, tuple(sampled_units(label, rng, low_px=LOW_PX, high_px=HIGH_PX))


@lru_cache(maxsize=16)
def _face(
    cast: Cast, number: int, synthetic: bool, tone: int | None, beard: bool
) -> tuple[Image, np.ndarray]:
    """Every third clip shows the portrait, mirrored where remedies were chosen."""
    if synthetic or number % 3:
        return render_face(cast.generator(number, 1), tone=tone, beard=beard)
    image, points = demo_face()
    if cast.part == "test":
        return image, points
    image = np.ascontiguousarray(image[:, ::-1])
    return image, points[list(MIRRORED_68)] * [-1, 1] + [image.shape[1] - 1, 0]


@lru_cache(maxsize=1)
def _model(path: Path) -> MorphableModel:
    return load_model(path)


@lru_cache(maxsize=4)
def _source(cast: Cast, number: int, pose: tuple[float, float]) -> MorphableSource | None:
    """The person's morphable face; None where the atlas moves it."""
    if cast.model_path is None:
        return None
    identity = tuple(cast.generator(number, 2).normal(0.0, 0.7, 40))
    yaw, pitch = pose
    seen = FacePose(identity=identity, yaw_deg=yaw, pitch_deg=pitch)
    return MorphableSource(_model(cast.model_path), seen)


@lru_cache(maxsize=4)
def _depth(cast: Cast, number: int) -> np.ndarray:
    return depth_px(_source(cast, number, (0.0, 0.0)))
