"""What decides which events are found in a video."""

from dataclasses import dataclass, field
from typing import Literal

from hmrm.errors import ConfigError
from hmrm.flow.apex import APEX_RULES
from hmrm.spotting.apexes import DISPLACEMENT
from hmrm.spotting.events import QualityConfig
from hmrm.spotting.first_pass import FirstPassConfig
from hmrm.spotting.fusion import FusionConfig

Faces = Literal["all", "largest"]


@dataclass(frozen=True, kw_only=True)
class SpottingConfig(FirstPassConfig):
    """Everything that decides which events are found, the same for ``analyze`` and ``spot``.

    Attributes:
        faces: analyse the face that filled most of the video, or all of them.
        fusion: what counts as an expression.
        apex_rule: ``displacement`` is the largest displacement of the spotted curve; another is one
            of ``hmrm.flow.apex.APEX_RULES``, for which frames are read again.
        quality: when an event or a video earns a quality flag.
    """

    faces: Faces = "largest"
    fusion: FusionConfig = field(default_factory=FusionConfig)
    apex_rule: str = DISPLACEMENT
    quality: QualityConfig = field(default_factory=QualityConfig)

    def __post_init__(self) -> None:
        known = (DISPLACEMENT, *APEX_RULES)
        if self.apex_rule not in known:
            raise ConfigError(f"apex rule {self.apex_rule!r}; choose one of {', '.join(known)}")
