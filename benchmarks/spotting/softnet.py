"""SOFTNet's recipe (Liong et al., ICIP 2021), written small: the baseline of the benchmark.

Flow (u, v, strain) between frames k apart, minus the nose's, eyes masked; brows and mouth in one
image of 42 × 42; a shallow three-stream network scores each frame; the score is smoothed over
2k, peaks above mean + p (max - mean) and at least k apart are kept, and an interval is a peak ± k.
One run for micro-, one for macro-expressions, k half their mean length.

Departs from the publication: Farnebäck's flow instead of TV-L1, about 30 frames a second are
looked at, the face is cropped by five tracked points, and training is on synthetic videos.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from hmrm.faces.align import canonical_transform, warp
from hmrm.faces.regions import ANATOMICAL, Region, mixing_boxes
from hmrm.flow.estimate import build_estimator
from hmrm.flow.strain import optical_strain
from hmrm.intervals import Interval, Kind

CROP_WH_PX = (128, 185)
FRAMES_PER_S = 30.0
HALF_LENGTH_S: dict[Kind, float] = {"micro": 0.18, "macro": 1.2}
"""Half the mean length of the training videos' expressions, s: SOFTNet's k."""

PUBLISHED_P = 0.55
_STEPS, _BATCH, _RATE = 500, 64, 1e-3


def crop(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The face in grey, by its five points."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    return warp(grey, canonical_transform(points, CROP_WH_PX), CROP_WH_PX)


def images(crops: Sequence[np.ndarray], k: int) -> np.ndarray:
    """What the network sees of every pair (i, i + k): (n - k, 3, 42, 42), float16."""
    flow_of = build_estimator("farneback")
    rows = [_image(flow_of(crops[i], crops[i + k])) for i in range(len(crops) - k)]
    return np.stack(rows) if rows else np.zeros((0, 3, 42, 42), np.float16)


def _image(flow: np.ndarray) -> np.ndarray:
    flow = flow - flow[:, ANATOMICAL["nose"].mask(CROP_WH_PX)].mean(axis=1)[:, None, None]
    seen = np.concatenate([flow, optical_strain(flow)[None]])
    for eye in ("left_eye", "right_eye"):
        seen[:, ANATOMICAL[eye].mask(CROP_WH_PX)] = 0.0
    boxes = mixing_boxes()
    top = [_part(seen, boxes[name], 21, 21) for name in ("left_eye", "right_eye")]
    whole = np.concatenate(
        [np.concatenate(top, axis=2), _part(seen, boxes["mouth"], 42, 21)], axis=1
    )
    return whole.astype(np.float16)


def _part(seen: np.ndarray, region: Region, width: int, height: int) -> np.ndarray:
    left, top, right, bottom = np.array(region.box_xyxy) * np.tile(CROP_WH_PX, 2)
    cut = seen[:, round(top) : round(bottom), round(left) : round(right)].transpose(1, 2, 0)
    small = cv2.resize(cut.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return small.transpose(2, 0, 1)


class ThreeStreams(nn.Module):
    """One small convolution each for u, v and strain, then one hidden layer."""

    def __init__(self, scale: Tensor) -> None:
        """``scale``: standard deviation of u, v and strain over the training images."""
        super().__init__()
        self.register_buffer("scale", scale[:, None, None])
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1, filters, 5, padding=2), nn.ReLU(), nn.MaxPool2d(5, 5, ceil_mode=True)
            )
            for filters in (3, 5, 8)
        )
        self.head = nn.Sequential(
            nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 400),
            nn.ReLU(),
            nn.Linear(400, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Score of each image (n, 3, 42, 42): how much of an expression its pair overlaps."""
        x = x / self.scale
        seen = [stream(x[:, i : i + 1]) for i, stream in enumerate(self.streams)]
        return self.head(torch.cat(seen, dim=1)).squeeze(1)


def train(seen: np.ndarray, overlaps: np.ndarray, *, seed: int) -> ThreeStreams:
    """Fit by least squares to 1 where a pair overlaps an expression and 0 where not.

    Half of each batch overlaps one, since most pairs of a video do not.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(seen), torch.from_numpy(overlaps.astype(np.float32))
    model = ThreeStreams(torch.from_numpy(seen.astype(np.float32).std(axis=(0, 2, 3))))
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    inside, outside = torch.nonzero(y > 0)[:, 0], torch.nonzero(y == 0)[:, 0]
    for _ in range(_STEPS):
        halves = [
            rows[torch.randint(len(rows), (_BATCH // 2,), generator=generator)]
            for rows in (inside, outside)
        ]
        batch = torch.cat(halves)
        loss = nn.functional.mse_loss(model(x[batch].float()), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


def scores(model: ThreeStreams, seen: np.ndarray) -> np.ndarray:
    """Score of each pair."""
    with torch.no_grad():
        parts = [model(torch.from_numpy(part).float()) for part in np.array_split(seen, 8)]
    return torch.cat(parts).numpy()


def overlaps(frames: np.ndarray, k: int, truth: Sequence[Interval], kind: Kind) -> np.ndarray:
    """Whether the pair that begins at each frame looked at touches an expression of the kind."""
    first, last = frames[: len(frames) - k], frames[k:]
    found = np.zeros(len(first), dtype=bool)
    for one in truth:
        if one.kind == kind:
            found |= (first <= one.offset_index) & (last >= one.onset_index)
    return found


def spot(
    score: np.ndarray, frames: np.ndarray, k: int, kind: Kind, *, name: str, p: float
) -> list[Interval]:
    """Intervals around the peaks of the smoothed score.

    A score belongs to the middle of its pair, half of k after the frame it begins with.
    """
    if len(score) < 2 * k + 1:
        return []
    smooth = np.convolve(
        np.pad(score, k, mode="edge"), np.full(2 * k + 1, 1 / (2 * k + 1)), "valid"
    )
    threshold = smooth.mean() + p * (smooth.max() - smooth.mean())
    taken = np.zeros(len(smooth), dtype=bool)
    found = []
    for peak in np.argsort(-smooth, kind="stable"):
        if smooth[peak] < threshold:
            break
        if taken[max(0, peak - k) : peak + k + 1].any():
            continue
        taken[peak] = True
        middle = peak + k // 2
        onset, offset = max(0, middle - k), min(len(frames) - 1, middle + k)
        found.append(
            Interval(
                subject=name.rpartition("-")[0],
                video=name,
                onset_index=int(frames[onset]),
                offset_index=int(frames[offset]),
                kind=kind,
                score=float(smooth[peak]),
            )
        )
    return found
