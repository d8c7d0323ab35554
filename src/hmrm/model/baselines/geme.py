"""A re-creation of GEME: one image per clip, an emotion stream fed by a gender stream.

Not the published system: of Nie, Takalkar, Duan, Zhang and Xu, "GEME: dual-stream multi-task
gender-based micro-expression recognition", Neurocomputing 427, 2021, neither code nor text could
be read; rows say "re-creation". Known, from memory: a dynamic image of each clip (rank pooling), an
auxiliary gender stream, a class-balanced focal loss (`hmrm.training.frame_losses`).

Ours, since the paper could not be read: the approximate rank pooling of Bilen et al. (CVPR 2016),
grey repeated in three channels, scaled to its extremes, 112 × 112 px; two streams of four times a
convolution, batch normalisation, ReLU and pooling; after stages 2, 3 and 4 a 1 × 1 convolution of
the gender stream, which starts at zero, is added to the emotion stream.
"""

from itertools import pairwise

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor, nn

from hmrm.flow.aligned_frames import AlignedFrames

SIDE_PX = 112
WIDTHS = (3, 32, 64, 128, 256)
GENDERS = ("female", "male")


class Geme(nn.Module):
    """Dynamic images of 112 × 112 px to one score per class, and one per gender."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.emotion, self.gender = (
            nn.ModuleList(_stage(a, b) for a, b in pairwise(WIDTHS)) for _ in range(2)
        )
        self.crossings = nn.ModuleList(nn.Conv2d(width, width, 1) for width in WIDTHS[2:])
        for value in self.crossings.parameters():
            nn.init.zeros_(value)
        self.dropout = nn.Dropout(0.5)
        self.classify = nn.Linear(WIDTHS[-1], classes)
        self.classify_gender = nn.Linear(WIDTHS[-1], len(GENDERS))

    @staticmethod
    def read(clip: AlignedFrames) -> Float32[np.ndarray, "3 112 112"]:
        """What the network sees of a clip."""
        return np.repeat(dynamic_image(clip.grey)[None], 3, axis=0)

    @staticmethod
    def mirrored(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The same of mirrored faces."""
        return images.flip(-1)

    def features(
        self, images: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"]]:
        """Pooled maps of the emotion stream and of the gender stream."""
        emotion = gender = images
        for number, (mine, other) in enumerate(zip(self.emotion, self.gender, strict=True)):
            emotion, gender = mine(emotion), other(gender)
            if number:
                emotion = emotion + self.crossings[number - 1](gender)
        return emotion.mean((2, 3)), gender.mean((2, 3))

    def both(
        self, images: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b classes"], Float[Tensor, "b 2"]]:
        """Scores of classes and of genders before softmax."""
        emotion, gender = self.features(images)
        return (
            self.classify(self.dropout(emotion)),
            self.classify_gender(self.dropout(gender)),
        )

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b classes"]:
        """Scores of classes before softmax."""
        return self.both(images)[0]


def rank_weights(frames: int) -> Float64[np.ndarray, " t"]:
    """Weights of approximate rank pooling, which sum to 0.

    Example:
        >>> from hmrm.model.baselines.geme import rank_weights
        >>> rank_weights(2).tolist()
        [-0.5, 0.5]
    """
    number = np.arange(1, frames + 1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / number)])
    return 2 * (frames - number + 1) - (frames + 1) * (harmonic[-1] - harmonic[:-1])


def dynamic_image(grey: np.ndarray) -> Float32[np.ndarray, "112 112"]:
    """Frames ``(t, h, w)`` as one image, 0 to 1; all 0 where nothing moves."""
    small = [
        cv2.resize(frame.astype(np.float64), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        for frame in grey
    ]
    # Differences to the first frame, so that a static clip gives exactly 0: the weights sum to 0.
    ranked = np.tensordot(rank_weights(len(small)), np.stack(small) - small[0], axes=1)
    spread = float(np.ptp(ranked))
    scaled = (ranked - ranked.min()) / spread if spread > 0 else np.zeros_like(ranked)
    return scaled.astype(np.float32)


def _stage(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def gender_targets(genders: list[str | None]) -> Tensor:
    """Places in `GENDERS`; −1 where it is unknown."""
    return torch.tensor([-1 if one is None else GENDERS.index(one) for one in genders])
