"""The flow between two crops of a face as recognition sees it: without what the head does."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from hmrm.errors import ConfigError
from hmrm.flow.classical import FlowEstimator
from hmrm.flow.estimate import check_pair, to_grey
from hmrm.flow.rigid import HeadMotion, remove_head

# Less than this changes no grey level by one.
_LEAST_SIGMA_PX = 0.2


@dataclass(frozen=True, kw_only=True)
class FaceFlowConfig:
    """What is done beside estimating the flow; measured by ``benchmarks/robustness``.

    Attributes:
        head_motion: what is fitted and taken out as the head's motion.
        smooth_frame_px: standard deviation, px of the frame, of the blur of crops that were
            enlarged from small faces; 0 switches it off. Where the crop is not larger than the
            face was, nothing is blurred.
    """

    head_motion: HeadMotion = "similarity"
    smooth_frame_px: float = 0.0

    def __post_init__(self) -> None:
        """Refuse blurs that are none."""
        if not (math.isfinite(self.smooth_frame_px) and self.smooth_frame_px >= 0):
            raise ConfigError(f"smooth_frame_px {self.smooth_frame_px}: use 0 or more, in px")

    def sigma_px(self, enlarged: float) -> float:
        """Standard deviation of the blur, px of the crop.

        Args:
            enlarged: px of the crop for each px of the frame.
        """
        return self.smooth_frame_px * math.sqrt(max(0.0, enlarged**2 - 1.0))


def face_flow(
    onset: np.ndarray,
    apex: np.ndarray,
    estimator: FlowEstimator,
    config: FaceFlowConfig,
    *,
    enlarged: float,
) -> Float32[np.ndarray, "2 h w"]:
    """Flow from onset to apex, head motion removed, px of the crop.

    Args:
        onset: a crop of a face, any usual kind of picture; see ``hmrm.flow.estimate``.
        enlarged: px of the crop for each px of the frame that it was cut from.

    Raises:
        InputError: not two pictures of one size.
    """
    first, second = to_grey(onset, name="onset"), to_grey(apex, name="apex")
    check_pair(first, second)
    if np.array_equal(first, second):
        return np.zeros((2, *first.shape), np.float32)
    sigma = config.sigma_px(enlarged)
    if sigma > _LEAST_SIGMA_PX:
        first, second = (cv2.GaussianBlur(grey, (0, 0), sigma) for grey in (first, second))
    return remove_head(estimator(first, second), config.head_motion)
