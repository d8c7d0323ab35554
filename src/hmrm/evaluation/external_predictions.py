"""A table of predictions made elsewhere, scored the same way as our own runs."""

from pathlib import Path

from hmrm import provenance
from hmrm.evaluation.predictions import read_table
from hmrm.evaluation.summary import RunResult, score_table, write_result


def score_foreign(path: Path, output: Path, *, classes: tuple[str, ...]) -> RunResult:
    """Read a CSV of predictions and pool it; what is not known of its making is said so.

    Raises:
        DataError: see `hmrm.evaluation.predictions.read_table`.
        OutputError: ``output`` cannot be written.
    """
    predictions = read_table(path, classes=classes)
    warnings = ["how epochs were chosen is not known of a foreign table"]
    if not predictions.named:
        warnings.append("the table names no clips: it cannot be paired with other runs")
    summary = {
        "model": path.stem,
        "selection": "unknown",
        "selection_words": "a foreign table, its selection rule unknown",
        "folds": "unknown",
        "seeds": [0],
        "classes": list(classes),
        "clips": len(predictions.ids),
        "subjects": len(set(predictions.subjects)),
        "skipped": [],
        "named": predictions.named,
        "transductive": False,
        "warnings": warnings,
        "leaks": [],
        "scores": score_table([predictions]),
        "config": {"predictions": {"name": path.name, "sha256": provenance.sha256(path)}},
        "provenance": provenance.stamp(data_hash=provenance.sha256(path)),
    }
    result = RunResult(predictions={0: predictions}, summary=summary)
    write_result(output, result)
    return result
