"""A table of predictions made elsewhere, scored the same way as our own runs."""

from collections.abc import Sequence
from pathlib import Path

from hmrm import provenance
from hmrm.evaluation.calibration_scores import score_calibration
from hmrm.evaluation.external_tables import read_external
from hmrm.evaluation.results import (
    FileUsed,
    PredictionsTables,
    RunResult,
    RunSummary,
    write_result,
)
from hmrm.evaluation.summary import score_parts


def score_external(
    path: Path, output: Path, *, classes: tuple[str, ...], columns: Sequence[str] = ()
) -> RunResult:
    """Read a table or log of predictions and pool it; what is not known of its making is stated.

    Args:
        columns: see `hmrm.evaluation.external_tables.read_external`.

    Raises:
        ConfigError, DataError: see `hmrm.evaluation.external_tables.read_external`.
        OutputError: ``output`` cannot be written.
    """
    read = read_external(path, classes=classes, columns=columns)
    predictions = read.predictions
    warnings = ["how epochs were chosen is not known of external predictions", *read.notes]
    if not predictions.named:
        warnings.append("the table names no clips: it cannot be paired with other runs")
    digest = provenance.sha256(path)
    summary = RunSummary(
        model=path.stem,
        selection="unknown",
        selection_words="external predictions, their selection rule unknown",
        folds="unknown",
        seeds=(0,),
        classes=classes,
        clips=len(predictions.ids),
        subjects=len(set(predictions.subjects)),
        skipped=(),
        named=predictions.named,
        transductive=False,
        warnings=tuple(warnings),
        leaks=(),
        scores=score_parts([predictions]),
        config=PredictionsTables(predictions=FileUsed(name=path.name, sha256=digest)),
        provenance=provenance.make_stamp(data_hash=digest),
        calibration=score_calibration([predictions]),
    )
    result = RunResult(predictions={0: predictions}, summary=summary)
    write_result(output, result)
    return result
