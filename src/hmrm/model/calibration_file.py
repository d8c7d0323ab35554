"""The calibration of shipped weights: ``NAME.calibration.json`` next to them, read without torch.

It carries the digest of the weights' tensors, so a calibration of other weights is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hmrm import records
from hmrm.errors import DataError, WeightsError
from hmrm.model.calibration import Scaling, class_sets, logits_of

OTHER_CLASS_FROM = 0.1
"""Probability from which on a class that no calibration clip has belongs to a set."""


@dataclass(frozen=True, kw_only=True)
class CalibratedClip:
    """Calibrated probabilities of every class, and the classes that belong to the set."""

    probabilities: Mapping[str, float]
    class_set: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a calibration file holds.

    Attributes:
        weights_sha256: hex digest of the tensors whose scores it calibrates.
        classes: that the calibration clips have, in label order.
        scaling: of the logits of these classes.
        least: probability, all classes equally frequent, from which on each belongs to the set.
        set_coverage: fraction of clips whose set was to hold the true class.
        rule: how ``least`` was chosen (`hmrm.evaluation.calibration.SetRule`).
        fitted_on: one sentence about the calibration clips.
        clips, subjects: their numbers.
        predictions_sha256: hex digests of the tables of out-of-fold scores, in the order of seeds.
        limits: what it does not show, one sentence each.
    """

    weights_sha256: str
    classes: tuple[str, ...]
    scaling: Scaling
    least: tuple[float, ...]
    set_coverage: float
    rule: str
    fitted_on: str
    clips: int
    subjects: int
    predictions_sha256: tuple[str, ...]
    limits: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        counts = {len(self.classes), len(self.least), len(self.scaling.offsets)}
        if len(counts) > 1 or len(self.classes) < 2:
            raise ValueError("classes, least and offsets differ in number, or are fewer than 2")
        if not all(0 <= value <= 1 for value in (*self.least, self.set_coverage)):
            raise ValueError("least and set_coverage must be 0 to 1")

    def apply(self, probabilities: Mapping[str, float]) -> CalibratedClip:
        """Calibrate what a network says of one clip.

        A class that the calibration clips lack (``none``) keeps the network's own probability; the
        others share the rest as calibrated. It joins the set from `OTHER_CLASS_FROM` on.

        Args:
            probabilities: the network's own, of every class.
        """
        own = np.array([[probabilities[name] for name in self.classes]])
        logits = logits_of(np.maximum(own, 1e-12))
        rest = float(own.sum())
        shared = self.scaling.probabilities(logits)[0] * rest
        calibrated = dict(zip(self.classes, shared.tolist(), strict=True))
        inside = class_sets(self.scaling.balanced(logits), np.array(self.least))[0]
        members = {name for name, one in zip(self.classes, inside, strict=True) if one}
        members |= {
            name
            for name, value in probabilities.items()
            if name not in calibrated and value >= OTHER_CLASS_FROM
        }
        return CalibratedClip(
            probabilities={name: calibrated.get(name, own) for name, own in probabilities.items()},
            class_set=tuple(name for name in probabilities if name in members),
        )


def calibration_path(tensors: Path) -> Path:
    """Where the calibration of a ``.safetensors`` file lies, if it has one."""
    return tensors.with_suffix(".calibration.json")


def read_calibration(tensors: Path, *, sha256: str, classes: Sequence[str]) -> Calibration | None:
    """The calibration next to weights; None where there is none.

    Args:
        tensors: path of the ``.safetensors`` file, which need not be there.
        sha256: hex digest of the tensors.
        classes: that the network knows.

    Raises:
        WeightsError: damaged, or of other weights.
    """
    path = calibration_path(tensors)
    if not path.is_file():
        return None
    try:
        found = records.read(Calibration, path)
    except DataError as error:
        raise WeightsError(f"{error}; fit it again: hmrm weights calibrate") from error
    unknown = [name for name in found.classes if name not in classes]
    if found.weights_sha256 != sha256 or unknown:
        raise WeightsError(
            f"{path}: calibrates other weights than {tensors.name} (digest or classes differ); fit "
            "it again: hmrm weights calibrate, or delete it to do without"
        )
    return found
