"""Figures that guides repeat are those of the page that measures them."""

import json
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, text_of

NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d*\.\d+|\d+)(?![\w])")


def numbers(text: str) -> list[str]:
    return [found.replace(",", "") for found in NUMBER.findall(text)]


def stands_in(figure: str, source: str) -> bool:
    """Whether a number of the source is, rounded as the figure is, that figure."""
    places = len(figure.partition(".")[2])
    return any(
        f"{float(one):.{places}f}" == f"{float(figure):.{places}f}" for one in numbers(source)
    )


OVERVIEW = text_of(ROOT / "docs/benchmarks/index.md")
ROWS = re.findall(r"^\| [^|]*\? \| ([^|]*) \| \[[^]]*\]\(([^)]*)\) \|$", OVERVIEW, re.M)


@pytest.mark.parametrize(("short", "page"), ROWS, ids=[page for _, page in ROWS])
def test_the_overview_repeats_the_pages(short: str, page: str) -> None:
    source = text_of(ROOT / "docs/benchmarks" / page).replace("ten clips", "10 clips")
    for figure in numbers(short):
        assert stands_in(figure, source), f"{figure} is not in {page}"


def test_every_benchmark_has_a_row() -> None:
    pages = {p.name for p in (ROOT / "docs/benchmarks").glob("*.md")} - {"index.md"}
    named = set(re.findall(r"\]\(([\w]+\.md)\)", OVERVIEW))
    assert named <= pages
    assert len(named) >= 9


REPEATED = [
    ("docs/guide/long_videos.md", "F1 0.750", "docs/benchmarks/spotting.md"),
    ("docs/guide/long_videos.md", "SOFTNet's recipe 0.16", "docs/benchmarks/spotting.md"),
    ("docs/guide/long_videos.md", "0.8 false", "docs/benchmarks/spotting.md"),
    ("docs/guide/long_videos.md", "18 of 19", "docs/benchmarks/real_video.md"),
    ("docs/guide/flow.md", "18 of 19 measures", "docs/benchmarks/flow.md"),
]


@pytest.mark.parametrize(("page", "figures", "source"), REPEATED)
def test_guides_repeat_the_pages(page: str, figures: str, source: str) -> None:
    assert figures in text_of(ROOT / page)
    for figure in numbers(figures):
        assert stands_in(figure, text_of(ROOT / source))


@pytest.mark.parametrize(
    ("page", "words", "run"),
    [
        ("docs/guide/weights.md", r"zero-shot UF1 (0\.\d+)", "hmrm-synthetic-zero-shot"),
        ("docs/guide/weights.md", r"UF1 (0\.\d+) with each subject left out", "hmrm-frozen-linear"),
        ("docs/guide/models.md", r"Three models together reach (0\.\d+)", "hmrm-ensemble-plain"),
        ("docs/guide/models.md", r"tuned support vector machine \((0\.\d+)\)", "svm-tuned"),
        ("docs/tutorial.md", r"UF1 of (0\.\d+) without any network", "svm-mirrored"),
        ("docs/tutorial.md", r"training subjects in each fold and reaches (0\.\d+)", "svm-tuned"),
        ("docs/cards/synthetic_maps.md", r"reach UF1 (0\.\d+)", "hmrm-synthetic-zero-shot"),
        ("src/hmrm/weights/hmrm-synthetic.md", r"uf1: (0\.\d+)", "hmrm-synthetic-zero-shot"),
        ("src/hmrm/weights/hmrm-composite.md", r"uf1: (0\.\d+)", "hmrm-frozen-linear"),
    ],
)
def test_scores_are_those_of_their_runs(page: str, words: str, run: str) -> None:
    [figure] = re.findall(words, text_of(ROOT / page))
    kept = json.loads((ROOT / "results" / run / "run.json").read_text(encoding="utf-8"))
    assert float(figure) == pytest.approx(kept["scores"]["composite"]["uf1"]["mean"], abs=5e-4)


WRITTEN = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "log.md"),
    *sorted((ROOT / "docs/guide").glob("*.md")),
    *sorted((ROOT / "docs/cards").glob("*.md")),
]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_decimals_begin_with_a_digit(page: Path) -> None:
    """``0.75``, not ``.75``, outside code and links; the log and pages of results are tables."""
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)
    assert not re.findall(r"(?<![\w.\d/])\.\d+", text)
