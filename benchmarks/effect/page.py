"""The result as a page."""

from typing import Any

_HEAD = """# What the choice of flow is worth to recognition

Written by `python -m benchmarks.effect`; every clip is in `benchmarks/effect/results.json`.

{seeds} seeds of {clips} rendered clips, as many of each class (negative, positive, surprise, none;
chance 25 %): the demo portrait, moved by the action-unit atlas with {low} to {high} px of the
canonical crop, head motion and noise of 1 to 3 grey levels. Faces are cut out by their true
landmarks; the flow from onset to apex is estimated or exact; the map is classified by
`hmrm-synthetic`, which saw neither the portrait nor an estimated flow in training. hmrm {version},
commit {commit}.

`gru-aofe, weighted`: pixels count in their cell of the map by 1 / expected error. *aligned*: the
head's motion is taken out of the apex image first (`hmrm.flow.aligned`). *Map error*: r.m.s.
difference to the map of the exact flow, in parts of its scale. *Only it / only gru-aofe*: clips
that only one of the two classifies correctly, and the sign test's p.

"""

_TAIL = """
## Reading it

- One face, synthetic motion, true landmarks: the differences say what the flow is worth when all
  else is right. On real clips landmarks, light and labels cost more.
- The weights were trained on synthetic maps without the errors of any estimator: they favour none.
"""


def page(result: dict[str, Any]) -> str:
    """The Markdown page of one result."""
    low, high = result["intensity_px"]
    stamp = result["provenance"]
    head = _HEAD.format(
        seeds=len(stamp["seeds"]),
        clips=result["clips_of_a_seed"],
        low=low,
        high=high,
        version=stamp["hmrm"],
        commit=stamp["commit"],
    )
    labels = list(next(iter(result["methods"].values()))["recall"])
    titles = ["flow", "correct, %", "by seed", *labels, "EPE, px", "map error"]
    titles += ["only it / only gru-aofe", "p"]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for name, row in result["methods"].items():
        cells = [name, f"{100 * row['right_fraction']:.1f}"]
        by_seed = row["right_fraction_by_seed"]
        cells.append(" / ".join(f"{100 * fraction:.0f}" for fraction in by_seed))
        cells += [f"{100 * row['recall'][label]:.0f}" for label in labels]
        cells += [f"{row['epe_px']:.3f}", f"{row['map_error']:.3f}"]
        same = name == "gru-aofe"
        cells.append("" if same else f"{row['right_only_here']} / {row['right_only_gru_aofe']}")
        cells.append("" if same else f"{row['p']:.3f}")
        lines.append(_line(cells))
    return head + "\n".join(lines) + "\n" + _TAIL


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
