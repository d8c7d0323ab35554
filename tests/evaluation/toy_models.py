"""Small recognisers that tests and worker processes import by name."""

import os
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class NearestMean:
    """No epochs: distance to the mean map of each class."""

    map_kind: str = "canonical"
    pause_s: float = 0.0

    epochs = None

    def fit(self, train, *, seed, epochs=None, observer=None):
        time.sleep(self.pause_s)
        rows = train.maps.reshape(len(train.maps), -1).astype(np.float64)
        means = [
            rows[train.labels == c].mean(0) if (train.labels == c).any() else rows.mean(0) + 1e3
            for c in range(len(train.classes))
        ]
        return FittedMeans(np.stack(means))


class FittedMeans:
    def __init__(self, means):
        self.means = means

    def predict(self, maps):
        rows = maps.reshape(len(maps), -1).astype(np.float64)
        return -((rows[:, None] - self.means) ** 2).sum(-1)

    def features(self, maps):
        return maps.reshape(len(maps), -1).astype(np.float64) @ self.means.T


@dataclass(frozen=True, kw_only=True)
class Softmax:
    """Epochs: softmax regression by gradient steps from seeded weights."""

    epochs: int = 6
    rate: float = 0.01
    map_kind: str = "canonical"

    def fit(self, train, *, seed, epochs=None, observer=None):
        rows = train.maps.reshape(len(train.maps), -1).astype(np.float64)
        target = np.eye(len(train.classes))[train.labels]
        weights = np.random.default_rng(seed).normal(0, 0.1, (rows.shape[1], target.shape[1]))
        for epoch in range(1, (epochs or self.epochs) + 1):
            weights = weights - self.rate * rows.T @ (softmax(rows @ weights) - target) / len(rows)
            if observer is not None:
                observer(epoch, FittedLinear(weights))
        return FittedLinear(weights)


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


class FittedLinear:
    def __init__(self, weights):
        self.weights = weights

    def predict(self, maps):
        return softmax(maps.reshape(len(maps), -1).astype(np.float64) @ self.weights)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Breaks the contract in the way it is told."""

    how: str
    epochs = None
    map_kind: str = "raw"

    def fit(self, train, *, seed, epochs=None, observer=None):
        train.maps[:] = 0  # what a model does to its training set must stay with it
        return FittedBroken(self.how)


class FittedBroken:
    def __init__(self, how):
        self.how = how

    def predict(self, maps):
        scores = np.zeros((len(maps), 3))
        scores[:, 0] = maps[:, 0].mean((1, 2))
        if self.how == "batch":
            scores[:, 1] = np.median(scores[:, 0])
        if self.how == "nan":
            scores[0, 0] = np.nan
        if self.how == "shape":
            return scores[:, :2]
        if self.how == "writes":
            maps[:] = 0
        return scores


@dataclass(frozen=True, kw_only=True)
class Guesser:
    """No skill at all, another guess in every epoch; knows nothing of the clips it has seen."""

    epochs: int = 100
    map_kind: str = "raw"

    def fit(self, train, *, seed, epochs=None, observer=None):
        for epoch in range(1, (epochs or self.epochs) + 1):
            if observer is not None:
                observer(epoch, FittedGuess(seed, epoch))
        return FittedGuess(seed, epochs or self.epochs)


class FittedGuess:
    def __init__(self, seed, epoch):
        self.key = (seed, epoch)

    def predict(self, maps):
        # Keyed by the clip's own pixels, so that a clip is guessed the same alone as in a batch.
        keys = [np.frombuffer(m.tobytes()[:512], np.uint32) for m in maps]
        return np.stack([np.random.default_rng([*self.key, *k]).random(3) for k in keys])


def threads(**options):
    """A factory that is no class; refuses every option."""
    if options:
        raise TypeError(f"no option {next(iter(options))}")
    return NearestMean(pause_s=float(os.environ.get("TOY_PAUSE_S", "0")))


NO_FIT = dict
