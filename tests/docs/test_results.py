"""Figures in docs/recognition/results.md come from ``results``: its prediction files give them."""

import json
import re
from pathlib import Path

import pytest

from hmrm.evaluation.metrics import score
from hmrm.evaluation.predictions import read_table

ROOT = Path(__file__).parents[2]
RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/run.json"))
PAGE = (ROOT / "docs/recognition/results.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| .*? \| \**(\.\d{3})\** \| \**(\.\d{3})\** .*`results/([\w-]+)`", PAGE, re.M)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_predictions_give_the_scores_of_their_run(run: Path) -> None:
    summary = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for seed, uf1, uar in zip(
        summary["seeds"],
        summary["scores"]["composite"]["uf1"]["by_seed"],
        summary["scores"]["composite"]["uar"]["by_seed"],
        strict=True,
    ):
        table = read_table(
            run / "predictions" / f"seed{seed}.csv", classes=tuple(summary["classes"])
        )
        assert len(table.ids) == summary["clips"] == 442
        found = score(table.truth, table.predicted, classes=table.classes)
        assert (found.uf1, found.uar) == pytest.approx((uf1, uar), abs=1e-12)


def test_the_page_prints_the_scores_of_its_runs() -> None:
    assert len(ROWS) == PAGE.count("`results/") >= 11
    for uf1, uar, name in ROWS:
        summary = json.loads((ROOT / "results" / name / "run.json").read_text(encoding="utf-8"))
        scores = summary["scores"]["composite"]
        assert float(uf1) == pytest.approx(scores["uf1"]["mean"], abs=5e-4), name
        assert float(uar) == pytest.approx(scores["uar"]["mean"], abs=5e-4), name
