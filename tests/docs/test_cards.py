"""Cards of models and data sets begin with YAML: licence, origin, what was never measured."""

import re
from pathlib import Path

import pytest

import hmrm
from hmrm.evaluation.calibration_scores import score_calibration
from hmrm.evaluation.results import read_result
from tests.docs.pages import ROOT

WEIGHTS = sorted((ROOT / "src/hmrm/weights").glob("*.md"))
DATA = sorted((ROOT / "docs/cards").glob("*.md"))


def head_of(card: Path) -> dict[str, str]:
    text = card.read_text(encoding="utf-8")
    found = re.match(r"---\n(.*?)\n---\n\n# ", text, re.DOTALL)
    assert found, f"{card.name} has no YAML head above its title"
    return dict(line.split(": ", 1) for line in found[1].splitlines())


@pytest.mark.parametrize("card", [*WEIGHTS, *DATA], ids=lambda card: card.name)
def test_the_head_names_licence_and_what_was_never_measured(card: Path) -> None:
    head = head_of(card)
    assert head["name"].replace("-", "_") == card.stem.replace("-", "_")
    assert head["license"] in ("apache-2.0", "mit", "other")
    assert ("license_name" in head) == (head["license"] == "other")
    for what in ("skin tone", "age", "glasses", "beards", "on real clips"):
        assert what in head["never_measured"]


def test_every_shipped_network_has_a_card() -> None:
    stems = {path.stem for path in WEIGHTS}
    folder = ROOT / "src/hmrm/weights"
    shipped = {p.stem for kind in ("*.safetensors", "*.tflite") for p in folder.glob(kind)}
    assert shipped and shipped == stems


def test_the_page_of_the_interface_shows_every_public_name() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    shown = re.findall(r"^::: hmrm\.(\w+)$", page, re.M)
    assert sorted(shown) == sorted(hmrm.__all__)


@pytest.mark.parametrize(
    ("card", "run"),
    [("hmrm-synthetic", "hmrm-synthetic-zero-shot"), ("hmrm-composite", "hmrm-frozen-linear")],
)
def test_the_curve_of_the_most_certain_clips_is_that_of_the_run(card: str, run: str) -> None:
    found = score_calibration(list(read_result(ROOT / "results" / run).predictions.values()))
    assert found is not None
    text = (ROOT / f"src/hmrm/weights/{card}.md").read_text(encoding="utf-8")
    row = " | ".join(f"{value:.3f}".removeprefix("0") for value in found.abstention.curve)
    assert f"| UF1 | {row} |" in text
