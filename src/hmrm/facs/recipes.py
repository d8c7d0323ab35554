"""Which action units make which class: hand-made recipes, counted ones, and no expression at all.

The hand-made recipes follow FACS's readings of emotion and what annotators of spontaneous
micro-expressions report: happiness AU12 with AU6; surprise AU1+2 with AU5; disgust AU9, AU10 and
AU4; anger AU4, AU7, AU23, AU24; sadness AU1+4, AU15, AU17; fear AU1+4, AU20, AU4+5; contempt and
repression AU14 or one-sided AU12, AU24, AU17. Their weights are rough and were set by hand.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.facs.atlas import ActionUnit, Side
from hmrm.facs.atlas_table import TABLE

NONE = "none"
"""The fourth class: the face moves, but expresses nothing."""


@dataclass(frozen=True)
class Part:
    """One action unit of a recipe: how often and how strongly it takes part."""

    number: int
    probability: float = 1.0
    strength: float = 1.0
    side: Side = "both"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Action units that together show a class.

    Attributes:
        weight: how often the recipe is sampled, relative to others of its class.
        one_sided: probability that a movement of both sides shows on one side only.
    """

    label: str
    weight: float
    parts: tuple[Part, ...]
    one_sided: float = 0.0


def _recipe(label: str, weight: float, *parts: Part | int, one_sided: float = 0.0) -> Recipe:
    whole = tuple(part if isinstance(part, Part) else Part(part) for part in parts)
    return Recipe(label=label, weight=weight, parts=whole, one_sided=one_sided)


HAND_MADE: tuple[Recipe, ...] = (
    _recipe("positive", 3.0, 12, Part(6, 0.6, 0.8), Part(7, 0.15, 0.5), Part(25, 0.15, 0.6)),
    _recipe("positive", 1.0, 12, Part(6, 1.0, 0.9), Part(10, 0.1, 0.4), Part(14, 0.1, 0.5)),
    _recipe("positive", 0.6, 12, Part(6, 0.7, 0.8), one_sided=0.8),
    _recipe("positive", 0.5, 12, Part(24, 0.6, 0.5), Part(17, 0.5, 0.5)),
    _recipe("surprise", 3.0, 1, 2, Part(5, 0.5, 0.6), Part(26, 0.1, 0.7), Part(25, 0.1, 0.5)),
    _recipe("surprise", 1.2, 1, 2, Part(5, 0.5, 0.6), one_sided=1.0),
    _recipe("surprise", 0.6, 2, Part(5, 0.3, 0.6), one_sided=0.5),
    _recipe("surprise", 0.5, 5, Part(1, 0.2, 0.5), Part(2, 0.2, 0.5)),
    _recipe("negative", 3.0, 4, Part(7, 0.4, 0.7), one_sided=0.1),
    _recipe("negative", 0.8, 7, Part(4, 0.2, 0.5), one_sided=0.2),
    _recipe("negative", 0.5, 4, Part(9, 0.7), Part(10, 0.5, 0.8), Part(7, 0.3, 0.6)),
    _recipe("negative", 0.4, 9, Part(10, 0.5), Part(7, 0.2, 0.6)),
    _recipe("negative", 0.5, 10, Part(4, 0.3), Part(17, 0.2, 0.6), one_sided=0.5),
    _recipe("negative", 1.2, 14, Part(24, 0.25, 0.8), Part(17, 0.2, 0.7), one_sided=0.4),
    _recipe("negative", 0.9, 24, Part(4, 0.25), Part(17, 0.25, 0.7), Part(7, 0.1)),
    _recipe("negative", 0.7, 17, Part(15, 0.3), Part(4, 0.2), Part(24, 0.2)),
    _recipe("negative", 0.6, 15, Part(17, 0.4), Part(4, 0.25), Part(1, 0.1, 0.7), one_sided=0.15),
    _recipe("negative", 0.4, 20, Part(1, 0.2, 0.7), Part(4, 0.3), one_sided=0.3),
    _recipe("negative", 0.4, 23, Part(4, 0.3), Part(7, 0.2)),
    _recipe("negative", 0.4, 4, 5, Part(7, 0.4, 0.7)),
    _recipe("negative", 0.4, 1, 4, Part(15, 0.3), Part(7, 0.2)),
    _recipe("negative", 0.4, 4, Part(6, 1.0, 0.8), Part(9, 0.2)),
    _recipe("negative", 0.4, 12, Part(14, 0.4, 0.8), one_sided=1.0),
    _recipe("negative", 0.2, 4, Part(43, 1.0, 1.5)),
    _recipe("negative", 0.2, 16, Part(4, 0.3), Part(20, 0.3)),
    _recipe("negative", 0.2, 18, Part(4, 0.3), Part(17, 0.3)),
)


def counted_recipes(path: Path) -> tuple[Recipe, ...]:
    """Recipes from a table of action-unit sets with counts by class.

    Columns ``class``, ``action_units`` (as in ``4+L10``; L and R are the person's sides) and
    ``count``; further columns are ignored. Counts become fractions of their class, so that a class
    with many clips does not own every set; a set that annotators gave to several classes then
    keeps, in each, the part of its fraction that the class holds: ambiguous sets teach less.

    Raises:
        DataError: the file cannot be read, or a column, class or number is wrong.
    """
    counts: dict[str, dict[str, float]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                if row["class"] not in CLASSES:
                    raise DataError(
                        f"{path} line {line}: class {row['class']!r}; expected one of {CLASSES}"
                    )
                sets = counts.setdefault(row["action_units"], {})
                sets[row["class"]] = sets.get(row["class"], 0.0) + float(row["count"])
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: not a table of action-unit counts ({error}); it needs the columns class, "
            "action_units and count"
        ) from error
    clips = {
        label: sum(by_class.get(label, 0.0) for by_class in counts.values()) for label in CLASSES
    }
    recipes = []
    for text, by_class in sorted(counts.items()):
        parts = tuple(part for token in text.split("+") if (part := _part(token)) is not None)
        fractions = {label: n / clips[label] for label, n in sorted(by_class.items()) if n > 0}
        recipes += [
            Recipe(label=label, weight=fraction * fraction / sum(fractions.values()), parts=parts)
            for label, fraction in fractions.items()
            if parts
        ]
    missing = [label for label in CLASSES if label not in {r.label for r in recipes}]
    if missing:
        raise DataError(f"{path}: holds no action-unit set for class {missing[0]!r}")
    return tuple(recipes)


def _part(token: str) -> Part | None:
    match = re.fullmatch(r"([LR]?)(\d+)[A-E]?", token.strip())
    if match is None or int(match[2]) not in TABLE:
        return None
    # The person's left is image right.
    side: Side = {"": "both", "L": "right", "R": "left"}[match[1]]  # type: ignore[assignment]
    return Part(int(match[2]), side=side)


def choose(recipes: Sequence[Recipe], label: str, rng: np.random.Generator) -> Recipe:
    """Draw one recipe of a class by weight."""
    fitting = [recipe for recipe in recipes if recipe.label == label]
    weights = np.cumsum([recipe.weight for recipe in fitting])
    return fitting[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]


def sample_units(
    recipe: Recipe, rng: np.random.Generator, *, low_px: float = 0.5, high_px: float = 2.0
) -> list[ActionUnit]:
    """Action units of one expression, left and right sampled separately.

    Strengths are log-uniform between the bounds, for the expression as a whole; units differ from
    it by up to a third, the two sides of a unit by up to a quarter.
    """
    overall = float(np.exp(rng.uniform(np.log(low_px), np.log(high_px))))
    only: Side | None = None
    if rng.random() < recipe.one_sided:
        only = "left" if rng.random() < 0.5 else "right"
    units = []
    for part in recipe.parts:
        if rng.random() >= part.probability:
            continue
        strength = overall * part.strength * rng.uniform(0.67, 1.33)
        sides: tuple[Side, ...] = ("left", "right") if part.side == "both" else (part.side,)
        for side in sides:
            if only is None or part.side != "both" or side == only:
                units.append(ActionUnit(part.number, side, strength * rng.uniform(0.75, 1.25)))
    return units


def sample_nuisance(
    rng: np.random.Generator, *, probability: float, low_px: float = 0.3, high_px: float = 2.0
) -> list[ActionUnit]:
    """Movements that are no expression: blink, gaze, speech, swallowing; each by its own chance."""

    def strength(factor: float = 1.0) -> float:
        return factor * float(np.exp(rng.uniform(np.log(low_px), np.log(high_px))))

    units: list[ActionUnit] = []
    if rng.random() < probability:
        # Lids travel much further than skin does: a blink is no micro-movement.
        units.append(ActionUnit(45, "both", strength(2.0)))
    if rng.random() < probability:
        units.append(ActionUnit(int(rng.integers(61, 65)), "both", strength(1.5)))
    if rng.random() < probability:
        units += [
            ActionUnit(number, "both", strength(0.7))
            for number in (16, 17, 18, 20, 22, 25, 26)
            if rng.random() < 0.3
        ]
    if rng.random() < 0.5 * probability:
        # Swallowing: chin and lips are pressed up for a moment, the jaw closes.
        units += [ActionUnit(17, "both", strength(0.6)), ActionUnit(24, "both", strength(0.5))]
    return units
