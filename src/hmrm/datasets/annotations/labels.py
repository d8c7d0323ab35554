"""Emotions in each data set's own words, and their classes in the usual 3, 4, 5 and 7, as data.

``labels.csv`` holds one row per data set and emotion. Three classes are those of MEGC 2019
(CASME II's few fear and sadness clips are excluded there, SAMM's are negative); four add
``others``; five and seven are the ones usual for the data set, where there are any. An empty cell
leaves the clip out of that scheme.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal, get_args

from hmrm.datasets.annotations.workbook import Row
from hmrm.errors import ConfigError

Scheme = Literal["three", "four", "five", "seven"]

_SPELLINGS = {
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "fearful": "fear",
    "afraid": "fear",
    "disgusted": "disgust",
    "surprised": "surprise",
    "suprise": "surprise",
    "other": "others",
    "oth": "others",
    "neg": "negative",
    "pos": "positive",
    "sur": "surprise",
    "repressed": "repression",
    "tension": "tense",
}


def emotion_of(row: Row, key: str, dataset: str) -> str:
    """The emotion of a cell in lower case and one spelling; one without a class is noted.

    Raises:
        DataError: the cell holds neither text nor a number.
    """
    text = row.text(key).lower().strip(" .")
    emotion = _SPELLINGS.get(text, text)
    if emotion and emotion not in emotions(dataset):
        row.notes.add(
            "emotion_unknown", row.address(key), f"{text!r} has no class in any scheme of {dataset}"
        )
    if not emotion:
        row.notes.add("no_emotion", row.address(key), "no emotion is given")
    return emotion


def emotions(dataset: str) -> tuple[str, ...]:
    """The data set's vocabulary."""
    return tuple(_table().get(dataset, {}))


def class_of(dataset: str, emotion: str, scheme: Scheme = "three") -> str | None:
    """The class of an emotion, None where the scheme leaves it out.

    Raises:
        ConfigError: there is no such scheme.
    """
    if scheme not in get_args(Scheme):
        raise ConfigError(f"classes: {scheme!r}; choose one of {', '.join(get_args(Scheme))}")
    return _table().get(dataset, {}).get(emotion, {}).get(scheme) or None


def class_names(dataset: str, scheme: Scheme) -> tuple[str, ...]:
    """Names of a scheme's classes for a data set, in the order of its table."""
    found = (class_of(dataset, emotion, scheme) for emotion in emotions(dataset))
    return tuple(dict.fromkeys(name for name in found if name))


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = resources.files("hmrm.datasets.annotations").joinpath("labels.csv").read_text("utf-8")
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["dataset"], {})[row["emotion"]] = row
    return found
