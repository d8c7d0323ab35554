"""Development videos in which a face talks, by a motion of their own.

Neither the atlas nor the morphable face moves these faces, nor the syllables of ``videos.py``:
landmarks of jaw and lips go where visemes pull them, the skin between follows as a thin plate
(Bookstein, 1989), and neighbouring visemes melt into one another. Single words of a few tenths of
a second, phrases, soft and loud; in every other video expressions happen, some of them
while the face talks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from benchmarks.spotting.videos import FIRST_SEED, RATES, SECONDS, SIZE_WH_PX, Part, Video
from hmrm.faces.boxes import Detector
from hmrm.facs.atlas import IMAGE_PX, ActionUnit
from hmrm.intervals import Interval
from hmrm.synthetic.clips import ClipConfig, Expression, render_clip
from hmrm.synthetic.placement import Placement
from hmrm.synthetic.rendered_face import render_face

TALKING: tuple[Part, ...] = ("development-speech", "probability-speech")

_SAMPLES, _MARGIN, _COARSE = 256, 0.4, 4
_MOUTH = slice(48, 68)
_UPPER, _LOWER = (50, 51, 52, 61, 62, 63), (56, 57, 58, 65, 66, 67)
_JAWLINE = {5: 0.35, 6: 0.6, 7: 0.7, 8: 0.75, 9: 0.7, 10: 0.6, 11: 0.35}
_NOSTRILS = (31, 35)

VISEMES: Mapping[str, Mapping[str, float]] = {
    "a": {"jaw": 1.0},
    "e": {"jaw": 0.5, "spread": 0.4},
    "i": {"jaw": 0.15, "spread": 0.7},
    "o": {"jaw": 0.6, "round": 0.5},
    "u": {"jaw": 0.2, "round": 0.8},
    "m": {"press": 0.5},
    "f": {"press": 0.2, "raise": 0.3},
    "s": {"spread": 0.3, "lower": 0.3},
    "l": {"jaw": 0.3, "raise": 0.2},
    "k": {"jaw": 0.2},
}
"""Sound → how far each gesture of the mouth goes, in its speaker's amplitude."""
_VOWELS, _CONSONANTS = ("a", "e", "i", "o", "u"), ("m", "f", "s", "l", "k")


@dataclass(frozen=True, kw_only=True)
class Gesture(Expression):
    """One gesture of the mouth over a whole video: its amplitude follows samples, 100 a second."""

    course: np.ndarray

    def amplitude(self, time_s: float) -> float:
        """See ``Expression.amplitude``."""
        return float(np.interp(100 * time_s, np.arange(len(self.course)), self.course))


def render_talking(part: Part, number: int, detector: Detector) -> Video:
    """Talking video ``number``; even ones hold no expression. The same number, the same video."""
    rng = np.random.default_rng([FIRST_SEED[part], number])
    photo, points = render_face(rng)
    while not detector.detect(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)):
        photo, points = render_face(rng)
    camera = ClipConfig(
        size_wh_px=SIZE_WH_PX,
        frames_per_s=RATES[part][number],
        duration_s=SECONDS[part],
        eye_distance_px=float(rng.uniform(75, 110)),
        noise_sigma=float(rng.uniform(0.8, 3.0)),
        sway_px=float(rng.uniform(1.0, 4.0)),
        blinks_per_min=10.0,
    )
    kinds, expressions = _expressions(rng) if number % 2 else ((), ())
    image = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    clip = render_clip(image, points, expressions, camera, rng=rng)
    place = Placement.of(points, size_wh_px=SIZE_WH_PX, eye_distance_px=camera.eye_distance_px)
    courses = speech_courses(SECONDS[part], float(rng.uniform(2.0, 7.0)), rng)
    fields = gesture_fields(place.landmarks_crop_px, rng)
    gestures = [Gesture(units=(), onset_s=0.0, course=course) for course in courses.values()]
    clip = replace(
        clip,
        expressions=(*clip.expressions, *gestures),
        fields=(
            *clip.fields,
            *(place.to_frame(fields[name], size=_SAMPLES) for name in courses),
        ),
    )
    name = f"{part}-{number:02d}"
    truth = tuple(
        Interval(
            subject=part,
            video=name,
            onset_index=event.onset_index,
            offset_index=event.offset_index,
            kind=kind,
            apex_index=event.apex_index,
        )
        for kind, event in zip(kinds, clip.truth.events, strict=True)
    )
    kind = "talk-mixed" if kinds else "talk"
    return Video(name=name, kind=kind, clip=clip, lights=(), truth=truth)


def speech_courses(
    seconds: float, loudest_px: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Gesture → its amplitude, px of the crop, 100 samples a second."""
    count = round(100 * seconds)
    courses = {name: np.zeros(count) for name in sorted({g for v in VISEMES.values() for g in v})}
    for start_s, sounds in _utterances(seconds, rng):
        loud_px = loudest_px * float(rng.uniform(0.3, 1.0))
        now = start_s
        for sound, lasts_s in sounds:
            rows = slice(round(100 * now), round(100 * (now + lasts_s)))
            for gesture, weight in VISEMES[sound].items():
                courses[gesture][rows] = weight * loud_px * float(rng.uniform(0.6, 1.2))
            now += lasts_s
    # Coarticulation: a mouth is on its way to the next sound before the last one ends.
    return {name: cv2.GaussianBlur(c[None], (0, 0), 4.0)[0] for name, c in courses.items()}


def _utterances(
    seconds: float, rng: np.random.Generator
) -> Iterator[tuple[float, list[tuple[str, float]]]]:
    """Start and sounds of single words and phrases, with pauses between."""
    now = float(rng.uniform(1.0, 3.0))
    while True:
        # Half of all utterances are one word: "yes", "really", "tomorrow".
        syllables = int(rng.integers(1, 4)) if rng.random() < 0.5 else int(rng.integers(5, 15))
        each_s = 1 / float(rng.uniform(3.0, 7.0))
        sounds = []
        for _ in range(syllables):
            lasts_s, part = each_s * float(rng.uniform(0.7, 1.4)), float(rng.uniform(0.3, 0.5))
            sounds.append((str(rng.choice(_CONSONANTS)), part * lasts_s))
            sounds.append((str(rng.choice(_VOWELS)), (1 - part) * lasts_s))
        if now + sum(lasts_s for _, lasts_s in sounds) > seconds - 1.0:
            return
        yield now, sounds
        now += sum(lasts_s for _, lasts_s in sounds) + float(rng.uniform(0.4, 2.5))


def gesture_fields(points: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Gesture → displacement (2, h, w) at unit amplitude, px of the crop."""
    middle = points[[51, 57]].mean(axis=0)
    half_px = np.linalg.norm(points[54] - points[48]) / 2
    cheeks = [(points[a] + points[b]) / 2 for a, b in ((48, 3), (54, 13), (48, 41), (54, 46))]
    around = middle + 2.2 * IMAGE_PX * np.stack(
        [np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=1
    )
    held = np.concatenate([points, cheeks, around])
    one_side = float(rng.uniform(-0.2, 0.2))
    side = np.sign(held[:, 0] - middle[0]) * (1 + one_side * np.sign(held[:, 0] - middle[0]))
    near = np.zeros(len(held))
    near[_MOUTH] = np.abs(points[_MOUTH, 0] - middle[0]) / half_px
    cheek_rows = slice(68, 72)
    ways = {name: np.zeros((len(held), 2)) for name in ("jaw", "spread", "round", "raise", "press")}
    ways["lower"] = np.zeros((len(held), 2))
    ways["jaw"][list(_LOWER), 1] = 1.0
    ways["jaw"][[48, 54, 60, 64], 1] = 0.35
    ways["jaw"][[59, 55], 1] = 0.7
    ways["jaw"][list(_JAWLINE), 1] = list(_JAWLINE.values())
    ways["jaw"][[68, 69], 1] = 0.3
    ways["spread"][:, 0] = side * near
    ways["spread"][cheek_rows] = np.stack([0.4 * side[cheek_rows], [-0.1] * 4], axis=1)
    ways["round"][:, 0] = -side * near
    ways["round"][cheek_rows, 0] = -0.3 * side[cheek_rows]
    ways["round"][[50, 51, 52], 1], ways["round"][[56, 57, 58], 1] = -0.2, 0.3
    ways["raise"][list(_UPPER), 1] = -1.0
    ways["raise"][list(_NOSTRILS), 1] = -0.3
    ways["raise"][[70, 71], 1] = -0.3
    ways["press"][list(_UPPER), 1], ways["press"][list(_LOWER), 1] = 0.4, -0.5
    ways["press"][[8], 1] = -0.4
    ways["lower"][list(_LOWER), 1] = 1.0
    return {name: _thin_plate(held, way) for name, way in ways.items()}


def _thin_plate(held: np.ndarray, way: np.ndarray) -> np.ndarray:
    """The smoothest field that displaces the points as given, nearly; (2, h, w) px of the crop."""
    side = (_SAMPLES + 2 * round(_MARGIN * _SAMPLES)) // _COARSE
    cells = (np.indices((side, side)).reshape(2, -1)[::-1].T + 0.5) * _COARSE / _SAMPLES - _MARGIN
    at = cells * IMAGE_PX

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        square = ((a[:, None] - b[None]) ** 2).sum(axis=2)
        return np.asarray(square * np.log(square + 1e-9))

    def affine(a: np.ndarray) -> np.ndarray:
        return np.concatenate([np.ones((len(a), 1)), a], axis=1)

    # Where lips touch, upper and lower points nearly coincide: the plate gives way there.
    stiff = kernel(held, held) + 20.0 * np.eye(len(held))
    whole = np.block([[stiff, affine(held)], [affine(held).T, np.zeros((3, 3))]])
    solved = np.linalg.solve(whole, np.concatenate([way, np.zeros((3, 2))]))
    field = kernel(at, held) @ solved[:-3] + affine(at) @ solved[-3:]
    planes = field.T.reshape(2, side, side).astype(np.float32)
    fine = (side * _COARSE, side * _COARSE)
    return np.stack([cv2.resize(plane, fine, interpolation=cv2.INTER_CUBIC) for plane in planes])


def _expressions(
    rng: np.random.Generator,
) -> tuple[Sequence[str], Sequence[Expression]]:
    """Brow raises, frowns and smiles, micro and macro by turns, at any time."""
    kinds, found = [], []
    units = ((1, 2), (4,), (6, 12), (15, 17))
    for i in range(5):
        micro = i % 2 == 0
        times = (0.12, 0.06, 0.18) if micro else (0.4, float(rng.uniform(0.5, 1.5)), 0.5)
        strength = float(rng.uniform(1.5, 3.0)) if micro else float(rng.uniform(3.0, 7.0))
        chosen = units[int(rng.integers(len(units)))]
        found.append(
            Expression(
                units=tuple(ActionUnit(n, "both", strength) for n in chosen),
                onset_s=1.5 + 3.5 * i + float(rng.uniform(0.0, 0.8)),
                rise_s=times[0],
                hold_s=times[1],
                decay_s=times[2],
            )
        )
        kinds.append("micro" if micro else "macro")
    return kinds, found
