"""Synthetic flow maps in every layout the importer reads: for tests, tutorials and dry runs.

They show that a chain works, never how well: each class is a few smooth bumps where its action
units move the face, drowned in noise. For synthetic data worth training on see `hmrm.facs`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32

from hmrm import atomic
from hmrm.clip import CLASSES, ClipId
from hmrm.datasets.maps.prepared import write_prepared
from hmrm.faces.crops import CROPS, CropBox
from hmrm.flow.mapset import MapSet, build_mapset
from hmrm.flow.strain import optical_strain

SIDE = 28
_SUBJECT_NAMES = {"casme2": "sub{:02d}", "samm": "{:03d}", "smic": "s{:02d}"}


@dataclass(frozen=True)
class _Bump:
    """Motion (u, v) around (x, y) of the canonical crop, mirrored to the other side."""

    x: float
    y: float
    u: float
    v: float
    width: float


_BROWS_KNIT = (_Bump(0.3, 0.1, 0.5, 0.8, 0.07), _Bump(0.4, 0.12, 0.5, 0.5, 0.05))
_SMILE = (_Bump(0.27, 0.67, -0.6, -0.8, 0.10), _Bump(0.2, 0.5, -0.1, -0.4, 0.12))
_BROWS_UP = (_Bump(0.22, 0.08, 0.0, -0.9, 0.08), _Bump(0.38, 0.08, 0.0, -0.8, 0.07))
_BLINK = (_Bump(0.215, 0.27, 0.0, 0.9, 0.06),)
_BLINK_FRACTION = 0.5
_RECIPES = (_BROWS_KNIT, _SMILE, _BROWS_UP)


def synthesize_maps(
    *,
    subjects: int = 4,
    clips: int = 6,
    crop: str = "norm-u-v-os",
    noise: float = 0.3,
    generator: np.random.Generator,
) -> MapSet:
    """Synthesize labelled maps of ``subjects`` subjects in each of three data sets.

    Args:
        clips: per subject, classes in turn.
        crop: crop of the maps; decides where eyes and mouth lie.
        noise: r.m.s. of the smooth noise, in units of the largest motion; at 0 all classes are
            distinguished by eye, at 2 hardly by anything.

    Returns:
        Maps as images hold them: 8 bits, each channel min–max scaled by itself.
    """
    ids, labels, maps = [], [], []
    for dataset, pattern in _SUBJECT_NAMES.items():
        for number in range(1, subjects + 1):
            subject = pattern.format(number)
            for clip in range(clips):
                label = (clip + number) % len(CLASSES)
                ids.append(f"{dataset}/{subject}/{_clip_name(dataset, subject, clip)}")
                labels.append(label)
                maps.append(_draw(label, CROPS[crop], noise=noise, generator=generator))
    return build_mapset(
        ids=ids,
        labels=np.array(labels, dtype=np.int64),
        maps=np.stack(maps),
        classes=CLASSES,
        crop=crop,
        channels_apart=True,
        source="synthetic",
    )


def write_layout(folder: Path, mapset: MapSet, *, layout: str) -> None:
    """Write synthetic maps as ``flat``, ``folds`` or ``prepared``, just as they circulate.

    Raises:
        OutputError: a file cannot be written.
    """
    LAYOUTS[layout](folder, mapset)


def _clip_name(dataset: str, subject: str, clip: int) -> str:
    # One in two ends in _1, as real names do, so that suffixes alone cannot tell files apart.
    if dataset == "casme2":
        return f"EP{clip + 1:02d}_{1 + clip % 2}"
    return f"{subject}_{clip + 1}_{1 + clip % 2}"


def _draw(
    label: int, box: CropBox, *, noise: float, generator: np.random.Generator
) -> Float32[np.ndarray, "3 s s"]:
    centres = (np.arange(SIDE) + 0.5) / SIDE
    y = ((centres - box.top) / (box.bottom - box.top))[:, None]
    x = ((centres - box.left) / (box.right - box.left))[None, :]
    field = np.zeros((2, SIDE, SIDE))
    for bump in _RECIPES[label] + (_BLINK if generator.random() < _BLINK_FRACTION else ()):
        for mirror in (1, -1):
            strength = generator.uniform(0.6, 1.0)
            at_x = bump.x if mirror == 1 else 1 - bump.x
            weight = np.exp(-((x - at_x) ** 2 + (y - bump.y) ** 2) / (2 * bump.width**2))
            field += strength * weight * np.array([mirror * bump.u, bump.v])[:, None, None]
    field += noise * _smooth_noise(generator) + generator.normal(0, 0.2, (2, 1, 1))
    values = np.concatenate([field, optical_strain(field)[None]])
    low, high = values.min((1, 2), keepdims=True), values.max((1, 2), keepdims=True)
    return (np.round((values - low) / (high - low) * 255) / 255).astype(np.float32)


def _smooth_noise(generator: np.random.Generator) -> np.ndarray:
    rough = generator.normal(size=(SIDE, SIDE, 2))
    smooth = cv2.GaussianBlur(rough, (0, 0), 1.5)
    return np.asarray(smooth / smooth.std()).transpose(2, 0, 1)


def _image(values: Float32[np.ndarray, "3 s s"]) -> bytes:
    rgb = np.round(values.transpose(1, 2, 0) * 255).astype(np.uint8)
    _, content = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return content.tobytes()


def _write_flat(folder: Path, mapset: MapSet) -> None:
    rows = ["dataset,sub,filename_o,label,apex,imagename,sub_filename"]
    for name, label, values in zip(mapset.ids, mapset.labels, mapset.maps, strict=True):
        clip = ClipId.parse(name)
        image = f"{clip.subject_name}_{clip.clip}"
        rows.append(f"{clip.dataset},{clip.subject_name},{clip.clip},{label},,{image}.jpg,")
        back = values.copy()
        back[:2] = 1 - back[:2]
        for suffix, shown in (("", values), ("_1", back), ("_2", values), ("_3", back)):
            atomic.write_bytes(folder / "maps" / f"{image}{suffix} .png", _image(shown))
    atomic.write_text(folder / "labels.csv", "\n".join(rows) + "\n")


def _write_folds(folder: Path, mapset: MapSet) -> None:
    subjects = sorted({ClipId.parse(name).subject_name for name in mapset.ids})
    for subject in subjects:
        for part in ("u_train", "u_test"):
            (folder / "norm_u_v_os" / subject / part).mkdir(parents=True, exist_ok=True)
    for name, label, values in zip(mapset.ids, mapset.labels, mapset.maps, strict=True):
        clip = ClipId.parse(name)
        content = _image(values)
        for subject in subjects:
            part = "u_test" if subject == clip.subject_name else "u_train"
            target = folder / "norm_u_v_os" / subject / part / str(label)
            atomic.write_bytes(target / f"{clip.subject_name}_{clip.clip} .png", content)


def _write_prepared(folder: Path, mapset: MapSet) -> None:
    write_prepared(folder, mapset)


LAYOUTS: dict[str, Callable[[Path, MapSet], None]] = {
    "flat": _write_flat,
    "folds": _write_folds,
    "prepared": _write_prepared,
}
"""Layout on disk → what writes it."""
