"""Recipes: what belongs to a class is sampled for it; counts are read with their ambiguity."""

from pathlib import Path

import numpy as np
import pytest

from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.facs.atlas_table import TABLE
from hmrm.facs.recipes import (
    HAND_MADE,
    Part,
    Recipe,
    choose,
    counted_recipes,
    sample_nuisance,
    sample_units,
)

REAL = Path(__file__).parents[2].parent / "shared/data/au_statistics/au_sets_by_emotion.csv"

HEADER = "source,class,emotion,action_units,count\n"
COMPLETE = (
    "x,positive,happy,6+12,8\nx,negative,anger,4,10\nx,surprise,surprise,1+2,5\n"
    "x,surprise,surprise,4,10\nx,negative,contempt,L12,3\nx,negative,sad,99,3\n"
)


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return path


def test_hand_made_recipes_use_known_units_and_cover_the_classes() -> None:
    assert {recipe.label for recipe in HAND_MADE} == set(CLASSES)
    assert all(part.number in TABLE for recipe in HAND_MADE for part in recipe.parts)


def test_recipes_are_sampled_by_weight() -> None:
    recipes = (
        Recipe(label="positive", weight=3.0, parts=(Part(12),)),
        Recipe(label="positive", weight=1.0, parts=(Part(6),)),
        Recipe(label="negative", weight=9.0, parts=(Part(4),)),
    )
    rng = np.random.default_rng(0)
    synthetic = [choose(recipes, "positive", rng).parts[0].number for _ in range(2000)]
    assert set(synthetic) == {6, 12}
    # Standard error of the share is 0.01.
    assert np.mean(np.array(synthetic) == 12) == pytest.approx(0.75, abs=0.04)


def test_strength_stays_within_the_bounds_and_their_variation() -> None:
    recipe = Recipe(label="positive", weight=1.0, parts=(Part(12), Part(6, 0.5, 0.5)))
    rng = np.random.default_rng(1)
    units = [u for _ in range(300) for u in sample_units(recipe, rng, low_px=0.5, high_px=2.0)]
    assert {unit.side for unit in units} == {"left", "right"}
    assert all(0.5 * 0.5 * 0.5 <= unit.intensity_px <= 2.0 * 1.33 * 1.25 for unit in units)


def test_one_sided_recipes_move_one_side_and_sided_parts_keep_theirs() -> None:
    rng = np.random.default_rng(2)
    one = Recipe(label="negative", weight=1.0, parts=(Part(12), Part(14)), one_sided=1.0)
    sides = [{unit.side for unit in sample_units(one, rng)} for _ in range(50)]
    assert all(len(each) == 1 for each in sides) and {"left"} in sides and {"right"} in sides
    kept = Recipe(label="negative", weight=1.0, parts=(Part(12, side="right"),), one_sided=1.0)
    assert all(unit.side == "right" for _ in range(20) for unit in sample_units(kept, rng))


def test_counted_sets_weigh_by_count_and_by_how_clearly_they_belong(tmp_path: Path) -> None:
    recipes = counted_recipes(table(tmp_path, COMPLETE))
    weights = {(r.label, tuple(p.number for p in r.parts)): r.weight for r in recipes}
    assert weights[("positive", (6, 12))] == pytest.approx(1.0)
    # The set 4 is 10 of 16 negative clips and 10 of 15 of surprise.
    negative, surprise = 10 / 16, 10 / 15
    assert weights[("negative", (4,))] == pytest.approx(negative**2 / (negative + surprise))
    assert weights[("surprise", (4,))] == pytest.approx(surprise**2 / (negative + surprise))
    assert not any(number == 99 for _, numbers in weights for number in numbers)
    (contempt,) = [r for r in recipes if r.parts[0].number == 12 and r.label == "negative"]
    assert contempt.parts[0].side == "right"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,happy,happy,12,3\n", "class 'happy'"),
        ("x,positive,happy,12,many\n", "counts"),
        ("x,positive,happy,12,3\n", "no action-unit set for class 'negative'"),
    ],
)
def test_wrong_counts_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        counted_recipes(table(tmp_path, text))


def test_missing_counts_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv"):
        counted_recipes(tmp_path / "gone.csv")


def test_nuisance_is_absent_or_harmless() -> None:
    rng = np.random.default_rng(3)
    assert sample_nuisance(rng, probability=0.0) == []
    numbers = {u.number for _ in range(200) for u in sample_nuisance(rng, probability=0.7)}
    assert numbers <= {16, 17, 18, 20, 22, 24, 25, 26, 45, 61, 62, 63, 64}
    assert numbers >= {17, 25, 26, 45, 61, 64}


@pytest.mark.skipif(not REAL.exists(), reason="the counts are not in ../shared")
def test_real_counts_give_recipes_of_every_class() -> None:
    recipes = counted_recipes(REAL)
    assert {recipe.label for recipe in recipes} == set(CLASSES)
    heaviest = max((r for r in recipes if r.label == "surprise"), key=lambda r: r.weight)
    assert {part.number for part in heaviest.parts} == {1, 2, 5}
