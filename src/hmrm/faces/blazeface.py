"""Face detection with BlazeFace (short range) through OpenCV: fast, without torch.

Source: Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", CVPR
workshop 2019. Weights: ``weights/blazeface.md``. It finds where a face is, for the face mesh to
start from; MTCNN places points more exactly.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from hmrm.clip import Image
from hmrm.dnn import read_tflite
from hmrm.errors import InputError
from hmrm.faces.boxes import Detection, overlaps, suppress
from hmrm.faces.shape import MEAN_FACE_68, MOUTH_LEFT, MOUTH_RIGHT

INPUT_PX = 128
_OUTPUTS = ("classificators", "regressors")
_GRIDS = ((16, 2), (8, 6))  # cells along a side, anchors in each


@dataclass(frozen=True, kw_only=True)
class BlazeFaceConfig:
    """How BlazeFace searches.

    Attributes:
        score: lowest score of a face.
        overlap: detections that overlap more are one face; their mean counts, by score.
        levels: squares of 1, 1/2, … of the image's shorter side are searched, half overlapping:
            the network sees 128 px, and misses faces below about an eighth of them.
    """

    score: float = 0.6
    overlap: float = 0.3
    levels: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.score < 1:
            raise ValueError(f"score: expected more than 0 and less than 1, got {self.score}")
        if self.levels < 1:
            raise ValueError(f"levels: expected 1 or more, got {self.levels}")


class BlazeFace:
    """Finds the upright faces of single images; a ``boxes.Detector``.

    Raises:
        WeightsError: the weight file is missing, damaged, or this OpenCV cannot read it.
    """

    def __init__(
        self, config: BlazeFaceConfig | None = None, *, weights: Path | None = None
    ) -> None:
        self.config = config or BlazeFaceConfig()
        path = weights or Path(str(resources.files("hmrm") / "weights" / "blazeface.tflite"))
        self._net = read_tflite(path, outputs=_OUTPUTS)
        self._anchors = _anchors()

    def detect(self, image: Image) -> list[Detection]:
        """Faces of one image, best first.

        The two mouth corners of ``Detection.points_xy_px`` are not the network's, which gives the
        mouth's middle: they lie to its sides as in the average face.

        Raises:
            InputError: the image has no pixels.
        """
        return self._detect(image, self.config.levels)

    def detect_large(self, image: Image) -> list[Detection]:
        """As ``detect``, in squares as large as the image's shorter side and no smaller ones."""
        return self._detect(image, 1)

    def _detect(self, image: Image, levels: int) -> list[Detection]:
        if image.size == 0:
            raise InputError(f"face detection: image of shape {image.shape} has no pixels")
        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        found = [self._look(rgb, square) for square in _squares(rgb.shape, levels)]
        boxes = np.concatenate([box for box, _, _ in found])
        scores = np.concatenate([score for _, score, _ in found])
        points = np.concatenate([point for _, _, point in found])
        kept = suppress(boxes, scores, limit=self.config.overlap, nested=True)
        detections = []
        for first in kept:
            same = overlaps(boxes[first][None], boxes)[0] > self.config.overlap
            weights = scores[same] / scores[same].sum()
            x1, y1, x2, y2 = (weights @ boxes[same]).tolist()
            detections.append(
                Detection(
                    box_xyxy_px=(x1, y1, x2, y2),
                    confidence=float(scores[first]),
                    points_xy_px=_five(np.einsum("n,npx->px", weights, points[same])),
                )
            )
        return detections

    def best_score(self, image: Image) -> float:
        """Score of the surest face of an image; 0 where there is none."""
        found = self.detect(np.ascontiguousarray(image))
        return found[0].confidence if found else 0.0

    def _look(
        self, rgb: np.ndarray, square: tuple[int, int, int]
    ) -> tuple[Float[np.ndarray, "n 4"], Float[np.ndarray, " n"], Float[np.ndarray, "n 6 2"]]:
        """Boxes, scores and points in one square of the image, px of the image."""
        left, top, side = square
        part = rgb[max(0, top) : top + side, max(0, left) : left + side]
        scale = INPUT_PX / side
        width, height = (max(1, round(n * scale)) for n in part.shape[1::-1])
        small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        seen = np.zeros((INPUT_PX, INPUT_PX, 3), dtype=np.uint8)
        x, y = round(max(0, -left) * scale), round(max(0, -top) * scale)
        height, width = min(height, INPUT_PX - y), min(width, INPUT_PX - x)
        seen[y : y + height, x : x + width] = small[:height, :width]
        self._net.setInput(cv2.dnn.blobFromImage(seen, 1 / 127.5, mean=(127.5,) * 3))
        logits, values = self._net.forward(_OUTPUTS)
        scores = 1 / (1 + np.exp(-np.clip(np.asarray(logits, dtype=np.float64).ravel(), -60, 60)))
        good = scores >= self.config.score
        values = np.asarray(values, dtype=np.float64).reshape(-1, 8, 2)[good] / INPUT_PX
        values[:, [0, *range(2, 8)]] += self._anchors[good][:, None]
        corners = np.array([left, top]) - 0.5
        centre, half = values[:, 0] * side + corners, values[:, 1] * side / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        return boxes, scores[good], values[:, 2:] * side + corners


def _anchors() -> Float[np.ndarray, "896 2"]:
    """Centres of the cells, 0 to 1, in the network's order."""
    centres = []
    for cells, each in _GRIDS:
        y, x = (np.indices((cells, cells)) + 0.5) / cells
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(centres)


def _squares(shape: tuple[int, ...], levels: int) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of the squares to search: the whole image, then ever smaller ones."""
    height, width = shape[:2]
    longer, shorter = max(height, width), min(height, width)
    yield (width - longer) // 2, (height - longer) // 2, longer
    for level in range(levels):
        side = shorter // 2**level
        if side < INPUT_PX // 2 or side == longer:
            continue
        for top in _starts(height, side):
            for left in _starts(width, side):
                yield left, top, side


def _starts(length: int, side: int) -> list[int]:
    """Starts of half overlapping stretches that cover a length."""
    count = max(1, math.ceil(2 * (length - side) / side)) + 1 if length > side else 1
    return [round(i * (length - side) / max(1, count - 1)) for i in range(count)]


def _five(points: Float[np.ndarray, "6 2"]) -> Float[np.ndarray, "5 2"]:
    """Eyes, nose and the two mouth corners out of eyes, nose, mouth and ears."""
    eyes, nose, mouth = points[:2], points[2], points[3]
    aside = (MEAN_FACE_68[MOUTH_RIGHT, 0] - MEAN_FACE_68[MOUTH_LEFT, 0]) / 2 * (eyes[1] - eyes[0])
    return np.stack([eyes[0], eyes[1], nose, mouth - aside, mouth + aside])
