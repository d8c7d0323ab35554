"""Synthetic scenes of things that pass in front of each other."""

import cv2
import numpy as np
import pytest

from benchmarks.flow.passing import near_edges, scene
from hmrm.flow.spline import spline


@pytest.fixture(scope="module")
def sources() -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    coarse = rng.uniform(0, 255, (3, 40, 40)).astype(np.float32)
    return [cv2.resize(p, (224, 224), interpolation=cv2.INTER_CUBIC).clip(0, 255) for p in coarse]


def test_the_flow_leads_from_what_the_onset_shows_to_where_the_apex_shows_it(sources):
    pair = scene(0, sources, gain=0.0)
    hidden = near_edges(pair.flow)
    assert 0.02 < hidden.mean() < 0.5
    reached = spline(pair.apex[None].astype(np.float32)).at(pair.flow)[0]
    left = np.abs(reached - pair.onset)[~hidden]
    without = np.abs(pair.apex.astype(float) - pair.onset)[~hidden]
    # Two frames of noise 1.5 and rounding leave a median of about 1.5.
    assert np.median(left) < 1.8
    assert left.mean() < 0.5 * without.mean()


def test_a_scene_is_the_same_for_ever_and_gain_changes_the_apex_alone(sources):
    pair, again, brighter = (scene(1, sources, gain=gain) for gain in (0.0, 0.0, 0.03))
    assert np.array_equal(pair.apex, again.apex) and np.array_equal(pair.onset, brighter.onset)
    assert np.array_equal(pair.flow, brighter.flow)
    assert brighter.apex.mean() == pytest.approx(1.03 * pair.apex.mean(), rel=0.01)
    assert not np.array_equal(pair.onset, scene(2, sources, gain=0.0).onset)


def test_edges_are_where_the_motion_jumps():
    flow = np.zeros((2, 40, 60), np.float32)
    flow[0, :, 30:] = 1.0
    near = near_edges(flow)
    assert near[:, 22:39].all() and not near[:, :19].any() and not near[:, 42:].any()
