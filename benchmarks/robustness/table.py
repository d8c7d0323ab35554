"""Counts over clips: faces found, expressions correctly classified, rest called none."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.robustness.conditions import AXES, ORDINARY
from hmrm.facs.recipes import NONE

Row = Mapping[str, Any]
DEFAULT = "similarity"
"""What the package takes out of the flow."""

ALL = "all"
FAR_OFF = 0.2
"""A face whose worst point is further from the truth, in eye distances, counts as found wrongly."""


def result_of(clips: Sequence[Mapping[str, Row]]) -> dict[str, Any]:
    """Every axis with its levels, the ordinary recording first; and each chain over all levels."""
    ordinary = counted([clip[ORDINARY] for clip in clips])
    axes = {
        axis: {level: counted([clip[f"{axis}: {level}"] for clip in clips]) for level in levels}
        for axis, levels in AXES.items()
    }
    return {
        "clips": len(clips),
        "expressions": sum(clip[ORDINARY]["label"] != NONE for clip in clips),
        "ordinary": ordinary,
        "axes": axes,
        "changes": {
            f"{before} → {after}": changes(clips, before, after)
            for before, after in (
                ("none", "similarity"),
                ("similarity", "quadratic"),
                ("similarity", "similarity, smoothed"),
                ("similarity", "similarity, light evened"),
            )
        },
    }


def counted(rows: Sequence[Row]) -> dict[str, Any]:
    """One condition; a face that is not found has nothing classified correctly."""
    chains = sorted({name for row in rows for name in row["called"]})
    shown = [row for row in rows if row["label"] != NONE]
    still = [row for row in rows if row["label"] == NONE]
    return {
        "clips": len(rows),
        "found_at_once": sum(row["look"] == 1 for row in rows),
        "found": sum(row["look"] > 0 for row in rows),
        "found_wrongly": sum(row["look"] > 0 and row["off"] > FAR_OFF for row in rows),
        "expressions_right_at_once": sum(
            row["look"] == 1 and _right(row, DEFAULT) for row in shown
        ),
        "expressions_right": {name: sum(_right(row, name) for row in shown) for name in chains},
        "none_right": {name: sum(_right(row, name) for row in still) for name in chains},
    }


def changes(clips: Sequence[Mapping[str, Row]], before: str, after: str) -> dict[str, Any]:
    """What one chain classifies correctly and the other does not, in the same images, by axis.

    Images of one clip err together, so the clips are counted too, over all axes: those in which
    more was gained than lost, and the reverse.
    """
    net = [
        sum(_right(r, after) - _right(r, before) for r in clip.values() if after in r["called"])
        for clip in clips
    ]
    found: dict[str, Any] = {}
    for axis in (ORDINARY, *AXES):
        rows = [
            row
            for clip in clips
            for name, row in clip.items()
            if name.partition(":")[0] == axis and after in row["called"]
        ]
        if rows:
            found[axis] = {
                "images": len(rows),
                "gained": sum(_right(r, after) and not _right(r, before) for r in rows),
                "lost": sum(_right(r, before) and not _right(r, after) for r in rows),
            }
    found[ALL] = {
        **{key: sum(one[key] for one in found.values()) for key in ("images", "gained", "lost")},
        "clips_better": sum(n > 0 for n in net),
        "clips_worse": sum(n < 0 for n in net),
    }
    return found


def _right(row: Row, chain: str) -> bool:
    return bool(row["called"].get(chain) == row["label"])
