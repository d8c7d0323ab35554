"""docs/glossary.md explains every column and flag that is written, and no other."""

import re

import pytest

from hmrm.analysis.export.tables import (
    event_columns,
    events_table,
    frame_columns,
    frames_table,
    summary_table,
)
from hmrm.analysis.notices import REASONS
from hmrm.analysis.report.words import CODER_FLAGS, FLAGS
from hmrm.datasets.preparation.output_folder import CLIP_COLUMNS
from hmrm.evaluation.results import ScoreRow
from hmrm.intervals import COLUMNS
from tests.analysis.analyses_to_export import CASES
from tests.docs.pages import ROOT, text_of

TEXT = text_of(ROOT / "docs/glossary.md")


def explained(heading: str) -> list[str]:
    """Names in the first column of the tables under a heading."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*`) \| \S", part, re.M)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_columns_of_frames() -> None:
    analysis = CASES["overlapping"]
    names = [n for n in frames_table(analysis) if not n.startswith("motion_")]
    assert len(names) < len(frame_columns(analysis.frames)), "no region was measured"
    assert explained("frames.csv") == [*names, "motion_REGION"]


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("events.csv", list(event_columns(()))),
        ("summary.csv", list(summary_table(CASES["overlapping"]))),
        ("clips.csv of prepared flow maps", list(CLIP_COLUMNS)),
        ("scores.csv of a run", list(ScoreRow.__annotations__)),
        ("Reasons of rejected candidates", list(REASONS)),
    ],
)
def test_what_is_explained_is_what_is_written(heading: str, names: list[str]) -> None:
    assert explained(heading) == names


def test_columns_of_spotting() -> None:
    assert sorted(explained("spotting.csv")) == sorted(COLUMNS)


def test_quality_flags() -> None:
    assert explained("Quality flags") == [*FLAGS, *CODER_FLAGS]


def test_reasons_of_the_report_guide() -> None:
    page = text_of(ROOT / "docs/guide/report.md")
    rows = re.findall(r"^\| `(\w+)` \| \S", page, re.M)
    assert set(rows) == set(REASONS)


def test_events_of_an_analysis_have_these_columns() -> None:
    assert set(explained("events.csv")) <= set(events_table(CASES["overlapping"]))
