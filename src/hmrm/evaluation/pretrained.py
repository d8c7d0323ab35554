"""Scores of pretrained weights: no training, every evaluation counted.

A user who tries twenty checkpoints on the same clips and reports the best has chosen on the test
clips. So each evaluation is logged next to the results, and their number is printed with the score.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hmrm import atomic, provenance, reading, records
from hmrm.datasets.synthetic_mark import marked
from hmrm.errors import ConfigError, DataError, MissingExtraError, SeenInTrainingError, shortened
from hmrm.evaluation.calibration_scores import score_calibration
from hmrm.evaluation.fold import checked_scores, is_transductive
from hmrm.evaluation.predictions import build_predictions
from hmrm.evaluation.results import (
    COMPOSITE,
    RunResult,
    RunSummary,
    WeightsTables,
    WeightsUsed,
    write_result,
)
from hmrm.evaluation.summary import score_parts
from hmrm.flow.mapset import MapSet, canonical_maps
from hmrm.model.contract import ChecksMaps, FittedRecogniser, MapKind
from hmrm.model.weight_card import weights_path

EVALUATIONS = "evaluations.jsonl"
_FORMER_NAME = "looks.jsonl"


@dataclass(frozen=True, kw_only=True, eq=False)
class PretrainedModel:
    """A trained recogniser with what its card says.

    Attributes:
        classes: names in the order of its scores; may hold more than the data's.
        trained_subjects: ``dataset/subject`` of all real people it has seen.
        digest: of the weights.
        trained_on, steps, crop: from its card, where it has one; they travel with the score.
    """

    name: str
    fitted: FittedRecogniser
    map_kind: MapKind
    classes: tuple[str, ...]
    trained_subjects: tuple[str, ...]
    digest: str
    trained_on: str | None = None
    steps: int | None = None
    crop: str | None = None

    @property
    def used(self) -> WeightsUsed:
        """What a result says of it."""
        return WeightsUsed(
            name=self.name,
            sha256=self.digest,
            trained_on=self.trained_on,
            steps=self.steps,
            crop=self.crop,
        )


@dataclass(frozen=True, kw_only=True)
class RealDataEvaluation:
    """One line of ``evaluations.jsonl``: weights scored on some clips.

    Attributes:
        sha256: of the weights.
        data: digest of the clips.
        uf1: of all clips pooled.
        commit: of the code that scored them.
    """

    weights: str
    sha256: str
    data: str
    uf1: float
    commit: str | None


def load_pretrained(name: str) -> PretrainedModel:
    """A network of ours, by shipped name or path.

    Raises:
        WeightsError: see `hmrm.model.checkpoints.load_model`.
        MissingExtraError: torch is not installed.
    """
    try:
        from hmrm.model.checkpoints import load_model
        from hmrm.model.fitted_network import FittedHmrm
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("hmrm"):
            raise
        raise MissingExtraError(f"weights need {error.name}: pip install 'hmrm[torch]'") from error
    network, card = load_model(name)
    return PretrainedModel(
        name=name,
        fitted=FittedHmrm(network=network),
        map_kind="canonical",
        classes=card.classes,
        trained_subjects=card.trained_subjects,
        digest=provenance.sha256(weights_path(name)),
        trained_on=card.trained_on,
        steps=card.steps,
        crop=card.crop,
    )


def score_pretrained(
    model: PretrainedModel, mapset: MapSet, output: Path, *, allow_seen: bool = False
) -> RunResult:
    """Score pretrained weights on all clips, and log the evaluation.

    Classes that the model knows beyond the data's (``none``) are excluded: the best of the data's
    classes is its answer.

    Args:
        output: folder of results; ``evaluations.jsonl`` there grows by one line per call.
        allow_seen: also score subjects it was trained on; the result is stamped.

    Raises:
        SeenInTrainingError: it was trained on some of these subjects.
        ConfigError: it does not know the data's classes.
        DataError: ``evaluations.jsonl`` is damaged.
    """
    seen = sorted(set(model.trained_subjects) & set(mapset.subjects))
    if seen and not allow_seen:
        raise SeenInTrainingError(
            f"{model.name}: was trained on {len(seen)} of these subjects, e.g. {seen[0]}; "
            "score other people, or pass --allow-seen and get a stamped result"
        )
    columns = _columns(model, mapset.classes)
    maps = mapset.maps if model.map_kind == "raw" else canonical_maps(mapset)
    if isinstance(model.fitted, ChecksMaps):
        model.fitted.check(maps)
    everything = checked_scores(model.fitted, maps, classes=len(model.classes))
    transductive = is_transductive(model.fitted, maps, everything, maps[-2:])
    scores = everything[:, columns]
    predictions = build_predictions(
        ids=mapset.ids,
        truth=mapset.labels,
        predicted=scores.argmax(1),
        classes=mapset.classes,
        scores=scores,
    )
    scored = score_parts([predictions])
    evaluations = _log_evaluation(output, model, mapset, uf1=scored[COMPOSITE].uf1.mean)
    summary = RunSummary(
        model=model.name,
        selection="finished",
        selection_words=(
            f"pretrained weights, evaluation number {evaluations} on these clips in this folder"
        ),
        folds="none",
        seeds=(0,),
        classes=mapset.classes,
        clips=len(mapset.ids),
        subjects=len(set(mapset.subjects)),
        skipped=(),
        evaluations=evaluations,
        transductive=transductive,
        warnings=(f"SEEN IN TRAINING: {len(seen)} of the subjects",) if seen else (),
        leaks=(),
        scores=scored,
        config=WeightsTables(weights=model.used),
        provenance=_stamp(model, mapset),
        calibration=score_calibration([predictions]),
        synthetic=marked(mapset.issues) or None,
    )
    result = RunResult(predictions={0: predictions}, summary=summary)
    write_result(output, result)
    return result


def _stamp(model: PretrainedModel, mapset: MapSet) -> provenance.Stamp:
    return provenance.make_stamp(config_hash=model.digest[:12], data_hash=mapset.sha256, seeds=())


def _columns(model: PretrainedModel, classes: Collection[str]) -> list[int]:
    missing = [name for name in classes if name not in model.classes]
    if missing:
        raise ConfigError(
            f"{model.name}: knows {shortened(', '.join(model.classes))}, "
            f"but the data has {missing[0]!r}"
        )
    return [model.classes.index(name) for name in classes]


def _log_evaluation(output: Path, model: PretrainedModel, mapset: MapSet, *, uf1: float) -> int:
    """Add a line to the log; how many lines are of these clips now (of the old log too)."""
    path, former = output / EVALUATIONS, output / _FORMER_NAME
    source = path if path.exists() or not former.exists() else former
    try:
        lines = reading.read_text(source).splitlines() if source.exists() else []
    except (OSError, reading.DamagedError) as error:
        raise DataError(f"{source}: {error}; move it away to start another log") from error
    earlier = [
        records.loads(RealDataEvaluation, line, where=f"{source} line {number}")
        for number, line in enumerate(lines, 1)
    ]
    this = RealDataEvaluation(
        weights=model.name,
        sha256=model.digest,
        data=mapset.sha256,
        uf1=uf1,
        commit=provenance.commit(),
    )
    lines.append(json.dumps(records.to_json(this)))
    atomic.write_text(path, "\n".join(lines) + "\n")
    return sum(one.data == mapset.sha256 for one in (*earlier, this))
