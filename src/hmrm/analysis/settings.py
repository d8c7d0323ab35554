"""What decides an analysis, and where a classifier drops in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from hmrm.clip import Counterfactual, FlowMap
from hmrm.records import formerly
from hmrm.spotting.settings import Faces, SpottingConfig

KEPT_IMAGES = 24
"""Events of a video of which a report shows images, the most salient first."""

TIE = 0.1
"""Two classes whose probabilities are nearer than this are a tie."""


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The classes of a movement.

    Attributes:
        probabilities: of every class, in label order; they add up to one.
        decisive_region: the part of the face that contributed most to the most probable class.
        calibrated: probabilities calibrated on other subjects; empty without a calibration.
        class_set: classes of which one is the true one in ``set_coverage`` of clips like those of
            the calibration; empty without one.
        set_coverage: None without a calibration.
        unlike_training: whether the movement is unlike all training maps; None where not known.
        contributions, counterfactual: ``regions`` and ``counterfactual`` of `hmrm.clip.Reasons`.
        unit_probabilities: action unit → probability; None where the classifier knows no units.
    """

    probabilities: Mapping[str, float]
    decisive_region: str | None = None
    calibrated: Mapping[str, float] = field(default_factory=dict)
    class_set: tuple[str, ...] = ()
    set_coverage: float | None = None
    unlike_training: bool | None = None
    contributions: Mapping[str, float] = field(default_factory=dict)
    counterfactual: Counterfactual | None = None
    unit_probabilities: Mapping[int, float] | None = None

    @property
    def label(self) -> str:
        """The most probable class; "unclear: A or B" where the second is within ``TIE`` of it."""
        ranked = sorted(self.probabilities, key=lambda name: -self.probabilities[name])
        if len(ranked) > 1 and self.probabilities[ranked[0]] - self.probabilities[ranked[1]] < TIE:
            return f"unclear: {' or '.join(sorted(ranked[:2]))}"
        return ranked[0]


@runtime_checkable
class Classifier(Protocol):
    """Classifies a movement from its flow map; where a recogniser drops in."""

    def __call__(self, flow_map: FlowMap) -> Classification:
        """Probabilities of the classes, and what decided."""


@dataclass(frozen=True, kw_only=True)
class AnalyzeConfig(SpottingConfig):
    """Everything that decides an analysis: how events are found, and shown.

    Attributes:
        flow: estimator between onset and apex (``hmrm.flow.estimate.ESTIMATORS``). On rendered
            faces with moving heads DeepFlow is the most exact (docs/benchmarks/effect.md).
        kept_images: events whose images are kept, the most salient first; all are classified.
        head_motion: fit a similarity to the flow between onset and apex and take it out, as
            ``hmrm datasets prepare`` does.
    """

    flow: str = "deepflow"
    kept_images: int = field(default=KEPT_IMAGES, metadata=formerly("kept_pictures"))
    head_motion: bool = True
    faces: Faces = "all"
