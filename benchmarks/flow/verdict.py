"""Whether one method is as good as the best classical one, column by column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PART_TITLES = {"epe_px": "mean", "epe_fastest_px": "fastest tenth"}
"""Errors that are compared: key of a column → what the page calls it."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One error of one column: ours next to the smallest that a classical method has.

    Attributes:
        difference_px: ours minus theirs; below zero we are better.
        uncertainty_px: two standard errors of the difference over pairs, pair by pair.
    """

    column: str
    part: str
    rival: str
    rival_px: float
    ours_px: float
    difference_px: float
    uncertainty_px: float

    @property
    def verdict(self) -> str:
        """Better or worse, where the difference is beyond its uncertainty."""
        if abs(self.difference_px) <= self.uncertainty_px:
            return "no difference shown"
        return "better" if self.difference_px < 0 else "**worse**"


def is_classical(name: str) -> bool:
    """Whether a row of the result is neither learned nor the flow that is zero."""
    return not name.startswith("gru-aofe") and name != "zero flow"


def compare(methods: dict[str, Any], ours: str) -> list[Comparison]:
    """Ours and the best classical method of each column and part; of static pairs the length."""
    rivals = {name: method["columns"] for name, method in methods.items() if is_classical(name)}
    mine = methods[ours]["columns"]
    found = []
    for column in mine:
        parts = ["length_px"] if column == "static" else list(PART_TITLES)
        for part in parts:
            # A method that gave no number for some pair (nan) is nobody's rival.
            errors = {name: columns[column][part] for name, columns in rivals.items()}
            best = min(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
            theirs = rivals[best][column]["pairs_px"][part]
            apart, uncertainty = difference(mine[column]["pairs_px"][part], theirs)
            found.append(
                Comparison(
                    column=column,
                    part=PART_TITLES.get(part, "length"),
                    rival=best,
                    rival_px=errors[best],
                    ours_px=mine[column][part],
                    difference_px=apart,
                    uncertainty_px=uncertainty,
                )
            )
    return found


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Mean of ours minus theirs, pair by pair, and two standard errors of it."""
    apart = np.subtract(ours, theirs)
    spread = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.inf
    return float(apart.mean()), float(2 * spread)


def summary(found: list[Comparison], ours: str) -> str:
    """One sentence: in how many cells ours is below, and what is beyond the uncertainty."""
    below = sum(one.difference_px < 0 for one in found)
    better = sum(one.verdict == "better" for one in found)
    worse = sum(one.verdict == "**worse**" for one in found)
    return (
        f"`{ours}` has a smaller error than the best classical method in {below} of "
        f"{len(found)} cells, in {better} of them beyond two standard errors; it is worse beyond "
        f"them in {worse}."
    )
