"""Face detection: the three-stage cascade MTCNN, whose networks OpenCV runs.

Source: Zhang, Zhang, Li, Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks", IEEE SPL 2016. Weights: ``weights/mtcnn.md``. `mtcnn_torch` has the
networks as they were written down, for the export and for comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.clip import Image
from hmrm.dnn import TENSORS_DIGEST, read_onnx
from hmrm.errors import InputError, WeightsError
from hmrm.faces.boxes import Detection, suppress

CELL_PX = 12.0  # what one output of the first network looks at
STRIDE_PX = 2.0  # between two of its outputs
VIEWS = (-0.15, 0.0, 0.15)  # how much the cut-outs grow that answers are averaged over
MIRRORED_5 = [1, 0, 2, 4, 3]  # the five points of a mirrored face, in order
Boxes = Float[np.ndarray, "n 4"]
Kept = Float[np.ndarray, "k 4"]
Scores = Float[np.ndarray, " k"]
Network = Callable[[Float32[np.ndarray, "n 3 h w"]], tuple[np.ndarray, ...]]
"""Images, grey values -1 to 1 → box offsets, face scores and, of the third, points; float32."""


class Networks(NamedTuple):
    """The three networks; offsets and points are measured in box sides.

    ``proposal`` takes images of any size from 12 px on and gives offsets ``(n, 4, h', w')`` and
    scores ``(n, h', w')``; ``refinement`` takes 24 px, ``output`` 48 px, and both give offsets
    ``(n, 4)`` and scores ``(n,)``. Points ``(n, 10)``: all x before all y.
    """

    proposal: Network
    refinement: Network
    output: Network


@dataclass(frozen=True, kw_only=True)
class MTCNNConfig:
    """How MTCNN searches.

    Attributes:
        min_face: size of face that the search begins at, as a fraction of the image's shorter
            side (40 px in 640 x 480: too small to measure in, but large enough to say so).
            Relative, so that the same scene at twice the resolution gives the same faces and
            takes hardly longer.
        min_face_px: the same in px of the image given; replaces ``min_face``.
        max_side_px: a larger image is shrunk to this longer side before the search. The third
            network looks at 48 x 48 px, so points lose nothing.
        thresholds: lowest face score that passes each of the three networks.
        pyramid: ratio between two search sizes.
        second_look: where no face is found, look once more with local contrast evened out. Dark
            faces are found by it that are missed otherwise (``benchmarks/robustness``).
    """

    min_face: float = 1 / 12
    min_face_px: float | None = None
    max_side_px: int = 640
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.9)
    pyramid: float = 0.709
    second_look: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.min_face <= 1:
            raise ValueError(f"min_face: expected a fraction in (0, 1], got {self.min_face}")
        if self.min_face_px is not None and self.min_face_px < CELL_PX:
            raise ValueError(
                f"min_face_px: expected {CELL_PX:g} px or more, got {self.min_face_px}"
            )
        if not 0 < self.pyramid < 1:
            raise ValueError(f"pyramid: expected a ratio in (0, 1), got {self.pyramid}")
        if self.max_side_px < CELL_PX:
            raise ValueError(f"max_side_px: expected {CELL_PX:g} or more, got {self.max_side_px}")


def exported_networks(folder: Path | None = None) -> Networks:
    """The networks through OpenCV, without torch.

    Args:
        folder: holds ``mtcnn-pnet.onnx``, ``mtcnn-rnet.onnx``, ``mtcnn-onet.onnx``; None is the
            package's own.

    Raises:
        WeightsError: a file is missing or damaged, or the three do not belong together.
    """
    place = folder or Path(str(resources.files("hmrm") / "weights"))
    box = ("box", "score")
    outputs = {"pnet": box, "rnet": box, "onet": (*box, "points")}
    networks = [
        read_onnx(place / f"mtcnn-{name}.onnx", network=name, outputs=names)
        for name, names in outputs.items()
    ]
    if len({one.metadata.get(TENSORS_DIGEST) for one in networks}) > 1:
        raise WeightsError(
            f"{place}: mtcnn-*.onnx were built from different weights; export them again: "
            "hmrm weights export mtcnn"
        )
    return Networks(*networks)


class MTCNN:
    """Find the upright faces of single images; same image, same detections.

    Departs from the published cascade: boxes, scores and points are means of the third network
    over three sizes of cut-out and their mirror images, which cuts the points' scatter from 1.7 %
    of the eye distance to 0.6 % and removes some false faces; images are shrunk by area
    averaging; boxes are measured in continuous px without the "+ 1" of whole-pixel boxes; the last
    threshold is higher, since a video without a face must give none; and where no face is found,
    the image is looked at once more with its light evened out, which finds dark faces.

    Args:
        networks: instead of the shipped ones, e.g. `mtcnn_torch.torch_networks`.

    Raises:
        WeightsError: a weight file is missing, damaged or another network's.
    """

    def __init__(
        self, config: MTCNNConfig | None = None, *, networks: Networks | None = None
    ) -> None:
        self.config = config or MTCNNConfig()
        self._networks = networks or exported_networks()

    def detect(self, image: Image) -> list[Detection]:
        """Faces of one image, best first; an empty list where there is none.

        Raises:
            InputError: the image has no pixels.
        """
        if image.size == 0:
            raise InputError(f"face detection: image of shape {image.shape} has no pixels")
        config, size_px = self.config, np.array([image.shape[1], image.shape[0]])
        smallest_px = config.min_face_px or config.min_face * float(size_px.min())
        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        rgb = _shrink(rgb, min(1.0, config.max_side_px / float(size_px.max())))
        # Sides are rounded to whole px when shrunk, so x and y may differ by a trifle.
        ratio = size_px / np.array([rgb.shape[1], rgb.shape[0]])
        smallest_px = max(CELL_PX, smallest_px / float(ratio.max()))
        boxes, scores, points = self._search(rgb, smallest_px)
        if not len(boxes) and config.second_look:
            boxes, scores, points = self._search(_evened(rgb), smallest_px)
        # Inside, 0 is the image's left edge; outside, the centre of its first pixel.
        boxes, points = boxes * np.tile(ratio, 2) - 0.5, points * ratio - 0.5
        return [
            Detection(
                box_xyxy_px=(float(b[0]), float(b[1]), float(b[2]), float(b[3])),
                confidence=float(s),
                points_xy_px=p,
            )
            for b, s, p in zip(boxes, scores, points, strict=True)
        ]

    def _search(
        self, rgb: UInt8[np.ndarray, "h w 3"], smallest_px: float
    ) -> tuple[Kept, Scores, Float[np.ndarray, "k 5 2"]]:
        """Boxes, scores and points of the whole cascade, best first."""
        boxes = self._improve(rgb, self._propose(rgb, smallest_px))
        return self._average(rgb, self._finish(rgb, boxes))

    def _propose(self, rgb: UInt8[np.ndarray, "h w 3"], smallest_px: float) -> Boxes:
        """Square boxes that the first network finds over all search sizes."""
        found, scores = [np.empty((0, 4))], [np.empty(0)]
        scale = CELL_PX / smallest_px
        while min(rgb.shape[:2]) * scale >= CELL_PX:
            small = _shrink(rgb, scale)
            offsets, score = (found[0] for found in self._networks.proposal(_values(small[None])))
            rows, columns = np.nonzero(score >= self.config.thresholds[0])
            corners = np.stack([columns, rows], axis=1) * STRIDE_PX
            cells = np.concatenate([corners, corners + CELL_PX], axis=1) / scale
            kept = suppress(cells, score[rows, columns].astype(float), limit=0.5)
            rows, columns = rows[kept], columns[kept]
            found.append(_moved(cells[kept], offsets[:, rows, columns].T))
            scores.append(score[rows, columns].astype(float))
            scale *= self.config.pyramid
        boxes, score = np.concatenate(found), np.concatenate(scores)
        return _squared(boxes[suppress(boxes, score, limit=0.7)])

    def _improve(self, rgb: UInt8[np.ndarray, "h w 3"], boxes: Boxes) -> Kept:
        """Boxes that the second network keeps, moved by it and squared."""
        if not len(boxes):
            return boxes
        crops, boxes = _crops(rgb, boxes, 24)
        found = self._networks.refinement(_values(crops))
        offsets, score = (values.astype(float) for values in found)
        sure = score >= self.config.thresholds[1]
        boxes, offsets, score = boxes[sure], offsets[sure], score[sure]
        kept = suppress(boxes, score, limit=0.7)
        return _squared(_moved(boxes[kept], offsets[kept]))

    def _finish(self, rgb: UInt8[np.ndarray, "h w 3"], boxes: Boxes) -> Kept:
        """Boxes that the third network keeps, moved by it."""
        if not len(boxes):
            return boxes
        crops, boxes = _crops(rgb, boxes, 48)
        found = self._networks.output(_values(crops))
        offsets, score, _ = (values.astype(float) for values in found)
        sure = score >= self.config.thresholds[2]
        boxes, score = _moved(boxes[sure], offsets[sure]), score[sure]
        return boxes[suppress(boxes, score, limit=0.7, nested=True)]

    def _average(
        self, rgb: UInt8[np.ndarray, "h w 3"], boxes: Boxes
    ) -> tuple[Kept, Scores, Float[np.ndarray, "k 5 2"]]:
        """Means of the third network's boxes, scores and points over several views of each."""
        if not len(boxes):
            return boxes, np.empty(0), np.empty((0, 5, 2))
        square = _squared(boxes)
        grown = np.array([[-1, -1, 1, 1]]) * (square[:, 2:3] - square[:, :1]) / 2
        crops, cut = _crops(rgb, np.concatenate([square + g * grown for g in VIEWS]), 48)
        crops = np.concatenate([crops, crops[:, :, ::-1]])
        found = self._networks.output(_values(crops))
        offsets, score, points = (values.astype(float) for values in found)
        points = points.reshape(-1, 2, 5).transpose(0, 2, 1)
        half = len(cut)
        points = (points[:half] + points[half:, MIRRORED_5] * [-1, 1] + [1, 0]) / 2
        offsets = (offsets[:half] + offsets[half:, [2, 1, 0, 3]] * [-1, 1, -1, 1]) / 2
        placed = cut[:, None, :2] + (cut[:, None, 2:] - cut[:, None, :2]) * points
        views = len(VIEWS)
        boxes = _moved(cut, offsets).reshape(views, -1, 4).mean(axis=0)
        points = placed.reshape(views, -1, 5, 2).mean(axis=0)
        score = score.reshape(2 * views, -1).mean(axis=0)
        order = np.argsort(-score, kind="stable")
        order = order[score[order] >= self.config.thresholds[2]]
        return boxes[order], score[order], points[order]


def _shrink(rgb: UInt8[np.ndarray, "h w 3"], scale: float) -> UInt8[np.ndarray, "h2 w2 3"]:
    if scale == 1:
        return rgb
    width, height = (max(1, round(side * scale)) for side in (rgb.shape[1], rgb.shape[0]))
    return cv2.resize(rgb, (width, height), interpolation=_kernel(scale))


def _evened(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The image with its lightness equalised tile by tile (CLAHE), colours kept."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(4, 4)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def _kernel(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR


def _values(rgb: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n 3 h w"]:
    """Grey values -1 to 1, as in training."""
    return (rgb.transpose(0, 3, 1, 2).astype(np.float32) - np.float32(127.5)) / np.float32(128)


def _moved(boxes: Boxes, offsets: Float[np.ndarray, "n 4"]) -> Boxes:
    """Boxes whose four edges are moved by offsets measured in box sides."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], (1, 2))


def _squared(boxes: Boxes) -> Boxes:
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _crops(
    rgb: UInt8[np.ndarray, "h w 3"], boxes: Boxes, side_px: int
) -> tuple[UInt8[np.ndarray, "n s s 3"], Boxes]:
    """Square cut-outs, black outside the image, and their boxes on whole px."""
    left_top = np.floor(boxes[:, :2] + 0.5).astype(int)
    sides = np.maximum(1, np.floor(boxes[:, 2] - boxes[:, 0] + 0.5)).astype(int)
    height, width = rgb.shape[:2]
    crops = np.empty((len(boxes), side_px, side_px, 3), dtype=np.uint8)
    for crop, (x, y), side in zip(crops, left_top, sides, strict=True):
        cut = np.zeros((side, side, 3), dtype=np.uint8)
        x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)
        if x1 < x2 and y1 < y2:
            cut[y1 - y : y2 - y, x1 - x : x2 - x] = rgb[y1:y2, x1:x2]
        crop[:] = cv2.resize(cut, (side_px, side_px), interpolation=_kernel(side_px / side))
    whole = np.concatenate([left_top, left_top + sides[:, None]], axis=1).astype(float)
    return crops, whole
