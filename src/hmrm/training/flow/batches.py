"""Batches of the flow network: crops of synthetic pairs, or of a folder of real ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from hmrm.errors import DataError
from hmrm.flow.files.samples import FlowSample, read_sample
from hmrm.synthetic.flow_pairs import MIRRORED_X, MIRRORED_Y, Pairs, crop_of
from hmrm.synthetic.sensor import SensorConfig, seen


@runtime_checkable
class TrainingData(Protocol):
    """Endless crops; the generator decides which."""

    def crop(
        self, rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "2 h w"], Float[np.ndarray, "2 h w"]]:
        """Onset and apex as a camera stored them, and the flow, px; NaN where it is unknown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SyntheticTrainingData:
    """Crops of a pool of synthetic pairs, each seen by a camera of its own.

    Attributes:
        shrunk: fraction of the crops that are reduced first, see `crop_of`.
    """

    pairs: Pairs
    height_px: int
    width_px: int
    sensor: SensorConfig
    shrunk: float = 0.0

    def crop(
        self, rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "2 h w"], Float[np.ndarray, "2 h w"]]:
        """A pair, a place in it, and a camera, all at random."""
        index = int(rng.integers(len(self.pairs.frames)))
        size = (self.height_px, self.width_px)
        frames, flow = crop_of(self.pairs, index, size, rng, shrunk=self.shrunk)
        return seen(frames, self.sensor, rng=rng), flow


@dataclass(frozen=True, kw_only=True, eq=False)
class FolderTrainingData:
    """Crops of a data set on disk, mirrored at random, each seen by a camera of its own."""

    samples: Sequence[FlowSample]
    height_px: int
    width_px: int
    sensor: SensorConfig

    def crop(
        self, rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "2 h w"], Float[np.ndarray, "2 h w"]]:
        """A pair, a place in it, and a camera, all at random.

        Raises:
            DataError: the pair cannot be read, or is smaller than the crop.
        """
        sample = self.samples[int(rng.integers(len(self.samples)))]
        frames, flow = read_sample(sample)
        height, width = flow.shape[1:]
        if height < self.height_px or width < self.width_px:
            raise DataError(
                f"{sample.flow}: {width} x {height} px is smaller than the crop of "
                f"{self.width_px} x {self.height_px}; make crop_px smaller"
            )
        top = int(rng.integers(height - self.height_px + 1))
        left = int(rng.integers(width - self.width_px + 1))
        rows, columns = slice(top, top + self.height_px), slice(left, left + self.width_px)
        frames, flow = frames[:, rows, columns], flow[:, rows, columns]
        if rng.random() < 0.5:
            frames, flow = frames[..., ::-1], flow[..., ::-1] * MIRRORED_X
        if rng.random() < 0.1:
            frames, flow = frames[:, ::-1], flow[:, ::-1] * MIRRORED_Y
        return seen(frames.astype(np.float32), self.sensor, rng=rng), flow


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Images in grey levels and the flow between them, px; NaN where it is unknown."""

    onset: Float[Tensor, "b 1 h w"]
    apex: Float[Tensor, "b 1 h w"]
    flow: Float[Tensor, "b 2 h w"]


def synthesize_batch(training_data: TrainingData, *, batch: int, seed: Sequence[int]) -> Batch:
    """The batch of a seed: the same for ever, whatever was sampled before."""
    rng = np.random.default_rng(list(seed))
    return collated([training_data.crop(rng) for _ in range(batch)])


def collated(
    crops: list[tuple[UInt8[np.ndarray, "2 h w"], Float[np.ndarray, "2 h w"]]],
) -> Batch:
    """Crops of one size as a batch."""
    frames: Float32[np.ndarray, "b 2 h w"] = np.stack([c[0] for c in crops]).astype(np.float32)
    flow = np.stack([c[1] for c in crops]).astype(np.float32)
    onset, apex = torch.split(torch.from_numpy(frames), 1, dim=1)
    return Batch(onset=onset, apex=apex, flow=torch.from_numpy(flow))
