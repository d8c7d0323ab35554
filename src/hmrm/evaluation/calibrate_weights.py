"""The calibration file of weights, fitted on the out-of-fold scores of a finished run."""

from pathlib import Path

import numpy as np

from hmrm import provenance, records
from hmrm.errors import DataError, WeightsError
from hmrm.evaluation.calibration import LEVEL, SetRule, fit
from hmrm.evaluation.results import read_result
from hmrm.model.calibration import logits_of
from hmrm.model.calibration_file import Calibration, calibration_path
from hmrm.model.weight_card import read_card, weights_path

RULE: SetRule = "every_data_set"
"""The rule of shipped sets: a user's video comes from no data set of the calibration."""

LIMITS = (
    "Coverage was shown for laboratory clips of unseen subjects and data sets only.",
    "Probabilities contain how frequent the classes are in the calibration clips.",
    "The set of a movement that is no expression means nothing.",
)


def calibrate_weights(name_or_path: str, run: Path) -> Path:
    """Write ``NAME.calibration.json`` next to weights; return its path.

    Several seeds of a run are calibrated as one, by the mean of their logits.

    Args:
        run: folder of a finished run of the same model whose scores of each subject come from
            models that did not learn from it (folds, or weights that saw no real clip).

    Raises:
        DataError: no finished run there, or one without scores.
        WeightsError: no such weights, or they do not know the run's classes.
        OutputError: the file cannot be written.
    """
    tensors = weights_path(name_or_path)
    card, digest = read_card(tensors)
    result = read_result(run)
    summary = result.summary
    unknown = [name for name in summary.classes if name not in card.classes]
    if unknown:
        raise WeightsError(f"{tensors}: does not know the class {unknown[0]!r} of {run}")
    seeds = list(result.predictions.values())
    scores = [one.scores for one in seeds if one.scores is not None]
    if len(scores) < len(seeds):
        raise DataError(f"{run}: its predictions have no scores; nothing can be calibrated")
    first = seeds[0]
    logits = np.mean([logits_of(one) for one in scores], axis=0)
    fitted = fit(logits, first.truth, first.datasets)
    tables = [run / "predictions" / f"seed{seed}.csv" for seed in summary.seeds]
    path = calibration_path(tensors)
    records.write(
        path,
        Calibration(
            weights_sha256=digest,
            classes=summary.classes,
            scaling=fitted.scaling,
            least=fitted.least[RULE],
            set_coverage=LEVEL,
            rule=RULE,
            fitted_on=(
                f"{summary.clips} clips of {summary.subjects} subjects of "
                f"{', '.join(sorted(set(first.datasets)))}; out-of-fold scores of the run "
                f"{run.name}, folds: {summary.folds}"
            ),
            clips=summary.clips,
            subjects=summary.subjects,
            predictions_sha256=tuple(provenance.sha256(table) for table in tables),
            limits=LIMITS,
        ),
    )
    return path
