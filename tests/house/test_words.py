"""Words of the field instead of a dialect of our own: ``words.toml`` says which.

``python -m tests.house.words_report`` lists what is left of them.
"""

import pytest

from tests.house.words import NAMES, PROSE, Rule, everything, in_python, rules, violations

SHOWN = 12


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.word)
def test_word_is_gone(rule: Rule) -> None:
    broken = violations(rule, everything())
    shown = "\n".join(str(violation) for violation in broken[:SHOWN])
    assert not broken, f"{len(broken)} places, `python -m tests.house.words_report`:\n{shown}"


def test_rules_are_whole() -> None:
    words = [rule.word for rule in rules()]
    assert len(set(words)) == len(words)
    for rule in rules():
        assert rule.parts or rule.names or rule.phrases, rule.word
        assert set(rule.scopes) <= {*NAMES, *PROSE}, rule.word


SAMPLE = '''
"""Oddity of a picture; the
standard deviation stays."""

import numpy as np


class OddityTable:
    def draw_maps(self, oddities):  # a rich picture
        if oddities:
            raise ValueError(f"{oddities} oddities: the picture is odd")
        return {"oddity": np.std(oddities), "left_out": oddities.left_out}
'''
RULE = Rule(
    word="oddity",
    instead="issue",
    parts=("oddity", "oddities", "left_out"),
    names=("draw_maps",),
    phrases=("oddit(?:y|ies)", "deviation", "picture is", "a picture; the standard"),
    allowed=("standard deviation", "OddityTable"),
)


def test_names_and_prose_are_found_with_line_and_scope() -> None:
    broken = violations(RULE, list(in_python(SAMPLE, "src/hmrm/x.py")))
    assert {(v.line, v.scope, v.text) for v in broken} == {
        (2, "comments", "Oddity"),
        (2, "comments", "a picture; the standard"),
        (9, "identifiers", "draw_maps"),
        (9, "identifiers", "oddities"),
        (10, "identifiers", "oddities"),
        (11, "identifiers", "oddities"),
        (11, "errors", "oddities"),
        (11, "errors", "picture is"),
        (12, "keys", "oddity"),
        (12, "keys", "left_out"),
        (12, "identifiers", "oddities"),
        (12, "identifiers", "left_out"),
    }


def test_a_rule_for_some_paths_or_scopes_leaves_others_alone() -> None:
    found = list(in_python(SAMPLE, "src/hmrm/x.py"))
    elsewhere = Rule(word="w", instead="i", parts=("oddities",), paths=("src/hmrm/flow/",))
    keys = Rule(word="w", instead="i", parts=("oddity",), scopes=("keys",))
    assert not violations(elsewhere, found)
    assert [v.scope for v in violations(keys, found)] == ["keys"]
