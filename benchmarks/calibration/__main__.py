"""``python -m benchmarks.calibration``: bounds and what was measured, as a Markdown table.

Reads the predictions of finished runs in ``results/``; evaluates no model.
"""

from collections.abc import Iterator
from pathlib import Path

from hmrm.evaluation.calibration_scores import CalibrationScores, SetScores, score_calibration
from hmrm.evaluation.results import read_result
from hmrm.parallel import single_thread

RESULTS = Path(__file__).resolve().parents[2] / "results"
RUNS = {
    "ensemble": "hmrm-ensemble",
    "frozen features": "hmrm-frozen-linear",
    "tuned baseline": "svm-tuned",
    "zero-shot": "hmrm-synthetic-zero-shot",
}
COVERAGE, OFF, CLASS_LEAST, DATA_SET_LEAST, SIZE_MOST, GAIN_LEAST = 0.9, 0.03, 0.8, 0.85, 1.7, 0.03

Row = tuple[str, str, float]
"""What, what was measured, and by how much the bound is missed: 0 or less is met."""


def rows(name: str, found: CalibrationScores) -> Iterator[Row]:
    """Every bound of one run."""
    for what in ("nll", "brier"):
        own = getattr(found, what).value
        plain = getattr(found, f"{what}_uncalibrated").value
        yield f"{what.upper()} below uncalibrated", f"{own:.3f}, was {plain:.3f}", own - plain
    error = found.error
    band = f"{error.value:.3f}, band {error.perfect_low:.3f} to {error.perfect_high:.3f}"
    yield "calibration error inside the band", band, error.value - error.perfect_high
    trained = name != "zero-shot"
    yield from _set_rows("other subjects", found.other_subjects["pooled"], trained)
    assert found.other_data_sets is not None, "these runs have three data sets"
    for rule, scores in found.other_data_sets.items():
        where = f"other two data sets, rule {rule}"
        worst = min(scores.by_data_set, key=lambda one: scores.by_data_set[one])
        least = scores.by_data_set[worst]
        yield f"coverage ≥ .85 each, {where}", f"{least:.3f} ({worst})", DATA_SET_LEAST - least
        if trained:
            yield f"mean size ≤ 1.7, {where}", f"{scores.size:.2f}", scores.size - SIZE_MOST
    if name == "ensemble":
        gain = found.abstention.gain
        measured = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        yield "UF1 gain without the least certain 20 % ≥ .03", measured, GAIN_LEAST - gain.value


def _set_rows(where: str, scores: SetScores, trained: bool) -> Iterator[Row]:
    covered = scores.coverage.value
    yield f"coverage .87 to .93, {where}", f"{covered:.3f}", abs(covered - COVERAGE) - OFF
    least = min(one for one in scores.by_class if one is not None)
    yield f"coverage ≥ .80 in every class, {where}", f"{least:.3f}", CLASS_LEAST - least
    if trained:
        yield f"mean size ≤ 1.7, {where}", f"{scores.size:.2f}", scores.size - SIZE_MOST


def main() -> None:
    """Print the table."""
    single_thread()
    print("| model | bound | measured | met |\n|---|---|---|---|")
    for name, run in RUNS.items():
        found = score_calibration(list(read_result(RESULTS / run).predictions.values()))
        assert found is not None, f"{run} has scores"
        for what, measured, missed in rows(name, found):
            met = "yes" if missed <= 0 else f"missed by {missed:.3f}"
            print(f"| {name} | {what} | {measured} | {met} |")


if __name__ == "__main__":
    main()
