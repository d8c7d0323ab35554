import numpy as np
import pytest
from scripted import BROWS_UP, SMILE, course, face

from hmrm.spotting.neutral import NeutralConfig, causal_neutral, estimate_neutral
from hmrm.spotting.position import COLUMNS, PositionConfig, position_of

WIDE = [name for name, _, _ in COLUMNS].index("right_corner_x")
REST_X = 0.375


def neutral_of(measures, config=None):
    position = position_of(measures)
    return position, estimate_neutral(measures, position, config)


def test_a_smile_that_fills_most_of_the_clip_is_not_rest():
    measures = face(80, (SMILE, course(80, 14, 22, 66, 72)))
    _, neutral = neutral_of(measures)
    assert np.abs(neutral.values[:, WIDE] - REST_X).max() < 0.02
    assert neutral.at_rest[:10].min() > 0.9
    assert neutral.at_rest[25:64].max() < 0.05


def test_without_the_prior_a_smile_there_from_the_first_frame_to_near_the_last_is_rest():
    measures = face(80, (SMILE, course(80, -9, -5, 62, 68)))
    _, reported = neutral_of(measures)
    _, blind = neutral_of(measures, NeutralConfig(prior=False))
    assert abs(reported.values[40, WIDE] - REST_X) < 0.02
    assert abs(blind.values[40, WIDE] - REST_X) > 0.08


def test_rest_is_what_a_face_comes_back_to_where_the_prior_says_nothing():
    measures = face(100, (BROWS_UP, course(100, 21, 25, 75, 79)))
    brow = [name for name, _, _ in COLUMNS].index("left_brow_inner_y")
    # Raised for longer than it is at rest, but only once.
    _, neutral = neutral_of(measures)
    assert np.abs(neutral.values[:, brow] + 0.31).max() < 0.012


def test_the_neutral_face_follows_slow_drift_but_no_held_smile():
    count = 900
    drift = {"right_mouth_corner": (0.03, 0.0, 0.0)}
    held = course(count, 400, 408, 520, 530)
    measures = face(count, (drift, np.linspace(0, 1, count)), (SMILE, held))
    _, neutral = neutral_of(measures)
    straight = REST_X + np.linspace(0, 0.03, count)
    assert np.abs(neutral.values[:, WIDE] - straight).max() < 0.015


def test_causal_and_whole_agree_once_rest_was_seen():
    measures = face(240, (SMILE, course(240, 90, 100, 150, 160)))
    position = position_of(measures)
    whole = estimate_neutral(measures, position)
    live = causal_neutral(measures, position)
    later = slice(30, None)
    assert np.abs(live.values[later] - whole.values[later])[:, WIDE].max() < 0.01
    assert live.at_rest[105:145].max() < 0.05


def test_the_causal_form_knows_nothing_of_what_comes():
    first = face(150, (SMILE, course(150, 60, 70, 90, 100)))
    longer = face(150, (SMILE, course(150, 60, 70, 90, 100)))
    cut = longer.place.copy()
    cut[120:] += 0.3
    changed = type(longer)(**{**longer.__dict__, "place": cut})
    config = PositionConfig(smooth_s=0.0, own_noise=0.0)
    a = causal_neutral(first, position_of(first, config))
    b = causal_neutral(changed, position_of(changed, config))
    assert np.array_equal(a.values[:120], b.values[:120])


def test_a_column_without_uncertainty_is_refused():
    with pytest.raises(ValueError, match="brow"):
        PositionConfig(wander={"chin": 0.01})
