"""The committed lists: complete, readable, drawable; development never meets their seeds."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.clip_recipes import (
    FIRST_DEVELOPMENT_SEED,
    development_recipe,
    read_clip_list,
    render_recipe,
)
from hmrm.errors import ConfigError

LISTS = Path(__file__).parents[1] / "end_to_end"


def test_twenty_clips_cover_sides_units_and_weak_motion() -> None:
    recipes = read_clip_list(LISTS / "spotting_clips.toml")
    units = [u for r in recipes for e in r.expressions for u in e.units]
    assert len(recipes) == 20 and len({r.seed for r in recipes}) == 20
    assert {u.side for u in units} == {"both", "left", "right"}
    assert len({u.number for u in units}) >= 12
    strongest = [max(u.intensity_px for u in r.expressions[0].units) for r in recipes]
    assert min(strongest) == 0.7
    assert all(r.seed < FIRST_DEVELOPMENT_SEED for r in recipes)


def test_quiet_minute_holds_no_expression() -> None:
    (recipe,) = read_clip_list(LISTS / "quiet_clip.toml")
    clip = render_recipe(recipe)
    assert clip.truth.frame_count == 6000 and clip.truth.events == ()
    assert len(clip.truth.nuisances) >= 5


def test_events_last_like_micro_expressions() -> None:
    for recipe in read_clip_list(LISTS / "spotting_clips.toml"):
        (expression,) = recipe.expressions
        assert 0.2 <= expression.rise_s + expression.hold_s + expression.decay_s <= 0.5


def test_development_recipes_differ_and_can_be_repeated() -> None:
    first = development_recipe(FIRST_DEVELOPMENT_SEED)
    assert first == development_recipe(FIRST_DEVELOPMENT_SEED)
    assert first != development_recipe(FIRST_DEVELOPMENT_SEED + 1)


def test_mirrored_recipe_draws_the_mirrored_portrait() -> None:
    recipe = read_clip_list(LISTS / "spotting_clips.toml")[1]
    assert recipe.mirrored
    clip = render_recipe(recipe)
    image = clip.frame(0).image
    x = clip.points_at(0)[:, 0]
    assert x[36] < x[45] and image.shape == (480, 640, 3)
    assert np.array_equal(image, render_recipe(recipe).frame(0).image)


def test_unknown_keys_in_a_list_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "clips.toml"
    path.write_text('[[clips]]\nname = "x"\nseed = 1\nsped = 2\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="sped"):
        read_clip_list(path)
