"""The page about the paper names all of its figures, tables and systems, and only what is there."""

import re
import tomllib
from pathlib import Path

from hmrm.evaluation.systems import SYSTEMS
from hmrm.training.registry import MODELS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/recognition/paper.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = (
    *("CLBP-TOP", "STLBP-IP", "MDMO", "Bi-WOOF", "GoogLeNet", "VGG16", "CapsuleNet"),
    *("OFF-ApexNet", "STSTNet", "GEME", "MobileViT", "FRL-DGT", "HTNet", "MFDAN", "TV-L1", "RAFT"),
)


def test_every_figure_table_and_system_of_the_paper_has_a_row() -> None:
    first = [row.split("|")[1] for row in TEXT.splitlines() if row.startswith("| ")]
    for number in range(1, 5):
        assert any(f"Table {number}" in cell for cell in first), number
    for number in (1, 4, 5, 6, 7):
        assert any(re.search(rf"Figures? {number}\b", cell) for cell in first), number
    for name in NAMED:
        assert any(name in cell for cell in first), name


def test_links_and_configs_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(links) > 8
    for link in links:
        assert (PAGE.parent / link).exists(), link
    configs = set(re.findall(r"configs/[\w-]+\.toml", TEXT))
    assert len(configs) >= 4
    for config in configs:
        tomllib.loads((ROOT / config).read_text(encoding="utf-8"))


def test_models_on_the_page_are_models() -> None:
    for model in re.findall(r"--model ([a-z][\w-]+)", TEXT):
        assert model in MODELS, model
    for system in SYSTEMS:
        if system.kind in ("recreation", "reduced") or system.reads == "frames":
            assert f"`{system.model}`" in TEXT, system.model


def test_a_re_creation_is_called_one_wherever_it_is_run() -> None:
    for row in TEXT.splitlines():
        if "-recreation" in row and row.startswith("|"):
            assert "re-creation" in row, row
