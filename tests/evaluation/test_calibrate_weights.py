"""Calibration files: the shipped ones belong to their weights, and others are refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hmrm import provenance
from hmrm.analysis.classify import NetworkClassifier
from hmrm.clip import FlowMap
from hmrm.errors import DataError, WeightsError
from hmrm.evaluation.calibrate_weights import calibrate_weights
from hmrm.evaluation.results import WeightsTables, read_summary
from hmrm.model.calibration_file import calibration_path, read_calibration
from hmrm.model.weight_card import SHIPPED, read_card, shipped_names

RESULTS = Path(__file__).parents[2] / "results"
RUNS = {
    "hmrm-synthetic": RESULTS / "hmrm-synthetic-zero-shot",
    "hmrm-composite": RESULTS / "hmrm-frozen-linear",
}


def copied(name: str, folder: Path) -> Path:
    """Weights in a folder of their own."""
    for suffix in (".safetensors", ".json", ".onnx", ".calibration.json"):
        shutil.copy(SHIPPED / f"{name}{suffix}", folder)
    return folder / f"{name}.safetensors"


def test_all_shipped_weights_are_calibrated():
    assert set(shipped_names()) == set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_shipped_calibration_belongs_to_weights_and_run(name, tmp_path):
    """Where this fails: make weights."""
    shipped = SHIPPED / f"{name}.safetensors"
    card, _ = read_card(shipped)
    found = read_calibration(shipped, sha256=provenance.sha256(shipped), classes=card.classes)
    assert found.predictions_sha256 == (
        provenance.sha256(RUNS[name] / "predictions" / "seed0.csv"),
    )
    made = calibrate_weights(str(copied(name, tmp_path)), RUNS[name])
    # Processors round the fit's last digits differently.
    here, there = (json.loads(path.read_bytes()) for path in (made, calibration_path(shipped)))
    assert list(here) == list(there)
    numbers = {"scaling", "least"}
    assert {k: here[k] for k in here if k not in numbers} == {
        k: there[k] for k in there if k not in numbers
    }
    assert here["scaling"]["slope"] == pytest.approx(there["scaling"]["slope"], rel=1e-9)
    assert here["scaling"]["offsets"] == pytest.approx(there["scaling"]["offsets"], rel=1e-9)
    assert here["least"] == pytest.approx(there["least"], rel=1e-9)


def test_the_zero_shot_run_is_of_the_shipped_weights():
    config = read_summary(RUNS["hmrm-synthetic"]).config
    assert isinstance(config, WeightsTables)
    assert config.weights.sha256 == provenance.sha256(SHIPPED / "hmrm-synthetic.safetensors")


def test_calibration_of_other_weights_is_refused(tmp_path):
    path = copied("hmrm-composite", tmp_path)
    shutil.copy(SHIPPED / "hmrm-synthetic.calibration.json", calibration_path(path))
    with pytest.raises(WeightsError, match="calibrates other weights"):
        NetworkClassifier(path)
    calibration_path(path).write_text("{")
    with pytest.raises(WeightsError, match="weights calibrate"):
        NetworkClassifier(path)
    calibration_path(path).unlink()
    assert NetworkClassifier(path).calibration is None


def test_damaged_numbers_are_refused(tmp_path):
    path = copied("hmrm-composite", tmp_path)
    table = json.loads(calibration_path(path).read_text())
    for change in (
        {"least": [0.1]},
        {"set_coverage": 3},
        {"scaling": {"slope": -1, "offsets": []}},
    ):
        calibration_path(path).write_text(json.dumps({**table, **change}))
        with pytest.raises(WeightsError, match="weights calibrate"):
            NetworkClassifier(path)


def test_a_run_without_scores_calibrates_nothing(tmp_path):
    run = tmp_path / "run"
    shutil.copytree(RUNS["hmrm-composite"], run)
    table = run / "predictions" / "seed0.csv"
    lines = [line.split(",")[:3] for line in table.read_text().splitlines()]
    table.write_text("\n".join(",".join(cells) for cells in lines) + "\n")
    with pytest.raises(DataError, match="no scores"):
        calibrate_weights(str(copied("hmrm-composite", tmp_path)), run)


def test_a_class_without_clips_keeps_its_own_probability():
    shipped = SHIPPED / "hmrm-synthetic.safetensors"
    card, digest = read_card(shipped)
    found = read_calibration(shipped, sha256=digest, classes=card.classes)
    own = {"negative": 0.02, "positive": 0.07, "surprise": 0.01, "none": 0.9}
    calibrated = found.apply(own)
    assert calibrated.probabilities["none"] == 0.9
    assert sum(calibrated.probabilities.values()) == pytest.approx(1)
    assert calibrated.class_set == ("positive", "none")
    sure = found.apply({"negative": 0.0, "positive": 1.0, "surprise": 0.0, "none": 0.0})
    assert sure.class_set == ("positive",)


def test_a_classifier_states_what_is_calibrated():
    values = np.random.default_rng(0).normal(size=(3, 28, 28)).astype(np.float32)
    found = NetworkClassifier("hmrm-composite")(FlowMap(values=values, crop="hmrm-1", scale_px=1.0))
    assert set(found.calibrated) == set(found.probabilities)
    assert sum(found.calibrated.values()) == pytest.approx(1)
    assert max(found.probabilities, key=found.probabilities.get) in found.class_set
    assert found.set_coverage == 0.9
