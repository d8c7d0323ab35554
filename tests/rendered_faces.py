"""Synthetic clips of a face for the spotter: images, Gaussian bumps of motion, known truth.

Nothing here is shared with ``hmrm.facs``, whose clips the spotter is judged on: other pictures,
other motion, other noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

SIZE_WH = (320, 320)
HEIGHT = 1.446
"""Height over width of the crop."""

CANONICAL = np.array([[0.215, 0.27], [0.785, 0.27], [0.5, 0.49], [0.29, 0.68], [0.71, 0.68]]) * [
    1,
    HEIGHT,
]
"""Eyes, nose tip, mouth corners; the unit is the width of the crop."""

PLACES = {
    "brow_left": (0.22, 0.13),
    "brow_right": (0.78, 0.13),
    "brow_inner": (0.5, 0.12),
    "left_mouth_corner": (0.29, 0.68),
    "right_mouth_corner": (0.71, 0.68),
    "chin": (0.5, 0.88),
    "cheek_left": (0.2, 0.5),
    "cheek_right": (0.8, 0.5),
    "lip_upper": (0.5, 0.62),
}


@dataclass(frozen=True)
class Bump:
    """One movement: Gaussian patches that go out and come back; amplitude in px of a 224 crop."""

    onset_s: float
    apex_s: float
    offset_s: float
    places: tuple[str, ...]
    direction: float
    amplitude_px: float
    spread: float = 0.09

    def level(self, t: float) -> float:
        if not self.onset_s < t < self.offset_s:
            return 0.0
        if t <= self.apex_s:
            phase = (t - self.onset_s) / (self.apex_s - self.onset_s)
        else:
            phase = (self.offset_s - t) / (self.offset_s - self.apex_s)
        return 0.5 - 0.5 * np.cos(np.pi * phase)


@dataclass(frozen=True)
class Scene:
    seconds: float = 4.0
    fps: float = 100.0
    face_px: float = 170.0
    noise: float = 2.0
    flicker: float = 0.01
    head_px: float = 6.0
    head_degrees: float = 2.0
    turn: float = 0.05
    head_hz: float = 0.5
    zoom: float = 0.01
    jitter: float = 0.006
    bumps: tuple[Bump, ...] = ()
    blinks_s: tuple[float, ...] = ()
    blink_length_s: float = 0.25
    seed: int = 0
    image: np.ndarray | None = field(default=None, repr=False)
    points: np.ndarray | None = field(default=None, repr=False)


def paint_face(rng: np.random.Generator, face_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Picture (h, w, 3) uint8 and its five points (5, 2) px."""
    width, height = SIZE_WH
    origin = np.array([width / 2 - face_px / 2, height / 2 - face_px * 0.65])
    points = origin + CANONICAL * face_px
    gy, gx = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = (gx - origin[0]) / face_px, (gy - origin[1]) / (HEIGHT * face_px)
    skin = rng.uniform([90, 60, 45], [225, 185, 165])
    skin = np.sort(skin)[::-1]
    image = np.empty((height, width, 3), np.float32)
    image[:] = rng.uniform(40, 200, 3)
    image += 25 * fractal(rng, (height, width), 4)[..., None]
    face = ((u - 0.5) / 0.66) ** 2 + ((v - 0.4) / 0.7) ** 2
    hair = ((u - 0.5) / 0.78) ** 2 + ((v - 0.28) / 0.72) ** 2
    hair_colour = rng.uniform(10, 80, 3)
    texture = fractal(rng, (height, width), 8)
    blend(image, hair < 1, hair_colour, texture * 14)
    shade = 18 * (u - 0.5) * rng.normal() + 12 * (v - 0.5) - 40 * np.clip(face - 0.5, 0, 1)
    blend(image, face < 1, skin, shade + 6 * texture)
    dark = skin * 0.3
    for side in (0.215, 0.785):
        paint_eye(image, u, v, side, skin, rng)
        brow = ((u - side) / 0.15) ** 2 + ((v - 0.14 - 0.25 * (u - side) ** 2) / 0.03) ** 2
        blend(image, brow < 1, dark, 12 * texture)
    nose = np.exp(-(((u - 0.5) / 0.05) ** 2)) * ((v > 0.25) & (v < 0.52))
    image += 12 * nose[..., None]
    for side in (0.44, 0.56):
        nostril = ((u - side) / 0.03) ** 2 + ((v - 0.53) / 0.015) ** 2
        blend(image, nostril < 1, dark, 0 * texture)
    lips = ((u - 0.5) / 0.21) ** 2 + ((v - 0.68) / 0.055) ** 2
    blend(image, lips < 1, skin * [0.85, 0.55, 0.55], 6 * texture)
    line = ((u - 0.5) / 0.21) ** 2 + ((v - 0.68) / 0.008) ** 2
    blend(image, line < 1, dark, 0 * texture)
    for side, sign in ((0.24, -1), (0.76, 1)):
        fold = np.exp(-(((u - side - sign * 0.15 * (v - 0.6)) / 0.012) ** 2))
        image -= 14 * (fold * ((v > 0.5) & (v < 0.68)))[..., None]
    image = cv2.GaussianBlur(image, (0, 0), 0.8 * max(face_px / 224, 0.5))
    return np.clip(image, 0, 255).astype(np.uint8), points


def paint_eye(
    image: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    side: float,
    skin: np.ndarray,
    rng: np.random.Generator,
) -> None:
    opening = ((u - side) / 0.1) ** 2 + ((v - 0.27) / 0.04) ** 2
    iris = ((u - side) / 0.042) ** 2 + ((v - 0.27) / 0.042) ** 2
    blend(image, opening < 1.3, skin * 0.45, 0 * u)
    blend(image, opening < 1, np.full(3, 215.0), 0 * u)
    blend(image, (iris < 1) & (opening < 1), rng.uniform(30, 110, 3), 0 * u)
    blend(image, (iris < 0.2) & (opening < 1), np.full(3, 12.0), 0 * u)


def blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray, shade: np.ndarray) -> None:
    image[mask] = colour + shade[mask][:, None]


def fractal(rng: np.random.Generator, shape: tuple[int, int], octaves: int) -> np.ndarray:
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        n = 4 * 2**octave
        coarse = rng.normal(size=(n, n)).astype(np.float32)
        total += cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC) * 0.75**octave
    return total / total.std()


def smooth_walk(rng: np.random.Generator, times: np.ndarray, hz: float) -> np.ndarray:
    """A smooth random curve of unit standard deviation made of a few sines."""
    curve = np.zeros_like(times)
    for _ in range(6):
        curve += np.sin(2 * np.pi * (rng.uniform(0.2, 2) * hz * times + rng.uniform()))
    return curve / np.sqrt(3)


class RenderedClip:
    """Iterates over ``(time_s, image, points_xy_px)``; points jitter as a landmark net's do."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        rng = np.random.default_rng(scene.seed)
        if scene.image is None:
            image, self.points = paint_face(rng, scene.face_px)
        else:
            assert scene.points is not None
            image, self.points = scene.image, scene.points
        self.image = image.astype(np.float32)
        self.height, self.width = image.shape[:2]
        self.times = np.arange(round(scene.seconds * scene.fps)) / scene.fps
        self.walks = np.stack([smooth_walk(rng, self.times, scene.head_hz) for _ in range(7)])
        self.rng = rng
        crop = CANONICAL * 224
        full, _ = cv2.estimateAffinePartial2D(crop, self.points)
        self.from_crop = full
        self.scale = float(np.hypot(full[0, 0], full[1, 0]))

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        for i, t in enumerate(self.times):
            yield float(t), *self.frame(i)

    def frame(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        scene, t = self.scene, self.times[i]
        gy, gx = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        back = cv2.invertAffineTransform(self.head(i))
        x = back[0, 0] * gx + back[0, 1] * gy + back[0, 2]
        y = back[1, 0] * gx + back[1, 1] * gy + back[1, 2]
        centre = self.points.mean(0)
        size = 224 * self.scale
        u, v = (x - centre[0]) / (0.65 * size), (y - centre[1]) / (1.15 * size)
        depth = np.sqrt(np.clip(1 - u * u - v * v, 0, None)) - 0.6
        turn = self.walks[4:6, i] * scene.turn * size * 0.3
        x -= depth * turn[0]
        y -= depth * turn[1]
        for bump in scene.bumps:
            level = bump.level(t) * bump.amplitude_px * self.scale
            if level:
                self.push(x, y, bump, level)
        face = self.image
        if any(abs(t - b) < scene.blink_length_s for b in scene.blinks_s):
            face = self.blink(t)
        x, y = x.astype(np.float32), y.astype(np.float32)
        image = cv2.remap(face, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        image = image * (1 + scene.flicker * self.walks[6, i])
        image += self.rng.normal(0, 1, image.shape).astype(np.float32) * scene.noise
        points = self.points @ self.head(i)[:, :2].T + self.head(i)[:, 2]
        points = points + self.rng.normal(0, 1, points.shape) * scene.jitter * size
        return np.clip(np.rint(image), 0, 255).astype(np.uint8), points

    def head(self, i: int) -> np.ndarray:
        w, scene = self.walks[:, i], self.scene
        cx, cy = self.points.mean(0)
        matrix = cv2.getRotationMatrix2D(
            (float(cx), float(cy)), float(w[2] * scene.head_degrees), float(1 + scene.zoom * w[3])
        )
        matrix[:, 2] += w[:2] * scene.head_px
        return matrix

    def push(self, x: np.ndarray, y: np.ndarray, bump: Bump, level: float) -> None:
        for place in bump.places:
            at = (
                self.from_crop[:, :2] @ (np.array(PLACES[place]) * [224, 224 * HEIGHT])
                + self.from_crop[:, 2]
            )
            spread = bump.spread * 224 * self.scale
            weight = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * spread**2))
            angle = bump.direction
            if place.endswith("right"):
                angle = np.pi - angle
            x -= np.float32(level * np.cos(angle)) * weight
            y -= np.float32(level * np.sin(angle)) * weight

    def blink(self, t: float) -> np.ndarray:
        scene = self.scene
        nearest = min(scene.blinks_s, key=lambda b: abs(b - t))
        closed = max(0.0, np.cos(np.pi * (t - nearest) / scene.blink_length_s))
        image = self.image.copy()
        for k in range(2):
            cx, cy = self.points[k]
            size = 224 * self.scale
            top, bottom = cy - 0.055 * size, cy + 0.05 * size
            edge = top + (bottom - top) * closed
            y0, y1 = int(top), int(np.ceil(edge))
            x0, x1 = int(cx - 0.12 * size), int(cx + 0.12 * size)
            if y1 <= y0:
                continue
            lid = self.image[y0 - 3 : y0 - 2, x0:x1].repeat(y1 - y0, 0)
            image[y0:y1, x0:x1] = lid
            image[y1 : y1 + 2, x0:x1] = lid[:1] * 0.5
        return image
