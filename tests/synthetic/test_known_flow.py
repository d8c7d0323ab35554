import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.errors import NumericalError
from hmrm.flow.spline import spline
from hmrm.synthetic.known_flow import (
    PairRecipe,
    bump_field,
    flow_between,
    known_pair,
    smooth_field,
)


def image(size: int = 96) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((size, size))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.clip(128 + 45 * smooth / smooth.std(), 0, 255).astype(np.uint8)


@given(
    largest=st.floats(0.05, 3.0), kind=st.sampled_from(["bumps", "field"]), seed=st.integers(0, 99)
)
@settings(max_examples=25, deadline=None)
def test_the_flow_leads_from_frame_to_frame(largest: float, kind: str, seed: int):
    """Independent of how it was solved: reading the apex along the flow gives the onset."""
    recipe = PairRecipe(largest_px=largest, kind=kind, noise=0.0)
    pair = known_pair(image(), recipe, generator=np.random.default_rng(seed))
    inner = (slice(None), slice(8, -8), slice(8, -8))
    there = spline(pair.apex[None].astype(np.float32)).at(pair.flow)
    # both frames are rounded to whole levels and resampled: 1.2 levels r.m.s. measured
    left = (there - pair.onset[None])[inner]
    assert np.sqrt(np.mean(left**2)) < 2.0
    assert np.linalg.norm(pair.flow, axis=0).max() == pytest.approx(largest, rel=0.35)


@given(u=st.floats(-2, 2, width=32), v=st.floats(-2, 2, width=32))
@settings(max_examples=10, deadline=None)
def test_constant_motion_is_solved_at_once(u: float, v: float):
    a = np.broadcast_to(np.float32([u, v])[:, None, None], (2, 32, 32)).copy()
    np.testing.assert_allclose(flow_between(a, -a), 2 * a, atol=1e-6)


def test_fixed_point_of_a_linear_field():
    """b(x) = s (x - c) has the closed form f = (a - b(x)) / (1 + s)."""
    y, x = np.mgrid[:64, :64].astype(np.float32) - 31.5
    b = 0.05 * np.stack([x, y])
    flow = flow_between(np.zeros_like(b), b)
    expected = -b / 1.05
    np.testing.assert_allclose(flow[:, 6:-6, 6:-6], expected[:, 6:-6, 6:-6], atol=2e-4)


def test_static_pairs_are_exactly_static():
    pair = known_pair(image(), PairRecipe(largest_px=0.0), generator=np.random.default_rng(0))
    assert not pair.flow.any()
    difference = pair.apex.astype(float) - pair.onset
    # two draws of noise of 2 levels, and rounding
    assert difference.std() == pytest.approx(np.sqrt(2 * (4 + 1 / 12)), rel=0.05)


def test_gain_and_blur():
    def frames(**recipe: float) -> tuple[np.ndarray, np.ndarray]:
        pair = known_pair(
            image(),
            PairRecipe(largest_px=0.0, noise=0.0, **recipe),
            generator=np.random.default_rng(1),
        )
        return pair.onset.astype(float), pair.apex.astype(float)

    onset, apex = frames(gain=0.05)
    assert apex.mean() / onset.mean() == pytest.approx(1.05, abs=0.002)
    blurred, also = frames(blur_sigma_px=1.5)
    np.testing.assert_array_equal(blurred, also)
    assert blurred.std() < 0.9 * onset.std()


def test_same_seed_same_pair():
    recipe = PairRecipe(largest_px=1.0)
    one, two = (known_pair(image(), recipe, generator=np.random.default_rng(7)) for _ in "ab")
    assert one.onset.tobytes() == two.onset.tobytes()
    assert one.apex.tobytes() == two.apex.tobytes()
    assert one.flow.tobytes() == two.flow.tobytes()


def test_folding_motion_is_refused():
    with pytest.raises(NumericalError, match="smaller or smoother"):
        known_pair(image(32), PairRecipe(largest_px=40.0), generator=np.random.default_rng(0))


def test_fields():
    bumps = bump_field(40, 60, count=3, generator=np.random.default_rng(0))
    assert bumps.shape == (2, 40, 60)
    assert 0.2 < np.linalg.norm(bumps, axis=0).max() < 3
    field = smooth_field(40, 60, sigma_px=5.0, generator=np.random.default_rng(0))
    assert field.std() == pytest.approx(1, rel=1e-4)
    assert np.abs(np.diff(field, axis=2)).mean() < 0.2
