"""Synthetic clips: their truth is what their frames show."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import ConfigError
from hmrm.facs.atlas import ActionUnit, AtlasSource
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip
from hmrm.synthetic.demo import demo_clip, demo_face
from hmrm.synthetic.placement import Placement

QUIET = ClipConfig(
    size_wh_px=(240, 200),
    frames_per_s=50.0,
    duration_s=1.0,
    eye_distance_px=50.0,
    noise_sigma=0.0,
    flicker=0.0,
    blinks_per_min=0.0,
)
STILL = dataclasses.replace(QUIET, sway_px=0.0, drift_px=0.0, roll_deg=0.0, zoom=0.0)
SMILE = Expression(units=(ActionUnit(12, "both", 3.0),), onset_s=0.3)


def clip_of(config: ClipConfig, *expressions: Expression, seed: int = 0) -> RenderedClip:
    photo, points = demo_face()
    return render_clip(photo, points, expressions, config, rng=np.random.default_rng(seed))


@given(time_s=st.floats(-1, 3))
def test_envelope_stays_within_0_and_1_and_is_smooth(time_s: float) -> None:
    here, alongside = SMILE.amplitude(time_s), SMILE.amplitude(time_s + 1e-3)
    assert 0.0 <= here <= 1.0
    assert abs(here - alongside) < 0.02


def test_truth_names_onset_apex_offset() -> None:
    clip = clip_of(QUIET, SMILE)
    (event,) = clip.truth.events
    assert (event.onset_index, event.apex_index, event.offset_index) == (15, 22, 30)
    rate = QUIET.frames_per_s
    assert SMILE.amplitude(event.onset_index / rate) == 0
    assert SMILE.amplitude(event.apex_index / rate) == 1
    assert SMILE.amplitude(event.offset_index / rate) == pytest.approx(0, abs=1e-12)


def test_still_clip_without_noise_never_changes() -> None:
    clip = clip_of(STILL)
    first = clip.frame(0).image
    assert all(np.array_equal(frame.image, first) for frame in clip.frames())


def test_flow_is_the_sources_field_where_the_head_stands_still() -> None:
    clip = clip_of(STILL, SMILE)
    event = clip.truth.events[0]
    flow = clip.flow(event.onset_index, event.apex_index)
    _, points = demo_face()
    placed = Placement.of(points, size_wh_px=(240, 200), eye_distance_px=50.0)
    field = AtlasSource(placed.landmarks_crop_px).flow(SMILE.units, size=448, margin=0.2)
    # The peak in frame px: the crop is rendered smaller by the ratio of the eye distances.
    scale = np.sqrt(np.linalg.det(np.linalg.inv(placed.frame_to_crop[:, :2])))
    assert np.hypot(*flow).max() == pytest.approx(scale * np.hypot(*field).max(), rel=0.01)


def test_warping_the_apex_back_by_the_flow_gives_the_onset() -> None:
    clip = clip_of(QUIET, SMILE)
    event = clip.truth.events[0]
    images = (clip.frame(i).image for i in (event.onset_index, event.apex_index))
    # Blurred a little: what the finest texture loses by sampling is not the flow's fault.
    onset, apex = (cv2.GaussianBlur(image, (0, 0), 1.0) for image in images)
    flow = clip.flow(event.onset_index, event.apex_index)
    y, x = np.indices(onset.shape[:2], dtype=np.float32)
    back = cv2.remap(apex, x + flow[0], y + flow[1], cv2.INTER_LANCZOS4)
    inside = (slice(12, -12), slice(12, -12))
    left = np.abs(back[inside].astype(float) - onset[inside]).mean()
    unaided = np.abs(apex[inside].astype(float) - onset[inside]).mean()
    # Measured 0.31 grey levels, which rounding to whole levels alone explains, against 2.8.
    assert left < 0.4
    assert left < 0.15 * unaided


def test_flow_agrees_with_following_single_points() -> None:
    """Brute force: a point of the photograph is found in both frames by solving for it alone."""
    clip = clip_of(QUIET, SMILE, seed=3)
    first, second = 20, 24
    flow = clip.flow(first, second)
    for index in (31, 48, 54, 8, 41):
        start = clip.points_at(first)[index]
        end = clip.points_at(second)[index]
        at = (
            cv2.getRectSubPix(flow[0], (1, 1), tuple(start)),
            cv2.getRectSubPix(flow[1], (1, 1), tuple(start)),
        )
        np.testing.assert_allclose(np.ravel(at), end - start, atol=0.02)


def test_flow_backwards_undoes_flow_forwards() -> None:
    clip = clip_of(QUIET, SMILE)
    forth, back = clip.flow(15, 22), clip.flow(22, 15)
    y, x = np.indices(forth.shape[1:], dtype=np.float32)
    returned = np.stack([cv2.remap(c, x + forth[0], y + forth[1], cv2.INTER_LINEAR) for c in back])
    inside = (slice(None), slice(12, -12), slice(12, -12))
    np.testing.assert_allclose((forth + returned)[inside], 0.0, atol=0.03)


def test_frames_do_not_depend_on_the_order_of_drawing() -> None:
    config = dataclasses.replace(QUIET, noise_sigma=3.0, flicker=0.02, blinks_per_min=60.0)
    one, other = clip_of(config, SMILE, seed=9), clip_of(config, SMILE, seed=9)
    for _ in other.frames(start=40):
        pass
    assert np.array_equal(one.frame(7).image, other.frame(7).image)
    assert not np.array_equal(one.frame(7).image, clip_of(config, SMILE, seed=8).frame(7).image)


def test_noise_has_the_sigma_asked_for() -> None:
    noisy = clip_of(dataclasses.replace(STILL, noise_sigma=3.0))
    difference = noisy.frame(3).image.astype(float) - noisy.frame(4).image
    assert difference.std() == pytest.approx(3.0 * np.sqrt(2), rel=0.05)


def test_blinks_are_nuisances_not_events() -> None:
    clip = clip_of(dataclasses.replace(QUIET, blinks_per_min=200.0, duration_s=3.0))
    assert clip.truth.events == ()
    assert clip.truth.nuisances
    assert {unit.number for event in clip.truth.nuisances for unit in event.units} == {45}


def test_grey_photos_and_five_points_work() -> None:
    photo, points = demo_face()
    five = np.array([points[36:42].mean(0), points[42:48].mean(0), *points[[30, 48, 54]]])
    clip = render_clip(
        cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), five, [SMILE], QUIET, rng=np.random.default_rng(1)
    )
    image = clip.frame(22).image
    assert image.shape == (200, 240) and image.std() > 20


def test_a_fine_photo_is_shrunk_in_place() -> None:
    photo, points = demo_face()
    finer = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(1)
    one = render_clip(photo, points, [], STILL, rng=rng).frame(0).image.astype(float)
    other = render_clip(finer, points * 4 + 1.5, [], STILL, rng=rng).frame(0).image.astype(float)
    # Half a px of shift would leave about 4 grey levels.
    assert np.abs(one - other)[20:-20, 20:-20].mean() < 1.0


def test_an_expression_beyond_the_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="longer"):
        clip_of(QUIET, dataclasses.replace(SMILE, onset_s=0.9))


def test_wrong_points_and_configs_are_refused() -> None:
    photo, points = demo_face()
    with pytest.raises(ConfigError, match="5 or 68"):
        render_clip(photo, points[:7], [], QUIET, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match="need 2 frames"):
        ClipConfig(duration_s=0.0)
    with pytest.raises(ConfigError, match="0 or more"):
        ClipConfig(noise_sigma=-1.0)
    with pytest.raises(ConfigError, match="finite seconds"):
        Expression(units=(), onset_s=float("nan"))


def test_demo_is_the_same_each_time_and_holds_one_smile() -> None:
    one, other = demo_clip(), demo_clip()
    assert one.truth == other.truth
    (smile,) = one.truth.events
    assert {unit.number for unit in smile.units} == {6, 12}
    assert smile.offset_index - smile.onset_index == 30
    image = one.frame(smile.apex_index).image
    assert image.shape == (480, 640, 3)
    assert np.array_equal(image, other.frame(smile.apex_index).image)
