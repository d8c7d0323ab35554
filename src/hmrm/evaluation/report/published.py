"""Published numbers on the 442 clips of MEGC 2019, with the rule each was made by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

from hmrm import records

Rule = Literal["none", "fixed", "unknown", "on_test"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """One published method.

    Attributes:
        rule: how its epoch was chosen; ``rule_words`` say it in words.
        scores: data set → UF1 and UAR; None where it was not printed.
    """

    name: str
    rule: Rule
    rule_words: str
    source: str = ""
    note: str | None = None
    scores: Mapping[str, tuple[float | None, float | None]] = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class Published:
    """The table of published numbers; ``datasets`` in the order of its columns."""

    note: str
    datasets: tuple[str, ...]
    methods: tuple[Method, ...]


def published() -> Published:
    """Read the table that is shipped with the package."""
    text = resources.files("hmrm.evaluation.report").joinpath("published.json").read_text("utf-8")
    return records.loads(Published, text, where="published.json")
