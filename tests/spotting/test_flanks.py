"""Onset and offset between the frames measured: known movements of another form than the fit's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.spotting.flanks import FlankConfig, fitted_ends
from hmrm.spotting.motion import MotionSignal

REGIONS = ("left_brow", "left_mouth_corner", "right_mouth_corner")
RATE, EVERY = 200, 3


def minimum_jerk(phase: np.ndarray) -> np.ndarray:
    """Course of a movement from rest to rest that changes its acceleration least."""
    phase = np.clip(phase, 0, 1)
    return phase**3 * (10 - 15 * phase + 6 * phase**2)


def moved(
    onset_s: float,
    rise_s: float,
    *,
    hold_s: float = 0.1,
    decay_s: float = 0.2,
    drift_px_s: float = 0.0,
    noise_px: float = 0.01,
    rate: float = RATE / EVERY,
) -> MotionSignal:
    """Mouth corners that move once, by 1 px, in a video of which every third frame is measured."""
    index = np.arange(0, 3 * RATE, round(RATE / rate))
    time_s = index / RATE
    up = minimum_jerk((time_s - onset_s) / rise_s)
    down = minimum_jerk((time_s - onset_s - rise_s - hold_s) / decay_s)
    motion = np.random.default_rng(3).normal(0, noise_px, (len(index), len(REGIONS), 2))
    motion[:, 1:, 1] -= (up - down)[:, None]
    motion += drift_px_s * time_s[:, None, None]
    return MotionSignal(
        regions=REGIONS,
        index=index,
        time_s=time_s,
        motion_px=motion,
        eye_change=np.zeros(len(index)),
        segment=np.zeros(len(index), dtype=np.int64),
    )


@given(
    onset_s=st.floats(0.8, 1.2),
    rise_s=st.floats(0.08, 0.4),
    late=st.floats(0.0, 0.3),
    drift_px_s=st.floats(-0.2, 0.2),
)
def test_ends_are_found_to_a_fraction_of_the_frames_measured(onset_s, rise_s, late, drift_px_s):
    hold_s, decay_s = 0.1, 0.2
    signal = moved(onset_s, rise_s, hold_s=hold_s, decay_s=decay_s, drift_px_s=drift_px_s)
    apex_s, end_s = onset_s + rise_s + hold_s / 2, onset_s + rise_s + hold_s + decay_s
    frames = tuple(
        int(signal.index[np.abs(signal.time_s - s).argmin()])
        for s in (onset_s + late * rise_s, apex_s, end_s - late * decay_s)
    )
    onset, offset = fitted_ends(signal, frames)
    # This movement starts more gently than half a cosine wave.
    assert abs(onset / RATE - onset_s) < 0.015 + 0.1 * rise_s
    assert abs(offset / RATE - end_s) < 0.015 + 0.1 * decay_s


def test_an_end_without_a_flank_stays():
    signal = moved(1.0, 0.15, noise_px=1.0)
    assert fitted_ends(signal, (150, 171, 180)) == (150, 180)


def test_a_slow_video_keeps_the_frames_it_has():
    signal = moved(1.0, 0.15, rate=25)
    frames = (208, 240, 280)
    assert fitted_ends(signal, frames) == (208, 280)
    assert fitted_ends(signal, frames, FlankConfig(least_frames_per_s=20.0)) != (208, 280)


def test_what_lids_pull_along_is_not_read_during_a_blink():
    signal = moved(1.0, 0.15)
    blinking = (signal.time_s > 0.95) & (signal.time_s < 1.3)
    signal.motion_px[blinking, 0, 1] += 4.0
    frames = (204, 240, 290)
    undisturbed = fitted_ends(moved(1.0, 0.15), frames)
    found = fitted_ends(signal, frames, blinking=blinking, near_eyes=("left_brow",))
    assert found == undisturbed
    assert found[0] / RATE == pytest.approx(1.0, abs=0.025)
