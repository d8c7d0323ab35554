"""Every config of an evaluation loads, and its model can be built with its options."""

import tomllib
from pathlib import Path

import pytest

from hmrm.evaluation.settings import SELECTION_WORDS, Plan, load_plan
from hmrm.evaluation.summary import _selection_words
from hmrm.training.registry import find_recogniser

CONFIGS = [
    path
    for path in sorted((Path(__file__).parents[2] / "configs").rglob("*.toml"))
    if "evaluation" in (table := tomllib.loads(path.read_text(encoding="utf-8")))
    and "rows" not in table  # ablations: test_ablation.py
]


def test_there_are_some():
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_config_loads_and_builds_its_model(path):
    pytest.importorskip("torch")
    plan = load_plan(path)
    recogniser = find_recogniser(plan.model, plan.options)
    assert plan.settings.selection == "fixed" or recogniser.epochs is not None


def test_an_ensemble_of_trained_networks_has_fixed_epochs():
    ensemble = load_plan(next(path for path in CONFIGS if path.stem == "hmrm-ensemble-plain"))
    assert _selection_words(ensemble, epochs=False) == SELECTION_WORDS["fixed"]
    assert _selection_words(Plan(model="svm-mirrored"), epochs=False) == "no epochs to choose"
