"""Where a photograph's face lies in a rendered frame, and how crop px become frame px there."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.errors import ConfigError
from hmrm.faces.align import (
    apply,
    canonical_landmarks68,
    canonical_transform,
    compose,
    invert,
)
from hmrm.faces.shape import five_points
from hmrm.facs.atlas import IMAGE_PX


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """Affine maps between photo, frame (before head motion) and canonical crop, each (2, 3)."""

    photo_to_frame: Float[np.ndarray, "2 3"]
    frame_to_crop: Float[np.ndarray, "2 3"]
    points_frame_px: Float[np.ndarray, "n 2"]
    landmarks_crop_px: Float[np.ndarray, "68 2"]
    size_wh_px: tuple[int, int]

    @classmethod
    def of(
        cls,
        points_xy_px: Float[np.ndarray, "n 2"],
        *,
        size_wh_px: tuple[int, int],
        eye_distance_px: float,
    ) -> "Placement":
        """Centre the face in the frame, eyes ``eye_distance_px`` apart, tilt kept.

        With 5 points the canonical mean face stands in for the landmarks that are missing.

        Raises:
            ConfigError: neither 5 nor 68 points.
        """
        points = points_xy_px.astype(np.float64)
        if len(points) not in (5, 68) or not np.isfinite(points).all():
            raise ConfigError(f"face points: got {points.shape}; give 5 or 68 finite points")
        photo_to_crop = canonical_transform(points)
        photo_to_crop[:, 2] += 0.5  # crop positions count from the edge, not from a pixel's middle
        five = points if len(points) == 5 else five_points(points)
        scale = eye_distance_px / float(np.linalg.norm(five[1] - five[0]))
        middle = apply(invert(photo_to_crop), IMAGE_PX[None] / 2)[0]
        offset = np.array(size_wh_px) / 2 - scale * middle
        photo_to_frame = np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])
        whole = len(points) == 68
        return cls(
            photo_to_frame=photo_to_frame,
            frame_to_crop=compose(photo_to_crop, invert(photo_to_frame)),
            points_frame_px=apply(photo_to_frame, points),
            landmarks_crop_px=(
                apply(photo_to_crop, points) if whole else canonical_landmarks68() * IMAGE_PX
            ),
            size_wh_px=size_wh_px,
        )

    @property
    def face_middle_frame_px(self) -> Float[np.ndarray, "2"]:
        """The pivot of head motion: between nose and mouth."""
        return np.array(self.size_wh_px) / 2

    @property
    def eye_aperture_crop_px(self) -> float:
        """Mean opening of the lids, px of the canonical crop."""
        y = self.landmarks_crop_px[:, 1]
        return float((y[[40, 41, 46, 47]] - y[[38, 37, 44, 43]]).mean())

    def place(
        self, photo: UInt8[np.ndarray, "h w *c"], *, finer: int = 1
    ) -> UInt8[np.ndarray, "a b *c"]:
        """The photo on the frame's grid, or one ``finer`` times as dense; mirrored at borders.

        Lanczos upwards, area means downwards.
        """
        # Pixel centres move when a grid becomes finer: centre k lies at finer * k + (finer - 1)/2.
        matrix = self.photo_to_frame * finer
        matrix[:, 2] += (finer - 1) / 2
        scale = float(matrix[0, 0])
        if scale < 1.0:
            # Shrink by area first: sampling a fine image coarsely would alias.
            width, height = (max(1, round(n * scale)) for n in (photo.shape[1], photo.shape[0]))
            ratio = np.array([width / photo.shape[1], height / photo.shape[0]])
            photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
            matrix[:, 2] += matrix[:, :2] @ (0.5 / ratio - 0.5)
            matrix[:, :2] = matrix[:, :2] / ratio
        return cv2.warpAffine(
            photo,
            matrix,
            (self.size_wh_px[0] * finer, self.size_wh_px[1] * finer),
            flags=cv2.INTER_LANCZOS4,
            borderMode=cv2.BORDER_REFLECT_101,
        )

    def to_frame(
        self, crop_flow: Float32[np.ndarray, "2 a a"], *, size: int
    ) -> Float32[np.ndarray, "h w 2"]:
        """A flow sampled ``size`` times across the crop, as frame px on the frame's grid."""
        beyond = (crop_flow.shape[1] - size) // 2
        scale = size / IMAGE_PX
        to_samples = self.frame_to_crop * scale[:, None]
        to_samples[:, 2] += beyond - 0.5
        width, height = self.size_wh_px
        sampled = cv2.warpAffine(
            np.ascontiguousarray(crop_flow.transpose(1, 2, 0)),
            to_samples,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )
        linear = np.linalg.inv(self.frame_to_crop[:, :2])
        return (sampled @ linear.T.astype(np.float32)).astype(np.float32)
