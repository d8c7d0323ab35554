"""Which crop a set of flow maps was taken in, where what its layout declares does not fit.

Folders of images do not state their crop; their layout stands for it (``labels.csv``:
megc2019-flow, folds: norm-u-v-os). Other renderings come in the same layouts, and a network that
looks for eyes finds brows there. So the face is measured, and the declared crop is replaced where
another one that is known, or else the measured one, brings eyes and mouth to their places.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace

from hmrm.clip import Issue
from hmrm.datasets.maps.geometry import FaceGeometry, face_candidates, measure_face
from hmrm.errors import DataError
from hmrm.faces.crops import CROPS, CropBox, crop_box, measured_crop
from hmrm.flow.mapset import MapSet, canonical_maps

FACE = FaceGeometry(axis_x=0.5, eye_x=0.215, eye_y=0.27, mouth_y=0.68)
"""Where the canonical crop has the face."""
NEAR = FaceGeometry(axis_x=0.03, eye_x=0.03, eye_y=0.03, mouth_y=0.06)
"""How near to it a face is measured in maps of the right crop."""
ENOUGH_CLIPS = 50
"""Clips from which a face is measured."""

_SIZES, _ASPECTS = (0.6, 1.6), (0.75, 1.35)
"""Of a measured crop, as fractions of the maps: brows taken for eyes give others."""
_SAME = 0.05
_MOST_CANDIDATES = 6


def face_of(maps: MapSet) -> FaceGeometry | None:
    """Where the face lies once the declared crop is applied; None where it cannot be measured."""
    try:
        return measure_face(canonical_maps(maps))
    except DataError:
        return None


def off_by(face: FaceGeometry) -> list[str]:
    """What lies elsewhere than in the canonical crop, in words."""
    found, due, near = asdict(face), asdict(FACE), asdict(NEAR)
    names = [name for name in due if abs(found[name] - due[name]) > near[name]]
    return [f"{name} {found[name]:.3f} instead of {due[name]:.3f}" for name in names]


def with_fitting_crop(maps: MapSet) -> MapSet:
    """The same maps; in another crop, with an issue that states it, where that alone fits.

    Too few clips, a face that cannot be measured, and a measured crop of no face's proportions
    leave the declared one.
    """
    if len(maps.ids) < ENOUGH_CLIPS:
        return maps
    declared = face_of(maps)
    if declared is None or not off_by(declared):
        return maps
    boxes = {crop_box(maps.crop)}
    for name in CROPS:
        if crop_box(name) not in boxes and _fits(replaced := replace(maps, crop=name)):
            return _noted(replaced, maps, declared, f"{name} does, and is taken")
        boxes.add(crop_box(name))
    for box in _measured_boxes(maps):
        replaced = replace(maps, crop=measured_crop(box))
        if not _near(box, crop_box(maps.crop)) and _fits(replaced):
            words = (
                f"rows {box.top:.3f} to {box.bottom:.3f} and columns {box.left:.3f} to "
                f"{box.right:.3f} of its height and width do, as measured, and are taken"
            )
            return _noted(replaced, maps, declared, words)
    return maps


def _fits(maps: MapSet) -> bool:
    face = face_of(maps)
    return face is not None and not off_by(face)


def _near(box: CropBox, other: CropBox) -> bool:
    pairs = zip(asdict(box).values(), asdict(other).values(), strict=True)
    return all(abs(a - b) < _SAME for a, b in pairs)


def _measured_boxes(maps: MapSet) -> Iterator[CropBox]:
    """Boxes of a face's proportions that bring measured eyes and mouth to their places."""
    try:
        faces = face_candidates(maps.maps)
    except DataError:
        return
    for face in faces[:_MOST_CANDIDATES]:
        width = (face.axis_x - face.eye_x) / (FACE.axis_x - FACE.eye_x)
        height = (face.mouth_y - face.eye_y) / (FACE.mouth_y - FACE.eye_y)
        sizes = all(_SIZES[0] <= size <= _SIZES[1] for size in (width, height))
        if sizes and _ASPECTS[0] <= width / height <= _ASPECTS[1]:
            top, left = face.eye_y - FACE.eye_y * height, face.axis_x - FACE.axis_x * width
            yield CropBox(top=top, bottom=top + height, left=left, right=left + width)


def _noted(replaced: MapSet, maps: MapSet, face: FaceGeometry, words: str) -> MapSet:
    issue = Issue(
        code="crop_measured",
        where=f"layout {maps.source}",
        message=(
            f"declares the crop {maps.crop}, in which the face does not lie right "
            f"({', '.join(off_by(face))}); {words}"
        ),
    )
    return replace(replaced, issues=(*maps.issues, issue))
