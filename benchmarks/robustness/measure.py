"""One clip under every condition through the whole chain, with and without remedies."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.robustness.conditions import AXES, EVENED, ORDINARY, SMOOTHED
from benchmarks.robustness.scenes import Cast, Condition, Scene, draw_scene
from hmrm import atomic
from hmrm.analysis.naming import NetworkNamer
from hmrm.analysis.settings import AnalyzeConfig, Namer
from hmrm.faces.align import align_pair, canonical_transform, magnification
from hmrm.faces.boxes import Detection
from hmrm.faces.mtcnn import MTCNN, MTCNNConfig
from hmrm.faces.shape import five_points
from hmrm.faces.track import Detector
from hmrm.flow.classical import FlowEstimator
from hmrm.flow.estimate import build_estimator, to_grey
from hmrm.flow.face import FaceFlowConfig, face_flow
from hmrm.flow.pair import flow_map
from hmrm.flow.rigid import HeadMotion, remove_head

HEADS: tuple[HeadMotion, ...] = ("none", "similarity", "quadratic")
SMOOTH_FRAME_PX = 0.45
_EVEN_PX = 12.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which clip to measure, and where its result is kept."""

    cast: Cast
    number: int
    folder: Path
    flow: str = AnalyzeConfig().flow

    @property
    def path(self) -> Path:
        """The file that is kept."""
        return self.folder / f"{self.cast.part}-{self.flow}-{self.number:02d}.json"


def measure(order: Order) -> None:
    """Measure a clip unless its file is there."""
    if order.path.exists():
        return
    chain = _Chain(
        looks=(MTCNN(MTCNNConfig(second_look=False)), MTCNN()),
        namer=NetworkNamer(),
        estimator=build_estimator(order.flow),
    )
    found = {ORDINARY: chain.run(draw_scene(order.cast, order.number, Condition()))}
    for axis, levels in AXES.items():
        for level, condition in levels.items():
            scene = draw_scene(order.cast, order.number, condition)
            found[f"{axis}: {level}"] = chain.run(
                scene, smoothed=axis in SMOOTHED, evened=axis in EVENED
            )
    atomic.write_text(order.path, json.dumps(found) + "\n")


@dataclass(frozen=True, kw_only=True)
class _Chain:
    looks: tuple[Detector, ...]
    namer: Namer
    estimator: FlowEstimator

    def run(self, scene: Scene, *, smoothed: bool = False, evened: bool = False) -> dict[str, Any]:
        """What was drawn, how far off the face was found (eye distances), what it was called.

        ``look`` is 1 or 2, the second with the light evened, or 0 where the face was not found. A
        face that is not found, or too small for the analysis, is called nothing.
        """
        look, face = self._found(scene)
        if face is None:
            return {"drawn": scene.label, "look": 0, "off": None, "called": {}}
        truth = five_points(scene.points_xy_px)
        off = np.linalg.norm(face.points_xy_px - truth, axis=1).max()
        transform = canonical_transform(face.points_xy_px)
        pair = align_pair(scene.onset, scene.apex, transform)
        onset, apex = to_grey(pair.onset, name="onset"), to_grey(pair.apex, name="apex")
        enlarged, called = magnification(transform), {}
        variants = {"": (onset, apex, 0.0)}
        if smoothed:
            variants[", smoothed"] = (onset, apex, SMOOTH_FRAME_PX)
        if evened:
            variants[", light evened"] = (_evened(onset), _evened(apex), 0.0)
        for name, (first, second, smooth) in variants.items():
            config = FaceFlowConfig(head_motion="none", smooth_frame_px=smooth)
            flow = face_flow(first, second, self.estimator, config, enlarged=enlarged)
            for head in HEADS:
                called[f"{head}{name}"] = self._name(remove_head(flow, head))
        return {
            "drawn": scene.label,
            "look": look,
            "off": round(float(off / np.linalg.norm(truth[1] - truth[0])), 3),
            "called": called,
        }

    def _found(self, scene: Scene) -> tuple[int, Detection | None]:
        least_px = AnalyzeConfig().least_eye_distance_px
        for look, detector in enumerate(self.looks, start=1):
            faces = [f for f in detector.detect(scene.onset) if f.eye_distance_px >= least_px]
            if faces:
                return look, max(faces, key=lambda one: one.eye_distance_px)
        return 0, None

    def _name(self, flow: np.ndarray) -> str:
        chances = self.namer(flow_map(flow)).probabilities
        return max(chances, key=lambda name: chances[name])


def _evened(grey: np.ndarray) -> np.ndarray:
    """Local mean and contrast made alike everywhere."""
    levels = grey.astype(np.float32)
    detail = levels - cv2.GaussianBlur(levels, (0, 0), _EVEN_PX)
    contrast = np.sqrt(cv2.GaussianBlur(detail**2, (0, 0), _EVEN_PX) + 16.0)
    return np.clip(128.0 + 40.0 * detail / contrast, 0, 255).astype(np.uint8)


def load(path: Path) -> dict[str, Any]:
    """Read what ``measure`` kept."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
