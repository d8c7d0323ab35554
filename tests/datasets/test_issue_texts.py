"""Every kind of issue has a sentence, and people are never shown its code."""

import re
from pathlib import Path

import hmrm.datasets
from hmrm.datasets.annotations.issue_texts import WORDS, words_of

_SOURCES = Path(hmrm.datasets.__file__).parent.rglob("*.py")
_GIVEN = re.compile(r'(?:notes\.add\(\s*|code=|^CODE = )"(\w+)"', re.M)


def test_every_code_that_is_given_has_a_sentence_and_no_other() -> None:
    given = {code for path in _SOURCES for code in _GIVEN.findall(path.read_text("utf-8"))}
    assert given == set(WORDS)


def test_sentences_are_plain_and_unlike_each_other() -> None:
    assert len(set(WORDS.values())) == len(WORDS)
    assert all(" " in words and "_" not in words for words in WORDS.values())
    assert words_of("of_an_older_folder") == "of an older folder"
    assert words_of("picture_empty") == WORDS["image_empty"]
