"""A table of predictions made elsewhere, scored the same way as our own runs."""

from pathlib import Path

from hmrm import provenance
from hmrm.evaluation.calibration_scores import score_calibration
from hmrm.evaluation.predictions import read_table
from hmrm.evaluation.results import (
    FileUsed,
    PredictionsTables,
    RunResult,
    RunSummary,
    write_result,
)
from hmrm.evaluation.summary import score_parts


def score_external(path: Path, output: Path, *, classes: tuple[str, ...]) -> RunResult:
    """Read a CSV of predictions and pool it; what is not known of its making is stated.

    Raises:
        DataError: see `hmrm.evaluation.predictions.read_table`.
        OutputError: ``output`` cannot be written.
    """
    predictions = read_table(path, classes=classes)
    warnings = ["how epochs were chosen is not known of external predictions"]
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
