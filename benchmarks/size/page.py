"""The result as a page."""

from collections.abc import Mapping
from typing import Any

_HEAD = """# What size and 8-bit storage of flow maps cost

Written by `python -m benchmarks.size`; every figure is in `benchmarks/size/results.json`.

{clips} rendered clips of {subjects} synthetic subjects, as many of each class (chance 33 %):
expressions of {low} to {high} px of the canonical crop, sometimes with other movements, head motion
and noise of 1 to 3 grey levels; the face's points are off by 3 % of the eye distance. Flow by
{flow} once per clip, head motion fitted and taken out, then cells of every size from the same flow.
{folds} folds keep a subject on one side. `svm-tuned` chooses blur (the same part of the face at
every size) and C on training subjects; the linear head on frozen features of `hmrm-synthetic` takes
28 cells alone. In brackets 95 % intervals over resampled subjects; differences are paired.
hmrm {version}, commit {commit}.

"""

_TAIL = """
*8 bits*: u and v each in 256 levels between their extremes; *apart*: and each scaled by its own
r.m.s. afterwards, as with public maps, where the ratio of u to v is lost.

## Reading it

- {verdict}
- Motion here is that of the atlas, smooth over a few cells, and skin is rendered: fine motion of
  real skin, which larger maps might show, is not in these clips. What real data gain from 56 or 112
  cells is not measured.
- The estimator itself smooths: cells smaller than its reach repeat their neighbours.
"""


def page(result: dict[str, Any]) -> str:
    """The Markdown page of one result."""
    stamp = result["provenance"]
    head = _HEAD.format(
        clips=result["clips"],
        subjects=result["subjects"],
        low=result["intensity_px"][0],
        high=result["intensity_px"][1],
        flow=result["flow"],
        folds=result["folds"],
        version=stamp["hmrm"],
        commit=stamp["commit"],
    )
    titles = ["model", "maps", "UF1", "UAR", "UF1 over 28", "UAR over 28"]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for model, rows in result["models"].items():
        for name, row in rows.items():
            over = row.get("over_28")
            lines.append(
                _line(
                    [model, name, _interval(row["uf1"]), _interval(row["uar"])]
                    + ([_signed(over["uf1"]), _signed(over["uar"])] if over else ["", ""])
                )
            )
    return head + "\n".join(lines) + "\n" + _TAIL.format(verdict=verdict(result["models"]))


def verdict(models: Mapping[str, Mapping[str, Any]]) -> str:
    """Kinds of map whose UF1 differs from that of 28 cells beyond its interval, in words."""
    differ = [
        f"{model} on maps of {name}"
        for model, rows in models.items()
        for name, row in rows.items()
        if "over_28" in row
        and not row["over_28"]["uf1"]["low"] <= 0 <= row["over_28"]["uf1"]["high"]
    ]
    if differ:
        return f"UF1 differs from that of maps of 28 beyond its interval: {'; '.join(differ)}."
    return "No difference shown: no kind of map changes UF1 by more than chance."


def _interval(one: dict[str, float]) -> str:
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


def _signed(one: dict[str, float]) -> str:
    return f"{one['value']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
