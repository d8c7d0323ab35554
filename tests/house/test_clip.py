"""Clip ids: the one place that knows whose clip it is and from which data set."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm import clip
from hmrm.clip import ClipId
from hmrm.errors import DataError

PARTS = st.text(st.characters(exclude_characters="/", exclude_categories=("Cs",)), min_size=1)


@given(dataset=PARTS, subject=PARTS, name=PARTS)
def test_an_id_is_taken_apart_and_written_again(dataset: str, subject: str, name: str) -> None:
    found = ClipId.parse(f"{dataset}/{subject}/{name}")
    assert (found.dataset, found.subject_name, found.clip) == (dataset, subject, name)
    assert found.subject == f"{dataset}/{subject}"
    assert str(found) == f"{dataset}/{subject}/{name}"


@pytest.mark.parametrize("text", ["", "a", "a/b", "a/b/", "/b/c", "a//c", "a/b/c/d"])
def test_what_is_no_id_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"clip id {text!r} is not dataset/subject/clip")):
        ClipId.parse(text)


def test_same_subject_name_in_two_data_sets_is_two_subjects() -> None:
    assert ClipId.parse("casme2/s01/a").subject != ClipId.parse("smic/s01/a").subject


def test_nothing_else_takes_an_id_apart() -> None:
    source = Path(clip.__file__).parent
    # These take apart keys of folders, the corners of a mesh's faces, and ids of any form of which
    # other programs wrote the end alone.
    others = {"clip.py", "interval_truth.py", "smic.py", "morphable.py", "found.py"}
    slicing = re.compile(r"\.r?(split|partition)\(\"/\"")
    found = {p.name for p in source.rglob("*.py") if slicing.search(p.read_text(encoding="utf-8"))}
    assert found <= others
