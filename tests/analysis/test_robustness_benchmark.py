"""The robustness benchmark's counting and its page, on clips made by hand."""

import json
from pathlib import Path

from benchmarks.robustness.conditions import AXES, ORDINARY
from benchmarks.robustness.page import image, page
from benchmarks.robustness.table import counted, result_of

ROOT = Path(__file__).parents[2]
NAMES = (ORDINARY, *(f"{axis}: {level}" for axis, levels in AXES.items() for level in levels))


def row(label: str, look: int, off: float = 0.05, **called: str) -> dict[str, object]:
    return {"label": label, "look": look, "off": off if look else None, "called": called}


def test_a_face_that_is_not_found_has_nothing_classified() -> None:
    found = counted(
        [
            row("positive", 1, similarity="positive", quadratic="negative"),
            row("positive", 2, off=0.5, similarity="positive", quadratic="positive"),
            row("negative", 0),
            row("none", 1, similarity="none", quadratic="positive"),
        ]
    )
    assert (found["found_at_once"], found["found"], found["found_wrongly"]) == (2, 3, 1)
    assert found["expressions_right"] == {"similarity": 2, "quadratic": 1}
    assert found["expressions_right_at_once"] == 1
    assert found["none_right"] == {"similarity": 1, "quadratic": 0}


def test_gains_and_losses_are_counted_by_picture_and_by_clip() -> None:
    better = {name: row("surprise", 1, none="none", similarity="surprise") for name in NAMES}
    worse = dict.fromkeys(NAMES, row("negative", 1, none="negative", similarity="negative"))
    worse[NAMES[0]] = row("negative", 1, none="negative", similarity="none")
    result = result_of([better, worse])
    found = result["changes"]["none → similarity"]
    assert found[ORDINARY] == {"images": 2, "gained": 1, "lost": 1}
    total = found["all"]
    assert (total["images"], total["gained"], total["lost"]) == (2 * len(NAMES), len(NAMES), 1)
    assert (total["clips_better"], total["clips_worse"]) == (1, 1)
    result["flow"] = "deepflow"
    text = page(result)
    assert "| **ordinary recording** | 2 of 2 | 1 of 2 | 0 of 0 | 2 | 1 |" in text
    assert "| nothing out → default | ordinary recording | 2 | 1 | 1 |" in text
    assert image(result) == image(result)


def test_the_page_is_that_of_the_measured_numbers() -> None:
    measured = json.loads((ROOT / "benchmarks/robustness/results.json").read_text(encoding="utf-8"))
    written = (ROOT / "docs/benchmarks/robustness.md").read_text(encoding="utf-8")
    assert written == page(measured)
