"""Measures of a face that nobody filmed: rest with noise, and what a script adds to it."""

import numpy as np

from hmrm.faces.mesh_points import REGIONS
from hmrm.spotting.measures import FaceMeasures

ROW = {name: i for i, name in enumerate(REGIONS)}
REST = {
    "left_brow_inner": (-0.2, -0.31, 0.2),
    "left_brow_outer": (-0.6, -0.27, 0.1),
    "right_brow_inner": (0.2, -0.31, 0.2),
    "right_brow_outer": (0.6, -0.27, 0.1),
    "left_mouth_corner": (-0.375, 1.06, 0.1),
    "right_mouth_corner": (0.375, 1.06, 0.1),
    "upper_lip": (0.0, 0.98, 0.25),
    "lower_lip": (0.0, 1.15, 0.25),
    "chin": (0.0, 1.63, 0.2),
    "left_cheek": (-0.55, 0.7, 0.1),
    "right_cheek": (0.55, 0.7, 0.1),
    "left_nose_wing": (-0.22, 0.58, 0.25),
    "right_nose_wing": (0.22, 0.58, 0.25),
}
SMILE = {
    "left_mouth_corner": (-0.12, -0.09, 0.0),
    "right_mouth_corner": (0.12, -0.09, 0.0),
    "left_cheek": (0.0, -0.05, 0.0),
    "right_cheek": (0.0, -0.05, 0.0),
}
BROWS_UP = {name: (0.0, -0.045, 0.0) for name in REST if "brow" in name}
JAW = {
    "left_mouth_corner": (0.0, 0.05, 0.0),
    "right_mouth_corner": (0.0, 0.05, 0.0),
    "lower_lip": (0.0, 0.16, 0.0),
    "chin": (0.0, 0.1, 0.0),
}


def course(count, onset, rise, fall, offset):
    """0 to ``onset``, 1 from ``rise`` to ``fall``, 0 from ``offset``; cosine flanks."""
    x = np.interp(np.arange(count), [onset, rise, fall, offset], [0.0, 1.0, 1.0, 0.0])
    return (1 - np.cos(np.pi * x)) / 2


def face(count, *movements, rate=30.0, noise=0.002, seed=0, opening=None, pose=None, segment=None):
    """Measures of a face that does each ``(shape, course)`` of the movements.

    Args:
        opening: added to the mouth's opening, eye distances.
        pose: yaw, pitch, roll in degrees.
    """
    rng = np.random.default_rng(seed)
    place = np.tile(np.array([REST[name] for name in REGIONS]), (count, 1, 1))
    place = place + noise * rng.standard_normal(place.shape)
    for shape, amplitude in movements:
        for name, way in shape.items():
            place[:, ROW[name]] += amplitude[:, None] * np.array(way)
    extra = np.zeros(count) if opening is None else opening
    left, right = place[:, ROW["left_mouth_corner"]], place[:, ROW["right_mouth_corner"]]
    gap = place[:, ROW["lower_lip"], 1] - place[:, ROW["upper_lip"], 1] - 0.17
    return FaceMeasures(
        index=np.arange(count),
        time_s=np.arange(count) / rate,
        segment=np.zeros(count, dtype=np.int64) if segment is None else segment,
        place=place,
        mouth_width=np.linalg.norm(right - left, axis=1),
        mouth_opening=np.abs(0.025 + np.maximum(0, gap) + extra),
        eye_opening=np.full((count, 2), 0.29),
        pose_deg=np.zeros((count, 3)) if pose is None else pose,
        presence=np.ones(count),
        misfit=np.full(count, 0.005),
        eye_distance_px=np.full(count, 110.0),
    )
