"""Long synthetic videos with known expressions and with what is none: the data of the benchmark.

Distractors: blinks, speech-like mouth motion, head turns (parallax of a face with depth), light
that changes over the whole image or sweeps across it; sway, drift and sensor noise everywhere.
Test videos move by the morphable face (blinks aside, see ``Lidded``); those to train the
baseline and to develop on move by the atlas, turn by an ellipsoid, and show other faces. All seeds
were committed before anything was tuned here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from benchmarks.clip_recipes import UNIT_SETS
from hmrm.clip import Image
from hmrm.faces.boxes import Detector
from hmrm.faces.shape import MIRRORED_68
from hmrm.facs.atlas import ActionUnit, AtlasSource, MotionSource, Side
from hmrm.facs.morphable import FacePose, MorphableSource, load_model
from hmrm.intervals import Interval
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip
from hmrm.synthetic.demo import demo_face
from hmrm.synthetic.placement import Placement
from hmrm.synthetic.rendered_face import render_face

Part = Literal[
    "test",
    "quiet",
    "development",
    "development-quiet",
    "development-speech",
    "training",
    "probability",
    "probability-speech",
]
Item = Literal["micro", "macro", "speech", "turn", "light"]

FIRST_SEED: dict[Part, int] = {
    "test": 70000,
    "quiet": 71000,
    "development": 72000,
    "development-quiet": 73000,
    "development-speech": 75000,
    "training": 74000,
    "probability": 76000,
    "probability-speech": 77000,
}
RATES: dict[Part, tuple[float, ...]] = {
    "test": (25.0, 30.0, 60.0, 30.0, 100.0, 200.0),
    "quiet": (30.0, 60.0) * 4,
    "development": (30.0, 60.0),
    "development-quiet": (30.0, 60.0) * 4,
    "development-speech": (30.0, 30.0, 25.0, 25.0, 60.0, 60.0, 30.0, 30.0),
    "training": (30.0,) * 5,
    "probability": (30.0, 25.0, 30.0, 60.0, 30.0) * 2,
    "probability-speech": (30.0, 25.0, 30.0) * 4,
}
SECONDS: dict[Part, float] = {
    "test": 40.0,
    "quiet": 30.0,
    "development": 40.0,
    "development-quiet": 15.0,
    "development-speech": 20.0,
    "training": 30.0,
    "probability": 40.0,
    "probability-speech": 20.0,
}
QUIET_KINDS = ("blink", "speech", "turn", "light")

SIZE_WH_PX = (320, 320)
_SAMPLES, _MARGIN = 256, 0.4
_SPEECH_UNITS = (16, 18, 20, 22, 24, 25, 26)


@dataclass(frozen=True)
class Light:
    """One change of light: its course, its strength, and where in the image it acts."""

    course: Expression
    strength: float
    pattern: np.ndarray


@dataclass(frozen=True)
class Video:
    """One synthetic video with its truth."""

    name: str
    kind: str
    clip: RenderedClip
    lights: tuple[Light, ...]
    truth: tuple[Interval, ...]

    def images(self, every: int = 1) -> Iterator[Image]:
        """The frames, light included; only every n-th is rendered again, for those who skip."""
        last: Image | None = None
        for index in range(self.clip.config.frame_count):
            if last is None or index % every == 0:
                last = self._image(index)
            yield last

    def _image(self, index: int) -> Image:
        frame = self.clip.frame(index)
        course = [(one, one.course.amplitude(frame.time_s)) for one in self.lights]
        shining = [(one, level) for one, level in course if level > 0]
        if not shining:
            return frame.image
        total = sum(one.strength * level * one.pattern for one, level in shining)
        return np.clip(np.rint(frame.image * (1.0 + np.asarray(total))), 0, 255).astype(np.uint8)


def render_video(part: Part, number: int, model_path: Path | None, detector: Detector) -> Video:
    """Video ``number`` of a part; the same arguments give the same video.

    A face that the detector does not see is rendered again: spotting is tested, not detection.
    """
    rng = np.random.default_rng([FIRST_SEED[part], number])
    rate, seconds = RATES[part][number], SECONDS[part]
    quiet = part in ("quiet", "development-quiet")
    kind = QUIET_KINDS[number // 2] if quiet else "mixed"
    tested = part in ("test", "quiet")
    image, points = _face(part, number, rng)
    while not detector.detect(image):
        image, points = _face(part, number, rng)
    source, depth = _source(points, model_path if tested else None, rng)
    courses = _timeline(_items(kind, seconds, rng), seconds, rng)
    camera = ClipConfig(
        size_wh_px=SIZE_WH_PX,
        frames_per_s=rate,
        duration_s=seconds,
        eye_distance_px=float(rng.uniform(80, 105)),
        noise_sigma=float(rng.uniform(1.0, 2.5)),
        sway_px=float(rng.uniform(1.5, 4.0)),
        drift_px=float(rng.uniform(0.0, 6.0)),
        roll_deg=float(rng.uniform(0.3, 1.5)),
        blinks_per_min=30.0 if kind == "blink" else 15.0,
    )
    expressions = [one for name, one in courses if name in ("micro", "macro")]
    speech = [one for name, one in courses if name == "speech"]
    clip = render_clip(image, points, expressions, camera, rng=rng, nuisances=speech, source=source)
    placement = Placement.of(points, size_wh_px=SIZE_WH_PX, eye_distance_px=camera.eye_distance_px)
    turns = [one for name, one in courses if name == "turn"]
    fields = [placement.to_frame(_turned(depth, rng), size=_SAMPLES) for _ in turns]
    clip = replace(clip, expressions=(*clip.expressions, *turns), fields=(*clip.fields, *fields))
    lights = tuple(_light(one, rng) for name, one in courses if name == "light")
    name = f"{part}-{number:02d}"
    kinds = [name for name, _ in courses if name in ("micro", "macro")]
    truth = tuple(
        Interval(
            subject=part,
            video=name,
            onset_index=event.onset_index,
            offset_index=event.offset_index,
            kind="micro" if one == "micro" else "macro",
            apex_index=event.apex_index,
        )
        for one, event in zip(kinds, clip.truth.events, strict=True)
    )
    return Video(name=name, kind=kind, clip=clip, lights=lights, truth=truth)


def _face(part: Part, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Every third video shows the portrait, as it is in the test, else mirrored.

    In grey: nothing that spots looks at colour, and drawing takes a third of the time.
    """
    photo, points = render_face(rng) if number % 3 else demo_face()
    image = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    if number % 3 or part in ("test", "quiet"):
        return image, points
    image = np.ascontiguousarray(image[:, ::-1])
    return image, points[list(MIRRORED_68)] * [-1, 1] + [image.shape[1] - 1, 0]


def _source(
    points: np.ndarray, model_path: Path | None, rng: np.random.Generator
) -> tuple[MotionSource, np.ndarray]:
    """Where motion comes from, and the face's depth on the same samples, px of the crop."""
    side = _SAMPLES + 2 * round(_MARGIN * _SAMPLES)
    if model_path is None:
        place = Placement.of(points, size_wh_px=SIZE_WH_PX, eye_distance_px=90.0)
        y, x = (np.indices((side, side)) + 0.5) / _SAMPLES - _MARGIN
        far = ((x - 0.5) / 0.75) ** 2 + ((y - 0.5) / 0.65) ** 2
        depth = 110.0 * np.sqrt(np.clip(1 - far, 0, 1)) - 60.0 * (far < 1)
        return AtlasSource(place.landmarks_crop_px), depth
    pose = FacePose(
        identity=tuple(rng.normal(0.0, 0.7, 40)),
        yaw_deg=float(rng.uniform(-6, 6)),
        pitch_deg=float(rng.uniform(-6, 6)),
    )
    face = MorphableSource(load_model(model_path), pose)
    depth = face.depth_px(_SAMPLES, _MARGIN)
    place = Placement.of(points, size_wh_px=SIZE_WH_PX, eye_distance_px=90.0)
    return Lidded(face, AtlasSource(place.landmarks_crop_px)), depth


class Lidded:
    """Another source's motion with the atlas's blinks.

    Nothing moves inside the morphable face's open eyes: its lids pull at brows and cheeks and do
    not close, which no blink does.
    """

    def __init__(self, source: MotionSource, lids: MotionSource) -> None:
        self._source, self._lids = source, lids

    def flow(self, units: Sequence[ActionUnit], size: int = 224, margin: float = 0.0) -> np.ndarray:
        """See ``MotionSource.flow``."""
        lids = [unit for unit in units if unit.number in (43, 45)]
        others = [unit for unit in units if unit.number not in (43, 45)]
        return self._source.flow(others, size, margin) + self._lids.flow(lids, size, margin)


def _turned(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Parallax of a turn by a few degrees, (2, h, w) px of the crop; the far sides stand still."""
    angle = np.deg2rad(rng.uniform(3.0, 8.0))
    heading = rng.uniform(0, 2 * np.pi)
    near = np.clip(depth, -60.0, 80.0).astype(np.float32)
    smooth = cv2.GaussianBlur(near, (0, 0), 0.04 * _SAMPLES)
    shift = np.sin(angle) * smooth
    # Crop px are those of a crop 224 wide and 324 high, so that both axes have one unit.
    return np.stack([shift * np.cos(heading), shift * np.sin(heading)]).astype(np.float32)


def _items(kind: str, seconds: float, rng: np.random.Generator) -> list[Item]:
    if kind == "blink":
        return []
    if kind == "speech":
        return ["speech"] * round(seconds / 6)
    if kind == "turn":
        return ["turn"] * round(seconds / 4)
    if kind == "light":
        return ["light"] * round(seconds / 3.5)
    fraction = seconds / 40.0
    counts: dict[Item, int] = {"micro": 6, "macro": 3, "speech": 1, "turn": 2, "light": 2}
    items = [item for item, count in counts.items() for _ in range(max(1, round(fraction * count)))]
    return [items[i] for i in rng.permutation(len(items))]


def _timeline(
    items: Sequence[Item], seconds: float, rng: np.random.Generator
) -> list[tuple[Item, Expression]]:
    """Items one after another with random pauses of at least half a second between."""
    synthetic = [(item, _course(item, rng)) for item in items]
    lengths = [max(_end(one) for one in group) for _, group in synthetic]
    free = seconds - 1.5 - sum(lengths) - 0.5 * len(items)
    assert free > 0, "the items do not fit in the video"
    pauses = free * rng.dirichlet(np.ones(len(items) + 1)) if items else np.zeros(1)
    courses, now = [], 0.75
    for (item, group), length, pause in zip(synthetic, lengths, pauses, strict=False):
        now += pause
        courses += [(item, replace(one, onset_s=now + one.onset_s)) for one in group]
        now += length + 0.5
    return courses


def _course(item: Item, rng: np.random.Generator) -> list[Expression]:
    """One item from time 0; speech is a group of syllables."""
    if item == "micro":
        times = (rng.uniform(0.08, 0.2), rng.uniform(0.0, 0.1), rng.uniform(0.1, 0.2))
        return [_expression(_units(rng, 0.7, 2.0), *times)]
    if item == "macro":
        times = (rng.uniform(0.2, 0.6), rng.uniform(0.3, 2.5), rng.uniform(0.3, 0.9))
        return [_expression(_units(rng, 1.5, 5.0), *times)]
    if item == "speech":
        return _syllables(rng)
    rise, decay = (float(np.exp(rng.uniform(np.log(0.08), np.log(0.8)))) for _ in range(2))
    if item == "turn":
        rise, decay = 0.2 + rise, 0.2 + decay
    return [_expression((), rise, rng.uniform(0.2, 1.5), decay)]


def _expression(
    units: tuple[ActionUnit, ...], rise_s: float, hold_s: float, decay_s: float
) -> Expression:
    return Expression(
        units=units, onset_s=0.0, rise_s=float(rise_s), hold_s=float(hold_s), decay_s=float(decay_s)
    )


def _end(one: Expression) -> float:
    return one.onset_s + one.rise_s + one.hold_s + one.decay_s


def _units(rng: np.random.Generator, low_px: float, high_px: float) -> tuple[ActionUnit, ...]:
    numbers = UNIT_SETS[int(rng.integers(len(UNIT_SETS)))]
    sides: tuple[Side, ...] = ("both", "both", "left", "right")
    side = sides[int(rng.integers(4))]
    strength = float(np.exp(rng.uniform(np.log(low_px), np.log(high_px))))
    return tuple(
        ActionUnit(n, side, strength if i == 0 else strength * float(rng.uniform(0.5, 1.0)))
        for i, n in enumerate(numbers)
    )


def _syllables(rng: np.random.Generator) -> list[Expression]:
    """Two to four seconds of mouth shapes, three to six a second, with a few short pauses."""
    end_s, now = float(rng.uniform(2.0, 4.0)), 0.0
    found = []
    while now < end_s:
        rise, decay = rng.uniform(0.05, 0.12, 2)
        numbers = rng.choice(_SPEECH_UNITS, 2, replace=False)
        units = tuple(ActionUnit(int(n), "both", float(rng.uniform(1.0, 5.0))) for n in numbers)
        one = _expression(units, rise, rng.uniform(0.0, 0.06), decay)
        found.append(replace(one, onset_s=now))
        now += 0.8 * (rise + one.hold_s + decay)
        if rng.random() < 0.15:
            now += float(rng.uniform(0.1, 0.3))
    return found


def _light(course: Expression, rng: np.random.Generator) -> Light:
    """Brighter or darker by up to a fifth: everywhere, or on one side of a soft edge."""
    width, height = SIZE_WH_PX
    strength = float(rng.choice([-1, 1]) * rng.uniform(0.05, 0.2))
    if rng.random() < 0.5:
        return Light(course, strength, np.ones((height, width), np.float32))
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.indices((height, width), dtype=np.float32)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    edge = rng.uniform(-0.15, 0.15)
    soft = rng.uniform(0.05, 0.3)
    pattern = 1.0 / (1.0 + np.exp(-(along - edge) / soft))
    return Light(course, strength, pattern.astype(np.float32))
