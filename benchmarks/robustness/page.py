"""The result as a page for people, and as one picture for those who would rather look."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.robustness.conditions import ORDINARY
from benchmarks.robustness.table import FAR_OFF

_HEADS = ("none", "similarity", "quadratic")
_DEFAULT = "quadratic"
_SAYS = {
    "none": "named right, nothing taken out",
    "similarity": "similarity taken out",
    "quadratic": "quadratic field taken out",
}
_COLOURS = ("#CC79A7", "#0072B2", "#D55E00")
_KINDS = ("something covers", "skin", "head is turned")

_HEAD = """# What recognition bears

Written by `python -m benchmarks.robustness --model-path ict_face.npz`; the numbers are in
`benchmarks/robustness/results.json`.

Onset and apex of {clips} drawn clips ({expressions} with an expression of 0.7 to 2 px, the others
with blinks, gaze or mouth movements that are none) go through the chain of `hmrm analyze`: MTCNN,
the crop, {flow}, `hmrm-synthetic`. Each line changes one thing; clip by clip the person and the
movement stay the same. Motion comes from the morphable face, on the portrait and on drawn faces;
remedies were chosen on other clips, moved by the atlas. The network has seen maps of both sources,
but no picture. Chance names a quarter right. With {expressions} expressions the standard error of
a share is up to {error:.0f} points, so read trends, not single cells.

![Expressions named right, by condition](robustness.svg)

Columns: faces found by MTCNN at once, and with the second look that evens out the light (the
default; in brackets: with a point more than {far} eye distances off); expressions named
right when nothing is taken out of the flow, a similarity is (shift, turn in the picture,
distance), or a quadratic field is (the default: also a small turn aside), and rest called `none`
with that default. A face that is not found has nothing named right.
"""

_CHANGES = """
## Each remedy against the chain without it, in the same pictures

gained: named right only with it; lost: only without it; over all levels of the line.

"""

_TAIL = """
## Reading it

- Ordinary: face 240 px wide, the head shifts by 1 px between onset and apex, frontal, even light.
- The pictures are drawn: covers are flat, skin does not shine, a turned head has no hidden side
  that comes into view. Real recordings are harder.
- The parts that change most with the light are the network's and the detector's, not the flow's:
  {flow} compares gradients.
- Smoothing acts on enlarged (small) faces only; evening out the light was tried on the lines about
  light only.
"""


def page(result: Mapping[str, Any]) -> str:
    """The Markdown page of one result."""
    expressions = result["expressions"]
    head = _HEAD.format(
        clips=result["clips"],
        expressions=expressions,
        flow=result["flow"],
        far=FAR_OFF,
        error=50 / max(1, expressions) ** 0.5,
    )
    lines = [
        head,
        "| recording | found at once | found | nothing | similarity | quadratic | `none` |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        _line(f"**{ORDINARY}**", result["ordinary"], expressions),
    ]
    for axis, levels in result["axes"].items():
        lines += [_line(f"{axis}: {level}", one, expressions) for level, one in levels.items()]
    lines += [_CHANGES, *_changes(result), _TAIL.format(flow=result["flow"])]
    return "\n".join(lines).rstrip() + "\n"


def _line(name: str, one: Mapping[str, Any], expressions: int) -> str:
    right, rest = one["expressions_right"], one["clips"] - expressions
    wrongly = f" ({one['found_wrongly']})" if one["found_wrongly"] else ""
    cells = [f"{right.get(head, 0)} of {expressions}" for head in _HEADS]
    none = f"{one['none_right'].get(_DEFAULT, 0)} of {rest}"
    faces = f"{one['found_at_once']} | {one['found']} of {one['clips']}{wrongly}"
    return f"| {name} | {faces} | {' | '.join(cells)} | {none} |"


def _changes(result: Mapping[str, Any]) -> list[str]:
    lines = [
        "| from → to | recording | pictures | gained | lost |",
        "| --- | --- | --- | --- | --- |",
    ]
    for change, axes in result["changes"].items():
        for axis, one in axes.items():
            counts = f"{one['pictures']} | {one['gained']} | {one['lost']}"
            lines.append(f"| {change} | {axis} | {counts} |")
        if len(axes) > 1:
            sums = [sum(one[k] for one in axes.values()) for k in ("pictures", "gained", "lost")]
            lines.append(f"| {change} | **all** | {sums[0]} | {sums[1]} | {sums[2]} |")
    return lines


def picture(result: Mapping[str, Any]) -> str:
    """Small curves side by side, as SVG; the same for the same numbers."""
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "robustness", "font.size": 8}
    with mpl.rc_context(style):
        figure = Figure(figsize=(9.6, 7.4), layout="constrained")
        panels = figure.subplots(3, 3, sharey=True).ravel()
        for panel, (axis, levels) in zip(panels, result["axes"].items(), strict=True):
            _draw(panel, axis, levels, result)
        panels[0].legend(loc="lower left", frameon=False)
        figure.supylabel("share of clips")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    # Matplotlib leaves blanks at line ends, which no text file of ours has.
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _draw(panel: Any, axis: str, levels: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    graded = not axis.startswith(_KINDS)
    points = {"ordinary": result["ordinary"], **levels} if "skin" not in axis else dict(levels)
    line = "-" if graded else "none"
    found = [one["found"] / one["clips"] for one in points.values()]
    panel.plot(found, color="#5b6675", linestyle=":" if graded else "none", marker="s", ms=3)
    panel.lines[-1].set_label("faces found")
    for head, colour, marker in zip(_HEADS, _COLOURS, "vo^", strict=True):
        shares = [
            one["expressions_right"].get(head, 0) / result["expressions"] for one in points.values()
        ]
        panel.plot(shares, color=colour, linestyle=line, marker=marker, ms=4, label=_SAYS[head])
    panel.set_title(axis, fontsize=9)
    panel.set_xticks(range(len(points)), points, rotation=20 if not graded else 0)
    panel.set_ylim(0, 1.05)
    panel.axhline(0.25, color="#dfe4ea", linewidth=1, zorder=0)
    panel.spines[["top", "right"]].set_visible(False)
