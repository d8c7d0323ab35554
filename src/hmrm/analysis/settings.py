"""What decides an analysis, and where a recogniser drops in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from hmrm.analysis.quality import RemarkConfig
from hmrm.clip import FlowMap
from hmrm.faces.track import TrackConfig
from hmrm.spotting.motion import MotionConfig
from hmrm.spotting.movements import SpotConfig

Faces = Literal["all", "largest"]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What a movement is called.

    Attributes:
        probabilities: of every class, in label order; they add up to one.
        decisive_region: the part of the face that spoke most for the most probable class.
    """

    probabilities: Mapping[str, float]
    decisive_region: str | None = None


@runtime_checkable
class Namer(Protocol):
    """Names a movement from its flow map; where a recogniser drops in."""

    def __call__(self, flow_map: FlowMap) -> Naming:
        """Probabilities of the classes, and what decided."""


@dataclass(frozen=True, kw_only=True)
class AnalyzeConfig:
    """Everything that decides a result.

    Attributes:
        flow: estimator between onset and apex (``hmrm.flow.estimate.ESTIMATORS``). On rendered
            faces with moving heads DeepFlow is the most exact (docs/benchmarks/effect.md).
        faces: analyse all faces, or the one that filled most of the video.
        most_frames_per_s: faster videos are looked at every second, third … frame.
        least_eye_distance_px: smaller faces are refused.
        head_motion: fit a similarity to the flow between onset and apex and take it out, as
            ``hmrm datasets prepare`` does.
        kept_pictures: events whose pictures are kept and which are named, the clearest first.
    """

    flow: str = "deepflow"
    faces: Faces = "all"
    most_frames_per_s: float = 100.0
    least_eye_distance_px: float = 24.0
    kept_pictures: int = 24
    head_motion: bool = True
    track: TrackConfig = field(default_factory=TrackConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    spot: SpotConfig = field(default_factory=SpotConfig)
    remarks: RemarkConfig = field(default_factory=RemarkConfig)
