"""Weights for use, from all clips of a data set: nothing is left over to score them on."""

import math
from dataclasses import replace
from pathlib import Path

from hmrm import config, provenance, records
from hmrm.errors import ConfigError
from hmrm.faces.crops import CANONICAL_CROP
from hmrm.flow.mapset import MapSet, canonical_mapset
from hmrm.model.checkpoints import save_checkpoint
from hmrm.model.contract import Recogniser
from hmrm.model.fitted_network import FittedHmrm
from hmrm.model.weight_card import WeightCard
from hmrm.training.network_recogniser import HmrmRecogniser
from hmrm.training.pretrained import pretrained_network
from hmrm.training.training_data import real_maps

LIMITS = (
    "Trained on recordings that are licensed for research; use the weights for research only.",
    "Every subject in the card was seen in training: a score on their clips is meaningless.",
    "Laboratory classes: posed, spoken and everyday expressions were never shown.",
)


def train_composite(
    mapset: MapSet,
    recogniser: Recogniser,
    folder: Path,
    *,
    seed: int,
    out_of_fold: object = None,
) -> Path:
    """Train on every clip and write ``weights.safetensors`` with its card; return its path.

    Args:
        recogniser: HMRM, with a head that is part of the network.
        out_of_fold: figures of the same config in folds of the same clips, for the card: any record
            (`hmrm.evaluation.out_of_fold`).

    Raises:
        ConfigError: the recogniser's result is no single network.
        OutputError: the files cannot be written.
        WeightsError: see `HmrmRecogniser.fit`.
    """
    if not isinstance(recogniser, HmrmRecogniser) or (
        recogniser.tune == "linear" and recogniser.head.kind == "svm"
    ):
        raise ConfigError(
            "train composite: weights hold one network; use model hmrm with tune whole or last, "
            "or with head ridge or logistic"
        )
    train = canonical_mapset(
        mapset if recogniser.offset_maps else replace(mapset, offset_maps=None)
    )
    fitted = recogniser.fit(train, seed=seed)
    assert isinstance(fitted, FittedHmrm)
    trained_on, subjects, steps = _history(recogniser, train)
    card = WeightCard(
        config=fitted.network.config,
        classes=mapset.classes,
        crop=CANONICAL_CROP,
        trained_on=trained_on,
        steps=steps,
        trained_subjects=subjects,
        trained_clips=train.ids,
        metrics={} if out_of_fold is None else {"out of fold": records.to_json(out_of_fold)},
        limits=LIMITS,
        provenance=provenance.make_stamp(
            config_hash=config.digest(recogniser), data_hash=mapset.sha256, seeds=(seed,)
        ),
    )
    path = folder / "weights.safetensors"
    save_checkpoint(path, fitted.network, card)
    return path


def _history(recogniser: HmrmRecogniser, train: MapSet) -> tuple[str, tuple[str, ...], int]:
    """One sentence, the real people, and the optimiser steps behind the weights."""
    subjects = set(train.subjects)
    words = f"{len(train.ids)} clips of {len(subjects)} people"
    steps = 0
    if recogniser.pretrained is not None:
        _, card = pretrained_network(recogniser.pretrained)
        subjects |= set(card.trained_subjects)
        words = f"{card.trained_on}; then {words}"
        steps = card.steps
    if recogniser.epochs is None:
        words += " (last layer only)"
    else:
        count = len(real_maps(train, offset_maps=recogniser.offset_maps).ids)
        steps += recogniser.epochs * math.ceil(count / recogniser.fitting.batch)
    return words, tuple(sorted(subjects)), steps
