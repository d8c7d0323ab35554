"""Whether a finished run still says what its folds say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hmrm.errors import DataError
from hmrm.evaluation.foldfiles import read_fold_table
from hmrm.evaluation.predictions import Predictions, read_table
from hmrm.evaluation.results import RUN_FILE, RunResult, parts, read_result

RECOMPUTE = "--recompute-damaged"
"""The option by which damaged folds are computed again."""


def unverified_warning(count: int, total: int) -> str:
    """What a run says whose fold files carry no digest."""
    return (
        f"unverified: {count} of {total} fold files carry no digest (an older version wrote them), "
        "so a change to them might go unseen"
    )


def checked_result(folder: Path) -> RunResult:
    """A finished run, its fold files, predictions and scores compared with each other.

    Raises:
        DataError: not a finished run, or a file of it is damaged or was changed; names the file.
    """
    result = read_result(folder)
    _compare_scores(folder / RUN_FILE, result)
    count = total = 0
    for seed, predictions in result.predictions.items():
        for path in sorted((folder / "folds" / f"seed{seed}").glob("*.json")):
            try:
                table = read_fold_table(path)
                compare_fold(path, table.ids, table.predicted, predictions)
            except DataError as error:
                raise DataError(f"{error}; give the command of the run with {RECOMPUTE}") from error
            total += 1
            count += table.sha256 is None
    if not count:
        return result
    warning = unverified_warning(count, total)
    others = tuple(one for one in result.summary.warnings if not one.startswith("unverified:"))
    return replace(result, summary=replace(result.summary, warnings=(*others, warning)))


def pooled_before(folder: Path, seed: int, classes: tuple[str, ...]) -> Predictions | None:
    """What a finished run pooled of a seed; None where it is not finished or cannot be read."""
    path = folder / "predictions" / f"seed{seed}.csv"
    if not ((folder / RUN_FILE).is_file() and path.is_file()):
        return None
    try:
        return read_table(path, classes=classes)
    except DataError:
        return None


def compare_fold(
    path: Path, ids: Sequence[str], predicted: Sequence[int], pooled: Predictions
) -> None:
    """Make sure that a fold file and the pooled predictions of its run agree.

    Raises:
        DataError: they differ; names the fold file.
    """
    before = dict(zip(pooled.ids, pooled.predicted.tolist(), strict=True))
    for name, number in zip(ids, predicted, strict=True):
        if before.get(name) != number:
            raise DataError(
                f"{path}: what it states of clip {name} differs from the run's table of "
                "predictions, so one of the two was changed"
            )


def _compare_scores(path: Path, result: RunResult) -> None:
    found: Mapping[int, Mapping[str, Predictions]] = {
        seed: parts(one) for seed, one in result.predictions.items()
    }
    for name, part in result.summary.scores.items():
        for number, seed in enumerate(result.summary.seeds):
            if name not in found[seed]:
                raise DataError(f"{path}: scores: no clip of {name!r} was predicted")
            score = found[seed][name].score()
            for metric in ("uf1", "uar", "accuracy"):
                written, computed = getattr(part, metric).by_seed, getattr(score, metric)
                if len(written) <= number or abs(written[number] - computed) > 1e-9:
                    raise DataError(
                        f"{path}: {metric} of {name}, seed {seed}, is not that of the run's "
                        f"predictions ({computed:.4f}), so one of the two was changed; give the "
                        "command of the run again"
                    )
