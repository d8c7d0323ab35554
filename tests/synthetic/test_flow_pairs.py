"""Synthetic pairs: the flow is the one that was rendered, whatever the order and the shards."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmrm.errors import ConfigError
from hmrm.flow.spline import spline
from hmrm.synthetic.flow_fields import FIELDS, STEEPEST, sample_motion, scaled
from hmrm.synthetic.flow_pairs import PairsConfig, crop_of, synthesize_pair, synthesize_pool
from hmrm.synthetic.moving_faces import render_moving_face
from hmrm.synthetic.sensor import SensorConfig, seen
from hmrm.synthetic.textures import IMAGES, power_noise, render_image

MORPHABLE = Path(__file__).parents[2].parent / "shared/data/ict_face/ict_face.npz"

PLAIN = PairsConfig(pairs=3, held_out_pairs=1, side_px=48, faces=0.0, occluded=0.0, static=0.0)


@pytest.mark.parametrize("index", range(4))
def test_what_the_onset_shows_the_apex_shows_where_the_flow_says(index: int):
    config = replace(PLAIN, low_px=0.5, high_px=3.0)
    (onset, apex), flow = synthesize_pair(config, seed=(7, index))
    again = spline(apex[None]).at(flow)[0]
    inner = (slice(8, -8), slice(8, -8))
    left = np.abs(again - onset)[inner].mean()
    before = np.abs(apex - onset)[inner].mean()
    # Both frames were read from finer material than their own pixels: some of it is lost.
    assert left < 0.35 * before


def test_faces_move_by_what_they_show():
    config = replace(PLAIN, faces=1.0, low_px=2.0, high_px=3.0, side_px=96)
    for index in range(2):
        (onset, apex), flow = synthesize_pair(config, seed=(8, index))
        again = spline(apex[None]).at(flow)[0]
        moving = np.linalg.norm(flow, axis=0) > 0.5
        moving[:6], moving[-6:], moving[:, :6], moving[:, -6:] = False, False, False, False
        assert moving.any()
        assert np.abs(again - onset)[moving].mean() < 0.5 * np.abs(apex - onset)[moving].mean()


@pytest.mark.skipif(not MORPHABLE.exists(), reason="the morphable face is not there")
def test_the_morphable_face_moves_too():
    for seed in range(4):
        image, motion = render_moving_face(
            64, np.random.default_rng(seed), model_path=MORPHABLE, identities=1
        )
        assert image.std() > 1 and np.isfinite(motion).all() and motion.any()


def test_a_static_pair_is_two_equal_frames():
    (onset, apex), flow = synthesize_pair(replace(PLAIN, static=1.0), seed=(1,))
    assert not flow.any()
    np.testing.assert_array_equal(onset, apex)


def test_an_occluder_hides_what_is_behind_it():
    plain = replace(PLAIN, low_px=1.0, high_px=1.0)
    behind = synthesize_pair(plain, seed=(5,))
    covered = synthesize_pair(replace(plain, occluded=1.0), seed=(5,))
    other = np.any(covered[1] != behind[1], axis=0)
    assert 0.001 < other.mean() < 0.9
    # a stiff thing has one motion
    assert np.ptp(covered[1][:, other], axis=1).max() == 0


@pytest.mark.parametrize("index", range(3))
def test_layers_move_apart_and_show_again_where_the_flow_says(index: int):
    plain = replace(PLAIN, low_px=2.0, high_px=2.0, side_px=96)
    behind = synthesize_pair(plain, seed=(6, index))
    (onset, apex), flow = synthesize_pair(replace(plain, layered=1.0), seed=(6, index))
    # smooth motion never changes so much from px to px
    assert np.abs(np.diff(behind[1], axis=2)).max() <= STEEPEST + 1e-3
    edges = np.abs(np.diff(flow, axis=2)).max(axis=0) > STEEPEST + 1e-3
    assert 0.002 < edges.mean() < 0.2
    again = spline(apex[None]).at(flow)[0]
    # what one thing hides of another is hidden in one frame only: look at the most, not the mean
    inner = (slice(8, -8), slice(8, -8))
    left, before = (np.median(np.abs(x - onset)[inner]) for x in (again, apex))
    assert left < 0.35 * before


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_fields_are_finite_and_never_fold(kind: str):
    for seed in range(5):
        field = FIELDS[kind](64, np.random.default_rng(seed))
        assert field.shape == (2, 64, 64) and np.isfinite(field).all() and field.any()
        large = scaled(field, 8.0)
        assert np.linalg.norm(large, axis=0).max() <= 8.0 + 1e-3
        for axis in (1, 2):
            assert np.abs(np.diff(large, axis=axis)).max() <= STEEPEST + 1e-3


def test_small_motion_has_the_size_asked_for():
    motion = scaled(sample_motion(64, np.random.default_rng(0)), 0.3)
    assert np.linalg.norm(motion, axis=0).max() == pytest.approx(0.3, rel=1e-4)


@pytest.mark.parametrize("kind", sorted(IMAGES))
def test_pictures_have_texture_and_a_seed(kind: str):
    one, same, other = (IMAGES[kind](64, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.shape == (64, 64) and one.std() > 0
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_levels_stay_within_a_camera_s():
    for seed in range(10):
        image = render_image(48, np.random.default_rng(seed))
        assert image.min() >= 0 and image.max() <= 255


def test_noise_falls_with_frequency_as_asked():
    noise = power_noise(128, 1.5, np.random.default_rng(0))
    power = np.abs(np.fft.fft2(noise)) ** 2
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None, :])
    band = (frequency > 0.02) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.2)  # 8000 samples of an exponential's logarithm


def test_a_pool_does_not_depend_on_shards_and_is_not_rendered_again(tmp_path: Path):
    whole = synthesize_pool(PLAIN, tmp_path / "a", seed=3, held_out=False)
    parts = synthesize_pool(PLAIN, tmp_path / "b", seed=3, held_out=False, shard=1)
    np.testing.assert_array_equal(whole.frames, parts.frames)
    np.testing.assert_array_equal(whole.flow, parts.flow)
    reported: list[str] = []
    synthesize_pool(
        PLAIN, tmp_path / "a", seed=3, held_out=False, progress=lambda *s: reported.append(s[0])
    )
    assert not reported
    other = synthesize_pool(PLAIN, tmp_path / "a", seed=3, held_out=True)
    assert not any((other.frames[0] == frames).all() for frames in whole.frames)


def test_crops_are_parts_of_the_pair_turned_together(tmp_path: Path):
    """A ramp whose slope is the flow: turned alike, they still agree."""
    pool = synthesize_pool(replace(PLAIN, pairs=1), tmp_path, seed=0, held_out=False)
    y, x = np.mgrid[:48, :48].astype(np.float32)
    pool.frames[0, 0], pool.frames[0, 1] = 256 * (3 * x + y), 0
    pool.flow[0] = np.array([3.0, 1.0])[:, None, None]
    for seed in range(12):
        frames, flow = crop_of(pool, 0, (20, 32), np.random.default_rng(seed))
        assert frames.shape == (2, 20, 32) and flow.shape == (2, 20, 32)
        slope_y, slope_x = np.gradient(frames[0])
        np.testing.assert_allclose(slope_x, flow[0], atol=1e-3)
        np.testing.assert_allclose(slope_y, flow[1], atol=1e-3)


def test_reduced_crops_keep_what_the_flow_says(tmp_path: Path):
    """A ramp of slope 2 moved by 3 px: reduced, the slope grows as the flow shrinks."""
    pool = synthesize_pool(replace(PLAIN, pairs=1), tmp_path, seed=0, held_out=False)
    x = np.mgrid[:48, :48][1].astype(np.float32)
    pool.frames[0] = 256 * np.stack([2 * x + 20, 2 * (x - 3) + 20])
    pool.flow[0] = np.array([3.0, 0.0])[:, None, None]
    lengths = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        frames, flow = crop_of(pool, 0, (24, 24), rng, shrunk=1.0)
        slopes = np.stack(np.gradient(frames[0])[::-1])[:, 2:-2, 2:-2]
        lost = (frames[0] - frames[1])[2:-2, 2:-2]
        reported = (slopes * flow[:, 2:-2, 2:-2]).sum(axis=0)
        # areas of uneven size make the slope, not the motion, uneven from px to px
        assert reported.mean() == pytest.approx(lost.mean(), abs=0.05)
        lengths.append(np.linalg.norm(flow, axis=0).max())
    assert 1.5 <= min(lengths) < 2 and 2.5 < max(lengths) < 3


def test_the_sensor_is_repeatable_and_can_be_perfect():
    frames = np.stack([render_image(40, np.random.default_rng(s)) for s in (0, 1)])
    config = SensorConfig()
    one, same = (seen(frames, config, rng=np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    perfect = SensorConfig(noise=0.0, light=0.0, compressed=0.0, blurred=0.0)
    exact = seen(frames, perfect, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(exact, np.rint(frames))


@pytest.mark.parametrize("most", [2.0, 6.0])
def test_noise_stays_below_its_bound(most: float):
    grey = np.full((2, 64, 64), 128.0)
    config = SensorConfig(noise=most, light=0.0, compressed=0.0, blurred=0.0)
    sizes = [seen(grey, config, rng=np.random.default_rng(s)).std() for s in range(30)]
    # sharpening raises it by up to 1.5
    assert max(sizes) < 1.5 * most + 0.5
    assert max(sizes) > 0.5 * most


@pytest.mark.parametrize(
    "changes", [{"pairs": 0}, {"low_px": 0.0}, {"high_px": 40.0}, {"static": 1.5}, {"side_px": 8}]
)
def test_impossible_pairs(changes: dict[str, float]):
    with pytest.raises(ConfigError):
        replace(PLAIN, **changes)  # type: ignore[arg-type]
