"""A run's folds pooled: predictions of each seed, and every score with its origin."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from hmrm import provenance
from hmrm.datasets.synthetic_mark import marked
from hmrm.evaluation.calibration_scores import score_calibration
from hmrm.evaluation.foldfiles import FoldFile
from hmrm.evaluation.leakage import find_leaks
from hmrm.evaluation.metrics import score
from hmrm.evaluation.oracle import oracle_control
from hmrm.evaluation.predictions import Predictions, build_predictions
from hmrm.evaluation.protocol import Protocol
from hmrm.evaluation.results import (
    COMPOSITE,
    EpochRange,
    Estimate,
    PartScores,
    RunResult,
    RunSummary,
    SeedControl,
)
from hmrm.evaluation.run_check import unverified_warning
from hmrm.evaluation.settings import ORACLE_WARNING, SELECTION_WORDS, Plan
from hmrm.evaluation.statistics import bootstrap, chance_levels, mean_sd
from hmrm.flow.mapset import MapSet


def pool(
    mapset: MapSet, plan: Plan, protocol: Protocol, folds: Mapping[int, Sequence[FoldFile]]
) -> RunResult:
    """Pool the folds of each seed by clip id and score them."""
    predictions = {seed: _pooled(files, mapset.classes) for seed, files in folds.items()}
    settings = plan.settings
    epochs = _epochs(folds)
    verified = [f.verified for files in folds.values() for f in files]
    transductive = any(f.result.transductive for files in folds.values() for f in files)
    summary = RunSummary(
        model=plan.model,
        selection=settings.selection,
        selection_words=_selection_words(plan, epochs=epochs is not None),
        folds=settings.folds,
        fold_count=len(protocol.folds),
        seeds=settings.seeds,
        classes=mapset.classes,
        clips=len(mapset.ids),
        subjects=len(set(mapset.subjects)),
        skipped=(),
        epochs=epochs,
        transductive=transductive,
        warnings=tuple(_warnings(settings.selection, transductive=transductive, verified=verified)),
        leaks=find_leaks(mapset, protocol),
        scores=score_parts(list(predictions.values())),
        config=plan.tables,
        provenance=provenance.make_stamp(
            config_hash=plan.digest, data_hash=mapset.sha256, seeds=settings.seeds
        ),
        curves=_curves(folds, mapset.classes) or None,
        oracle_control=_control(folds, mapset.classes) if settings.selection == "oracle" else None,
        calibration=score_calibration(list(predictions.values())),
        synthetic=marked(mapset.issues) or None,
    )
    return RunResult(predictions=predictions, summary=summary)


def _selection_words(plan: Plan, *, epochs: bool) -> str:
    """How epochs were chosen. An ensemble's members have epochs, though the ensemble has none."""
    members = plan.options.get("members", ())
    if epochs or any("fitting" in member for member in members):
        return SELECTION_WORDS[plan.settings.selection]
    return "no epochs to choose"


def score_parts(seeds: Sequence[Predictions]) -> dict[str, PartScores]:
    """Scores of the composite, and of each data set where there are several.

    Intervals and chance are sampled with a fixed seed, so the same predictions give the same bytes.
    """
    found = {COMPOSITE: _scores(seeds)}
    names = sorted(set(seeds[0].datasets))
    if len(names) > 1:
        for name in names:
            found[name] = _scores([p.of_dataset(name) for p in seeds])
    return found


def _scores(seeds: Sequence[Predictions]) -> PartScores:
    generator = np.random.default_rng(0)
    scores = [p.score() for p in seeds]
    intervals = bootstrap(seeds, generator=generator)
    chance = chance_levels(seeds[0], generator=generator)

    def estimate(name: str, values: Sequence[float]) -> Estimate:
        spread = mean_sd(values)
        return Estimate(
            mean=spread.mean,
            sd=spread.sd,
            count=spread.count,
            by_seed=tuple(values),
            low=intervals[name].low,
            high=intervals[name].high,
            bootstrap_sd=intervals[name].sd,
            chance=chance[name],
        )

    return PartScores(
        clips=len(seeds[0].ids),
        subjects=len(set(seeds[0].subjects)),
        uf1=estimate("uf1", [s.uf1 for s in scores]),
        uar=estimate("uar", [s.uar for s in scores]),
        accuracy=estimate("accuracy", [s.accuracy for s in scores]),
        f1_by_class=_mean_by_class([s.f1 for s in scores]),
        recall_by_class=_mean_by_class([s.recall for s in scores]),
        precision_by_class=_mean_by_class([s.precision for s in scores]),
        confusion=tuple(map(tuple, np.sum([s.confusion for s in scores], axis=0).tolist())),
    )


def _mean_by_class(values: Sequence[Float[np.ndarray, " k"]]) -> tuple[float, ...]:
    return tuple(np.mean(values, axis=0).tolist())


def _pooled(files: Sequence[FoldFile], classes: tuple[str, ...]) -> Predictions:
    scores = np.concatenate([f.result.scores for f in files])
    return build_predictions(
        ids=[name for f in files for name in f.ids],
        truth=np.concatenate([f.truth for f in files]),
        predicted=scores.argmax(1),
        classes=classes,
        scores=scores,
    )


def _epochs(folds: Mapping[int, Sequence[FoldFile]]) -> EpochRange | None:
    found = [f.result.epochs for files in folds.values() for f in files]
    numbers = [e for e in found if e is not None]
    if not numbers:
        return None
    return EpochRange(
        min=float(min(numbers)), median=float(np.median(numbers)), max=float(max(numbers))
    )


def _warnings(selection: str, *, transductive: bool, verified: Sequence[bool]) -> list[str]:
    found = [ORACLE_WARNING] if selection == "oracle" else []
    if transductive:
        found.append("transductive: a clip's scores change with the clips predicted with it")
    if not all(verified):
        found.append(unverified_warning(verified.count(False), len(verified)))
    return found


def _curves(
    folds: Mapping[int, Sequence[FoldFile]], classes: tuple[str, ...]
) -> dict[str, tuple[tuple[float, ...], ...]]:
    """UF1 by epoch for each seed: pooled test clips, and the mean of the inner curves."""
    curves: dict[str, tuple[tuple[float, ...], ...]] = {}
    for files in folds.values():
        by_epoch = [f.result.epoch_predictions for f in files]
        recorded = [p for p in by_epoch if p is not None]
        if len(recorded) == len(files) and len({len(p) for p in recorded}) == 1:
            truth = np.concatenate([f.truth for f in files])
            pooled = np.concatenate(recorded, axis=1)
            curve = tuple(score(truth, row, classes=classes).uf1 for row in pooled)
            curves["test_uf1"] = (*curves.get("test_uf1", ()), curve)
        inner = [f.result.inner_uf1 for f in files if f.result.inner_uf1 is not None]
        if inner:
            curve = tuple(np.mean(inner, axis=0).tolist())
            curves["inner_uf1"] = (*curves.get("inner_uf1", ()), curve)
    return curves


def _control(
    folds: Mapping[int, Sequence[FoldFile]], classes: tuple[str, ...]
) -> tuple[SeedControl, ...]:
    return tuple(
        SeedControl(
            seed=seed,
            control=oracle_control(
                [_recorded(f) for f in files],
                [f.truth for f in files],
                classes=classes,
                generator=np.random.default_rng(0),
            ),
        )
        for seed, files in folds.items()
    )


def _recorded(file: FoldFile) -> np.ndarray:
    assert file.result.epoch_predictions is not None, "oracle always keeps them"
    return file.result.epoch_predictions
