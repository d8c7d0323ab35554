"""One clip under every condition through the whole chain, with and without remedies."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.robustness.conditions import AXES, EVENED, ORDINARY, SMOOTHED
from benchmarks.robustness.rivals import HEADS, evened, smoothed
from benchmarks.robustness.scenes import Cast, Condition, Scene, render_scene
from hmrm import atomic
from hmrm.analysis.classify import NetworkClassifier
from hmrm.analysis.settings import AnalyzeConfig, Classifier
from hmrm.faces.align import align_pair, canonical_transform
from hmrm.faces.boxes import Detection, Detector
from hmrm.faces.mtcnn import MTCNN, MTCNNConfig
from hmrm.faces.shape import five_points
from hmrm.flow.classical import FlowEstimator
from hmrm.flow.estimate import build_estimator, to_grey
from hmrm.flow.pair import flow_map


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
        evaluations=(MTCNN(MTCNNConfig(second_look=False)), MTCNN()),
        classifier=NetworkClassifier(),
        estimator=build_estimator(order.flow),
    )
    found = {ORDINARY: chain.run(render_scene(order.cast, order.number, Condition()))}
    for axis, levels in AXES.items():
        for level, condition in levels.items():
            scene = render_scene(order.cast, order.number, condition)
            found[f"{axis}: {level}"] = chain.run(
                scene, with_smoothing=axis in SMOOTHED, with_evening=axis in EVENED
            )
    atomic.write_text(order.path, json.dumps(found) + "\n")


@dataclass(frozen=True, kw_only=True)
class _Chain:
    evaluations: tuple[Detector, ...]
    classifier: Classifier
    estimator: FlowEstimator

    def run(
        self, scene: Scene, *, with_smoothing: bool = False, with_evening: bool = False
    ) -> dict[str, Any]:
        """What was rendered, how far off the face was found (eye distances), what it was called.

        ``look`` is 1 or 2, the second with the light evened, or 0 where the face was not found. A
        face that is not found, or too small for the analysis, is called nothing.
        """
        look, face = self._found(scene)
        if face is None:
            return {"label": scene.label, "look": 0, "off": None, "called": {}}
        truth = five_points(scene.points_xy_px)
        off = np.linalg.norm(face.points_xy_px - truth, axis=1).max()
        transform = canonical_transform(face.points_xy_px)
        pair = align_pair(scene.onset, scene.apex, transform)
        onset, apex = to_grey(pair.onset, name="onset"), to_grey(pair.apex, name="apex")
        variants = {"": (onset, apex)}
        if with_smoothing:
            enlarged = math.sqrt(abs(np.linalg.det(transform[:, :2])))
            small = smoothed(onset, enlarged=enlarged), smoothed(apex, enlarged=enlarged)
            variants[", smoothed"] = small
        if with_evening:
            variants[", light evened"] = evened(onset), evened(apex)
        called = {}
        for name, (first, second) in variants.items():
            flow = self.estimator(first, second)
            for head, remove in HEADS.items():
                called[f"{head}{name}"] = self._name(remove(flow))
        return {
            "label": scene.label,
            "look": look,
            "off": round(float(off / np.linalg.norm(truth[1] - truth[0])), 3),
            "called": called,
        }

    def _found(self, scene: Scene) -> tuple[int, Detection | None]:
        least_px = AnalyzeConfig().least_eye_distance_px
        for look, detector in enumerate(self.evaluations, start=1):
            faces = [f for f in detector.detect(scene.onset) if f.eye_distance_px >= least_px]
            if faces:
                return look, max(faces, key=lambda one: one.eye_distance_px)
        return 0, None

    def _name(self, flow: np.ndarray) -> str:
        chances = self.classifier(flow_map(flow)).probabilities
        return max(chances, key=lambda name: chances[name])


def load(path: Path) -> dict[str, Any]:
    """Read what ``measure`` kept."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
