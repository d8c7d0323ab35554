"""What a newcomer asks is answered by a sentence, near where the README points."""

import re

import pytest

from tests.docs.pages import ROOT, text_of

ANSWERS = [
    ("How do events come into ELAN?", "docs/guide/video.md", "open it in ELAN"),
    ("What does none mean?", "README.md", "`none` means: a movement, but probably no expression"),
    ("Why is this an event?", "docs/guide/report.md", "one of the two stood above its threshold"),
    ("What does a flag mean?", "docs/glossary.md", "the person was speaking"),
    ("How do I add a model?", "docs/guide/models.md", "Any class with `fit` and `predict`"),
    ("What is UF1?", "docs/guide/models.md", "**UF1** is the mean of the classes' F1"),
    ("What is LOSO?", "docs/guide/models.md", "each subject in turn is the test subject"),
    ("What is an onset?", "README.md", "The movement begins at 1.80 s (onset)"),
    ("What is RFFS?", "docs/glossary.md", "region feature fusion strategy"),
    ("What is STRS?", "docs/glossary.md", "spot-then-recognise score"),
    ("What must it not be used for?", "README.md", "**It must not be used for** lie detection"),
    ("Is macOS tested?", "README.md", "macOS is untested"),
    ("On whom was it never measured?", "docs/cards/megc2019.md", "What was never measured"),
]


@pytest.mark.parametrize(("question", "page", "sentence"), ANSWERS)
def test_the_answer_can_be_quoted(question: str, page: str, sentence: str) -> None:
    assert sentence in " ".join(text_of(ROOT / page).split()), question


def test_the_pages_are_two_links_from_the_readme() -> None:
    near, here = set(), [ROOT / "README.md"]
    for _ in range(2):
        here = [
            (page.parent / target).resolve()
            for page in here
            for target in re.findall(r"\]\(([\w./-]+\.md)", text_of(page))
        ]
        near |= {path.relative_to(ROOT).as_posix() for path in here}
    assert {page for _, page, _ in ANSWERS} - {"README.md"} <= near
