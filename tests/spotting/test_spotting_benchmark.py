"""The page of the spotting benchmark says what was measured."""

import json
from pathlib import Path

from benchmarks.spotting.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_measured_numbers():
    measured = json.loads((ROOT / "benchmarks/spotting/results.json").read_text(encoding="utf-8"))
    written = (ROOT / "docs/benchmarks/spotting.md").read_text(encoding="utf-8")
    assert written == page(measured)


def test_rates_have_exact_limits_of_a_poisson_count():
    """Two events: 0.242 to 7.225, none: 0 to 3.689 (Garwood's table)."""
    quiet = {"found_by_kind": {"blink": {"micro": 2, "minutes": 1.0}}}
    none = {"found_by_kind": {"blink": {"micro": 0, "minutes": 1.0}}}
    count = {"f1": 0.5, "true_positives": 1, "false_positives": 2, "false_negatives": 0}
    mixed = {"videos": 1, "minutes": 1.0, "counts": dict.fromkeys(("micro", "macro", "all"), count)}
    talks = {
        "found_by_kind": {
            "talk": {"micro": 2, "minutes": 2.0},
            "talk-mixed": {"micro": 3, "minutes": 1.0},
        },
        "counts": {
            "micro": {"false_positives": 4},
            "all": {"true_positives": 5, "false_negatives": 3},
        },
    }
    parts = {
        "development": mixed,
        "test": mixed,
        "development-quiet": quiet,
        "quiet": none,
        "development-speech": talks,
    }
    words = page(
        {
            "scores": {"ours": parts},
            "softnet_tuned_p": 0.65,
            "provenance": {"hmrm": "0", "commit": "c", "seeds": [1]},
        }
    )
    assert "| development | 2 | 1 | 2.0 (0.2 to 7.2) |" in words
    assert "| test | 0 | 1 | 0.0 (0.0 to 3.7) |" in words
    assert "0.500 (1 / 2 / 0)" in words
    assert "| 1.0 (0.1 to 3.6) | 2 | 5 of 8 |" in words
