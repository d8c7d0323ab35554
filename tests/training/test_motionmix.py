import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import ConfigError
from hmrm.faces.regions import mixing_boxes
from hmrm.training.motionmix import (
    LabelMismatchError,
    MotionMixConfig,
    mix_batch,
    motion_mix,
)

CONFIG = MotionMixConfig()
BOXES = mixing_boxes()


def pair(seed=0, size=28):
    generator = np.random.default_rng(seed)
    return tuple(generator.normal(size=(3, size, size)).astype(np.float32) for _ in range(2))


def slow_mix(first, second, ratio, boxes):
    """Pixel by pixel."""
    mixed, size = first.copy(), first.shape[-1]
    for y in range(size):
        for x in range(size):
            for x0, y0, x1, y1 in boxes:
                inside = x0 * size <= x + 0.5 <= x1 * size
                if inside and y0 * size <= y + 0.5 <= y1 * size:
                    mixed[:, y, x] = ratio * second[:, y, x] + (1 - ratio) * first[:, y, x]
    return mixed


@given(seed=st.integers(0, 10_000), size=st.sampled_from([28, 32, 56]))
def test_equals_the_pixel_loop(seed, size):
    first, second = pair(seed, size)
    mixed = motion_mix(
        first, second, (1, 1), CONFIG, boxes=BOXES, generator=np.random.default_rng(seed)
    )
    boxes = [BOXES[name].box_xyxy for name in mixed.boxes]
    # float32 blending, values of order one.
    np.testing.assert_allclose(mixed.values, slow_mix(first, second, mixed.ratio, boxes), atol=1e-6)
    assert mixed.label == 1 and mixed.values.dtype == np.float32


def test_ratio_and_boxes_follow_their_distributions():
    generator = np.random.default_rng(0)
    first, second = pair()
    samples = [
        motion_mix(first, second, (0, 0), CONFIG, boxes=BOXES, generator=generator)
        for _ in range(4000)
    ]
    ratios = np.array([draw.ratio for draw in samples])
    # Beta(1, 1) is uniform: mean 1/2, variance 1/12; bounds at four standard errors.
    assert abs(ratios.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 4000)
    assert abs(ratios.var() - 1 / 12) < 0.005
    for name in BOXES:
        taken = np.mean([name in draw.boxes for draw in samples])
        assert abs(taken - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_outside_the_boxes_nothing_changes():
    first, second = pair()
    always = MotionMixConfig(probability=1.0)
    mixed = motion_mix(
        first, second, (2, 2), always, boxes=BOXES, generator=np.random.default_rng(0)
    )
    assert mixed.boxes == ("left_eye", "right_eye", "mouth")
    changed = (mixed.values != first).any(0)
    inside = np.any([box.mask(28) for box in BOXES.values()], axis=0)
    np.testing.assert_array_equal(changed, inside)
    assert 0.2 < inside.mean() < 0.8


def test_same_generator_same_map():
    first, second = pair()
    samples = [
        motion_mix(
            first, second, (0, 0), CONFIG, boxes=BOXES, generator=np.random.default_rng(7)
        ).values
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*samples)


def test_other_class_is_refused():
    first, second = pair()
    with pytest.raises(LabelMismatchError, match="same class"):
        motion_mix(first, second, (0, 1), CONFIG, boxes=BOXES, generator=np.random.default_rng(0))


def test_batch_takes_partners_of_the_same_class_only():
    labels = np.array([0, 0, 0, 1, 1, 2])
    # Every map is constant and tells its class, so a foreign partner would show.
    maps = np.repeat(labels, 3 * 28 * 28).reshape(6, 3, 28, 28).astype(np.float32)
    maps += np.linspace(0, 0.5, 6, dtype=np.float32)[:, None, None, None]
    mixed = mix_batch(
        maps,
        labels,
        MotionMixConfig(probability=1.0),
        boxes=BOXES,
        generator=np.random.default_rng(0),
    )
    for index, label in enumerate(labels):
        own = maps[labels == label]
        assert mixed[index].min() >= own.min() - 1e-6 and mixed[index].max() <= own.max() + 1e-6
    np.testing.assert_array_equal(mixed[5], maps[5])
    assert (mixed[:5] != maps[:5]).any((1, 2, 3)).all()


def test_share_of_zero_leaves_the_batch():
    maps = np.stack(pair())
    mixed = mix_batch(
        maps,
        np.array([0, 0]),
        MotionMixConfig(fraction=0.0),
        boxes=BOXES,
        generator=np.random.default_rng(0),
    )
    np.testing.assert_array_equal(mixed, maps)


@pytest.mark.parametrize(
    "words", [{"probability": 1.5}, {"concentration": 0.0}, {"fraction": -0.1}]
)
def test_impossible_configs_are_refused(words):
    with pytest.raises(ConfigError):
        MotionMixConfig(**words)
