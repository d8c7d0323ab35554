"""Faces rendered from nothing but landmarks and random numbers, for tests that have no photograph.

Simple, but with what an aligner and a flow estimator look for: shading, skin texture, brows of
hairs, eyes, nostrils, lips. They are nobody's faces.
"""

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.errors import ConfigError
from hmrm.facs.atlas import EYE_DISTANCE_PX
from hmrm.facs.landmark_shapes import draw_landmarks

Canvas = Float32[np.ndarray, "h w 3"]

# From very light to very dark skin; RGB, and how far its shades go towards red.
_SKINS = (
    (236, 200, 178),
    (222, 178, 148),
    (198, 150, 116),
    (160, 112, 80),
    (116, 78, 56),
    (82, 56, 44),
)
TONES = len(_SKINS)
_HAIRS = ((38, 28, 24), (70, 48, 32), (110, 78, 48), (160, 130, 84), (120, 116, 112))
_IRISES = ((70, 46, 30), (92, 64, 38), (80, 104, 120), (84, 104, 76))

_EYES = (range(36, 42), range(42, 48))
_BROWS = (range(17, 22), range(22, 27))


def render_face(
    rng: np.random.Generator,
    *,
    size_wh_px: tuple[int, int] = (320, 400),
    eye_distance_px: float = 100.0,
    landmarks: Float[np.ndarray, "68 2"] | None = None,
    tone: int | None = None,
    beard: bool = False,
) -> tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "68 2"]]:
    """Render a face from the front.

    Args:
        landmarks: px of the canonical crop (``atlas.IMAGE_PX``); random ones by default.
        tone: skin from 0, very light, to ``TONES - 1``, very dark; random by default.
        beard: full, cheeks to chin, the lips free.

    Returns:
        RGB image, and its 68 landmarks in px.

    Raises:
        ConfigError: no such tone.
    """
    if tone is not None and not 0 <= tone < TONES:
        raise ConfigError(f"rendered face: tone {tone}; use 0 to {TONES - 1}")
    shape = draw_landmarks(rng, spread=0.7) if landmarks is None else landmarks
    width, height = size_wh_px
    points = (shape - shape[27:36].mean(axis=0)) * (eye_distance_px / EYE_DISTANCE_PX)
    points = points + np.array([width / 2, height * 0.52])
    any_tone = int(rng.integers(TONES))  # sampled even if not used: all else stays the same
    skin = np.array(_SKINS[any_tone if tone is None else tone], dtype=np.float32)
    hair = np.array(_HAIRS[rng.integers(len(_HAIRS))], dtype=np.float32)
    canvas = _background(rng, width, height)
    _hair(canvas, points, hair, rng)
    _neck(canvas, points, skin * np.float32(0.72))
    _skin(canvas, points, skin, rng)
    _nose(canvas, points, skin)
    iris = np.array(_IRISES[rng.integers(len(_IRISES))], dtype=np.float32)
    for eye in _EYES:
        _eye(canvas, points[list(eye)], skin, iris)
    for brow in _BROWS:
        _brow(canvas, points[list(brow)], np.minimum(hair, skin * np.float32(0.6)), rng)
    _mouth(canvas, points, skin, rng)
    if beard:
        _beard(canvas, points, np.minimum(hair, skin * np.float32(0.5)), rng)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 0.6)
    canvas += rng.normal(0.0, 1.2, canvas.shape).astype(np.float32)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8), points


def _noise(
    rng: np.random.Generator, height: int, width: int, cell_px: float
) -> Float32[np.ndarray, "h w"]:
    coarse = rng.standard_normal(
        (max(2, round(height / cell_px)), max(2, round(width / cell_px))), np.float32
    )
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _background(rng: np.random.Generator, width: int, height: int) -> Canvas:
    colour = (rng.uniform(80, 190) + rng.uniform(-15, 15, 3)).astype(np.float32)
    clouds = 12.0 * _noise(rng, height, width, 90.0) + 5.0 * _noise(rng, height, width, 30.0)
    return (colour[None, None] + clouds[..., None]).astype(np.float32)


def _mask(
    canvas: Canvas, polygon: Float[np.ndarray, "n 2"], soft_px: float
) -> Float32[np.ndarray, "h w 1"]:
    mask = np.zeros(canvas.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [np.rint(polygon * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (0, 0), soft_px)
    return soft[..., None]


def _paint(canvas: Canvas, mask: np.ndarray, colour: np.ndarray) -> None:
    canvas += mask * (colour.astype(np.float32) - canvas)


def _smooth(points: Float[np.ndarray, "n 2"], *, count: int = 80) -> Float[np.ndarray, "k 2"]:
    """A closed outline through the points, rounded by its lowest harmonics."""
    spectrum = np.fft.fft(points[:, 0] + 1j * points[:, 1])
    padded = np.zeros(count, dtype=complex)
    half = len(points) // 2
    padded[: half + 1] = spectrum[: half + 1]
    padded[-(len(points) - half - 1) :] = spectrum[half + 1 :]
    outline = np.fft.ifft(padded) * count / len(points)
    return np.stack([outline.real, outline.imag], axis=1)


def _head(points: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "n 2"]:
    """Jaw line closed by a forehead, as high above the brows as the nose is long."""
    left, right = points[0], points[16]
    middle = (left + right) / 2
    rise = middle[1] - points[19, 1] + 0.75 * (points[33, 1] - points[27, 1])
    angles = np.linspace(0, np.pi, 17)[1:-1]
    arc = np.stack(
        [middle[0] + (right[0] - left[0]) / 2 * np.cos(angles), middle[1] - rise * np.sin(angles)],
        axis=1,
    )
    return np.concatenate([points[:17], arc])


def _hair(canvas: Canvas, points: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> None:
    head = _head(points)
    middle = head.mean(axis=0)
    shape = _smooth((head - middle) * [1.13, 1.12] + middle - [0, 0.05 * np.ptp(head[:, 1])])
    shape[:, 1] = np.minimum(shape[:, 1], points[3, 1])
    height, width = canvas.shape[:2]
    strands = cv2.GaussianBlur(
        rng.standard_normal((height, width), np.float32), (0, 0), 0.8, None, 5.0
    )
    texture = colour[None, None] * (1.0 + 1.2 * strands[..., None])
    canvas += _mask(canvas, shape, 1.5) * (texture.astype(np.float32) - canvas)


def _neck(canvas: Canvas, points: np.ndarray, colour: np.ndarray) -> None:
    bottom = float(canvas.shape[0])
    polygon = np.array(
        [points[4], points[12], [points[12, 0] - 4, bottom], [points[4, 0] + 4, bottom]]
    )
    _paint(canvas, _mask(canvas, polygon, 2.0), colour)


def _skin(canvas: Canvas, points: np.ndarray, skin: np.ndarray, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    head = _smooth(_head(points))
    middle, half = head.mean(axis=0), np.ptp(head, axis=0) / 2
    y, x = np.indices((height, width), dtype=np.float32)
    nx, ny = (x - middle[0]) / half[0] * 0.9, (y - middle[1]) / half[1] * 0.9
    nz = np.sqrt(np.clip(1.0 - nx**2 - ny**2, 0.05, None))
    light = rng.normal([0.0, -0.35, 1.0], [0.3, 0.1, 0.0])
    light /= np.linalg.norm(light)
    shade = 0.45 + 0.62 * (nx * light[0] + ny * light[1] + nz * light[2]).clip(0.0)
    pores = 0.03 * _noise(rng, height, width, 1.5) + 0.02 * _noise(rng, height, width, 4.0)
    patches = 0.025 * _noise(rng, height, width, 14.0)
    tone = skin[None, None] * (shade * (1.0 + pores + patches))[..., None]
    for index in (2, 14):
        cheek = (points[index] + points[33]) / 2
        blush = np.exp(-0.5 * ((x - cheek[0]) ** 2 + (y - cheek[1]) ** 2) / (0.16 * half[0]) ** 2)
        tone += blush[..., None] * np.array([10.0, -6.0, -4.0], dtype=np.float32)
    for _ in range(int(rng.integers(4, 14))):
        mole = middle + rng.uniform(-0.7, 0.7, 2) * half
        spot = np.exp(-0.5 * ((x - mole[0]) ** 2 + (y - mole[1]) ** 2) / rng.uniform(0.5, 1.1) ** 2)
        tone *= (1.0 - 0.35 * spot)[..., None]
    canvas += _mask(canvas, head, 1.2) * (tone.astype(np.float32) - canvas)
    _fold(canvas, points, shade=0.12)


def _fold(canvas: Canvas, points: np.ndarray, *, shade: float) -> None:
    """Nasolabial folds: soft dark lines from the nostrils past the corners of the mouth."""
    for nostril, corner in ((31, 48), (35, 54)):
        start, end = points[nostril], points[corner]
        out = np.sign(end[0] - points[33, 0]) * 0.16 * np.ptp(points[31:36, 0])
        bend = (start + end) / 2 + [2.2 * out, 0.0]
        path = np.stack([start + np.array([out, -2]), bend, end + np.array([1.6 * out, 2])])
        _line(canvas, path, 1.8, shade)


def _line(canvas: Canvas, path: np.ndarray, width_px: float, shade: float) -> None:
    """Darken along a quadratic curve through three points."""
    t = np.linspace(0, 1, 24)[:, None]
    start, through, end = path
    control = 2 * through - (start + end) / 2
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    mask = np.zeros(canvas.shape[:2], dtype=np.uint8)
    fixed = np.rint(curve * 16).astype(np.int32)
    cv2.polylines(mask, [fixed], False, 255, 1, cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), width_px)
    canvas *= 1.0 - shade * (soft / max(1.0, float(soft.max())))[..., None]


def _nose(canvas: Canvas, points: np.ndarray, skin: np.ndarray) -> None:
    y, x = np.indices(canvas.shape[:2], dtype=np.float32)
    unit = float(np.ptp(points[31:36, 0]))
    for index in (31, 35):
        side = points[index] * 0.75 + points[28] * 0.25
        dark = np.exp(-0.5 * (((x - side[0]) / (0.2 * unit)) ** 2 + ((y - side[1]) / unit) ** 2))
        canvas *= (1.0 - 0.14 * dark)[..., None]
    tip = points[30]
    bright = np.exp(-0.5 * ((x - tip[0]) ** 2 + (y - tip[1]) ** 2) / (0.2 * unit) ** 2)
    canvas += bright[..., None] * np.float32(0.12) * skin
    for nostril in (points[[31, 32, 33]].mean(axis=0), points[[33, 34, 35]].mean(axis=0)):
        hole = ((x - nostril[0]) / (0.13 * unit)) ** 2 + ((y - nostril[1]) / (0.065 * unit)) ** 2
        canvas *= (1.0 - 0.75 * np.exp(-0.5 * hole))[..., None]
    _line(canvas, points[[31, 33, 35]], 1.2, 0.25)


def _eye(canvas: Canvas, eye: np.ndarray, skin: np.ndarray, iris: np.ndarray) -> None:
    outline, middle = _smooth(eye), eye.mean(axis=0)
    width, height = np.ptp(outline, axis=0)
    socket = _smooth((eye - middle) * [1.35, 2.6] + middle - [0, 0.25 * height])
    _paint(canvas, 0.35 * _mask(canvas, socket, 0.12 * width), skin * np.float32(0.62))
    inside = _mask(canvas, outline, 0.6)
    _paint(canvas, inside, np.array([228.0, 222.0, 216.0]))
    y, x = np.indices(canvas.shape[:2], dtype=np.float32)
    far = np.hypot(x - middle[0], y - middle[1])
    radius = 0.24 * width
    for size, colour in ((radius, iris), (0.45 * radius, np.array([14.0, 12.0, 12.0]))):
        disc = 1.0 / (1.0 + np.exp(np.minimum((far - size) / 0.5, 700.0)))  # more overflows
        _paint(canvas, inside * disc[..., None], colour)
    glint = np.hypot(x - middle[0] - 0.3 * radius, y - middle[1] + 0.35 * radius)
    _paint(canvas, inside * np.exp(-0.5 * (glint / 1.2) ** 2)[..., None], np.full(3, 245.0))
    _line(canvas, np.array([eye[0], (eye[1] + eye[2]) / 2 - [0, 1], eye[3]]), 1.2, 0.85)
    _line(canvas, np.array([eye[0], (eye[4] + eye[5]) / 2, eye[3]]), 0.9, 0.35)
    crease = np.array([eye[0], (eye[1] + eye[2]) / 2, eye[3]]) - [0, 0.45 * height]
    _line(canvas, crease, 1.0, 0.3)


def _brow(canvas: Canvas, brow: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> None:
    width = float(np.ptp(brow[:, 0]))
    thick = 0.1 * width
    outer = 0 if brow[0, 0] < canvas.shape[1] / 2 else 4
    sense = 1.0 if outer == 4 else -1.0
    mask = np.zeros(canvas.shape[:2], dtype=np.uint8)
    for _ in range(150):
        t = rng.uniform(0, 4)
        low = min(3, int(t))
        root = brow[low] + (t - low) * (brow[low + 1] - brow[low])
        taper = 1.0 - 0.5 * abs(t - outer) / 4 if outer == 0 else 0.5 + 0.5 * (1 - t / 4)
        root = root + np.array([0, rng.uniform(-0.5, 0.7) * thick * max(0.4, taper)])
        tip = root + np.array([sense * 0.12, -rng.uniform(0.0, 0.08)]) * width
        ends = np.rint(np.stack([root, tip]) * 16).astype(np.int32)
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), 255, 1, cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (0, 0), 0.5)
    _paint(canvas, np.minimum(1.0, 0.9 * soft)[..., None], colour)


def _mouth(canvas: Canvas, points: np.ndarray, skin: np.ndarray, rng: np.random.Generator) -> None:
    outer = points[[48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]]
    lip = skin * np.array([0.9, 0.62, 0.64], dtype=np.float32) * np.float32(rng.uniform(0.85, 1.0))
    _paint(canvas, 0.8 * _mask(canvas, outer, 0.9), lip)
    upper = points[[48, 49, 50, 51, 52, 53, 54, 64, 63, 62, 61, 60]]
    _paint(canvas, 0.5 * _mask(canvas, upper, 1.0), lip * np.float32(0.75))
    height, width = canvas.shape[:2]
    furrows = cv2.GaussianBlur(
        rng.standard_normal((height, width), np.float32), (0, 0), 0.7, None, 3.0
    )
    canvas *= 1.0 + 0.35 * _mask(canvas, outer, 1.0) * furrows[..., None]
    for pair in ([60, 61, 62], [62, 63, 64]):
        _line(canvas, points[pair], 0.9, 0.7)
    shadow = points[[59, 57, 55]] + [0, 0.12 * np.ptp(outer[:, 0])]
    _line(canvas, shadow, 3.0, 0.22)


def _beard(
    canvas: Canvas, points: np.ndarray, colour: np.ndarray, rng: np.random.Generator
) -> None:
    """Short dark hairs from ear to ear along the jaw, on the chin and above the lip."""
    unit = float(np.ptp(points[31:36, 0]))
    above = (points[33] + points[51]) / 2
    side = np.array([0.55 * unit, 0.0])
    right = [points[12] - side, points[54] + side, above + side]
    left = [above - side, points[48] - side, points[4] + side]
    inner = np.stack([*right, *left])
    outline = np.concatenate([points[3:14], inner])
    lips = _mask(canvas, points[48:60], 0.04 * unit)
    mask = _mask(canvas, outline, 0.12 * unit) * (1.0 - lips)
    grain = rng.standard_normal(canvas.shape[:2], np.float32)
    hairs = cv2.GaussianBlur(grain, (0, 0), 0.6, None, 1.6)
    texture = colour[None, None] * (1.0 + 0.8 * hairs[..., None])
    canvas += 0.8 * mask * (texture.astype(np.float32) - canvas)
