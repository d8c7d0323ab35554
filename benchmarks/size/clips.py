"""Rendered clips of many synthetic subjects, and their flow maps at every size."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from benchmarks.classification.clips import APEX_INDEX, ONSET_INDEX, sampled_units
from hmrm.clip import CLASSES
from hmrm.faces.align import align_pair, canonical_transform
from hmrm.faces.shape import five_points
from hmrm.facs.recipes import sample_nuisance
from hmrm.flow.estimate import estimate_flow
from hmrm.flow.mapset import MapSet, build_mapset
from hmrm.flow.pair import centre_and_scale, flow_map
from hmrm.flow.rigid import remove_rigid
from hmrm.progress import Progress, silent
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip
from hmrm.synthetic.rendered_face import render_face

SIZES = (28, 56, 112)
BYTES, BYTES_APART = "28, 8 bits", "28, 8 bits, u and v apart"
VARIANTS = (*(str(size) for size in SIZES), BYTES, BYTES_APART)
LOW_PX, HIGH_PX = 0.2, 0.8
_NUISANCE = 0.2
_POINTS_OFF = 0.03
"""Error of each point of the face, standard deviation on each axis in parts of the eye distance."""


def rendered_maps(
    *, subjects: int, clips: int, seed: int, flow: str = "deepflow", progress: Progress = silent
) -> dict[str, MapSet]:
    """The same clips in every one of ``VARIANTS``.

    Args:
        subjects: how many, each with a rendered face of their own.
        clips: of each subject, the classes in turn.
        seed: of everything random; subject and clip number are added to it.
        flow: name of the estimator.
    """
    ids: list[str] = []
    labels: list[int] = []
    rows: list[Mapping[str, np.ndarray]] = []
    for subject in range(subjects):
        for number in range(clips):
            label = (subject + number) % len(CLASSES)
            clip, rng = rendered_clip(CLASSES[label], seed, subject, number)
            rows.append(maps_of(clip, rng, flow=flow))
            ids.append(f"rendered/s{subject:02d}/c{number:02d}")
            labels.append(label)
            progress("clips", len(rows), subjects * clips)
    return {
        name: _mapset(ids, labels, [row[name] for row in rows], apart=name == BYTES_APART)
        for name in VARIANTS
    }


def _mapset(
    ids: Sequence[str], labels: Sequence[int], maps: Sequence[np.ndarray], *, apart: bool
) -> MapSet:
    return build_mapset(
        ids=ids,
        labels=np.array(labels),
        maps=np.stack(maps),
        classes=CLASSES,
        crop="hmrm-1",
        channels_apart=apart,
        source="rendered",
    )


def rendered_clip(
    label: str, seed: int, subject: int, number: int
) -> tuple[RenderedClip, np.random.Generator]:
    """One weak expression of a subject, sometimes with other movements; and the generator."""
    face, points = render_face(
        np.random.default_rng([seed, subject]), size_wh_px=(480, 560), eye_distance_px=130.0
    )
    rng = np.random.default_rng([seed, subject, number])
    strength = {"low_px": LOW_PX, "high_px": HIGH_PX}
    units = sampled_units(label, rng, **strength)
    others = sample_nuisance(rng, probability=_NUISANCE, **strength)
    times = {"onset_s": 0.2, "rise_s": 0.3, "hold_s": 0.2, "decay_s": 0.2}
    camera = ClipConfig(
        duration_s=1.0,
        eye_distance_px=float(rng.uniform(90, 130)),
        noise_sigma=float(rng.uniform(1, 3)),
        blinks_per_min=0.0,
    )
    clip = render_clip(
        face,
        points,
        [Expression(units=tuple(units), **times)],
        camera,
        rng=rng,
        nuisances=[Expression(units=tuple(others), **times)] if others else [],
    )
    return clip, rng


def maps_of(
    clip: RenderedClip, rng: np.random.Generator, *, flow: str
) -> dict[str, Float32[np.ndarray, "3 s s"]]:
    """The maps of one clip as ``hmrm datasets prepare`` makes them, points a little off."""
    points = five_points(clip.points_at(ONSET_INDEX))
    eyes_apart = float(np.linalg.norm(points[1] - points[0]))
    points = points + rng.normal(0.0, _POINTS_OFF * eyes_apart, points.shape)
    frames = [clip.frame(index).image for index in (ONSET_INDEX, APEX_INDEX)]
    pair = align_pair(frames[0], frames[1], canonical_transform(points))
    found = remove_rigid(estimate_flow(pair.onset, pair.apex, method=flow), model="similarity")
    maps = {str(size): flow_map(found, size=size).values for size in SIZES}
    stored = in_bytes(maps["28"][:2])
    maps[BYTES], _ = centre_and_scale(stored)
    maps[BYTES_APART], _ = centre_and_scale(stored, per_channel=True)
    return maps


def in_bytes(uv: Float32[np.ndarray, "2 s s"]) -> Float32[np.ndarray, "2 s s"]:
    """Each channel between its smallest and largest value in 256 levels, as images store it."""
    low = uv.min(axis=(1, 2), keepdims=True)
    step = np.maximum(uv.max(axis=(1, 2), keepdims=True) - low, np.float32(1e-9)) / np.float32(255)
    return (low + np.rint((uv - low) / step) * step).astype(np.float32)
