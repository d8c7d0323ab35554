"""What decides which events are found in a video."""

from dataclasses import dataclass, field
from typing import Literal

from hmrm.errors import ConfigError
from hmrm.flow.apex import APEX_RULES
from hmrm.spotting.apexes import DISPLACEMENT
from hmrm.spotting.distractors import DistractorConfig
from hmrm.spotting.events import QualityConfig
from hmrm.spotting.first_pass import FirstPassConfig
from hmrm.spotting.movements import LONG_VIDEO, SpotConfig

Faces = Literal["all", "largest"]


@dataclass(frozen=True, kw_only=True)
class SpottingConfig(FirstPassConfig):
    """Everything that decides which events are found; the defaults are those of long videos.

    Attributes:
        faces: analyse the face that filled most of the video, or all of them.
        spot: what counts as a movement.
        distractors: which movements are no expression; None keeps all.
        apex_rule: ``displacement`` is the largest displacement of the spotted curve; another is one
            of ``hmrm.flow.apex.APEX_RULES``, for which frames are read again.
        quality: when an event or a video earns a quality flag.
    """

    faces: Faces = "largest"
    spot: SpotConfig = LONG_VIDEO
    distractors: DistractorConfig | None = field(default_factory=DistractorConfig)
    apex_rule: str = DISPLACEMENT
    quality: QualityConfig = field(default_factory=QualityConfig)

    def __post_init__(self) -> None:
        known = (DISPLACEMENT, *APEX_RULES)
        if self.apex_rule not in known:
            raise ConfigError(f"apex rule {self.apex_rule!r}; choose one of {', '.join(known)}")
