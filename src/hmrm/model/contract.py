"""What a recogniser must offer to be trained and compared here, and what it is given.

The contract is small on purpose, so that a model of one's own fits in one file: `fit` takes a
training set and a seed and returns something with `predict`. `fit` has no parameter through which
the test subject could reach it; to watch training, pass an `Observer`, which sees
frozen predictors and returns nothing.
"""

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Shaped

from hmrm.flow.mapset import MapSet

MapKind = Literal["canonical", "raw", "frames"]
"""`canonical`: crop hmrm-1, u and v centred and scaled, strain from them; `raw`: as on file.

`frames`: in the place of maps, the names of files with each clip's frames, which
`hmrm.flow.aligned_frames` reads."""

Inputs = Shaped[np.ndarray, "n ..."]
"""Maps ``(n, 3, s, s)`` float32, or names of files ``(n)``, as the model's `MapKind` has it."""


TrainingSet = MapSet
"""The clips a model may learn from, never the test subject's; maps in the model's `MapKind`."""


@runtime_checkable
class FittedRecogniser(Protocol):
    """A trained model that changes no more."""

    def predict(self, maps: Inputs) -> Float[np.ndarray, "n classes"]:
        """One score per class, float64, largest wins; deterministic, each clip for itself.

        A clip's scores must be the same alone as in a batch; the runner checks it, and stamps the
        run `transductive` where they are not.
        """


@runtime_checkable
class HasFeatures(Protocol):
    """A fitted model that also shows the features its decision rests on."""

    def features(self, maps: Inputs) -> Float[np.ndarray, "n d"]:
        """One vector per clip, for the report's feature map."""


@runtime_checkable
class ChecksMaps(Protocol):
    """A fitted model that names what it cannot classify, for maps from outside."""

    def check(self, maps: Inputs) -> None:
        """Raise a `DataError` or `NumericalError` that names the first unfit map."""


Observer = Callable[[int, FittedRecogniser], None]
"""Called after each epoch with the number of epochs done (1, 2, …) and the model as it stands.

The predictor is valid during the call only. An observer returns nothing, so it cannot steer."""


@runtime_checkable
class Recogniser(Protocol):
    """A model with its hyper-parameters, before training.

    A frozen dataclass whose fields are the hyper-parameters is the natural way to write one: the
    ``[model]`` table of a config then sets its fields, and unknown keys raise.
    """

    @property
    def map_kind(self) -> MapKind:
        """Which maps `fit` and `predict` expect."""

    @property
    def epochs(self) -> int | None:
        """Default number of epochs; None where there is nothing to stop early (an SVM)."""

    def fit(
        self,
        train: MapSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> FittedRecogniser:
        """Train on ``train`` alone.

        Args:
            train: everything the model may see.
            seed: only source of randomness; the same seed gives the same model.
            epochs: number of epochs to train, instead of the default; ignored where
                `Recogniser.epochs` is None. Training for ``n`` epochs need not pass through the
                states of a longer training (schedules may stretch).
            observer: see `Observer`; its presence changes no weight.
        """
