"""What is in a folder of flow maps, reported before anything is trained on it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hmrm.clip import Issue
from hmrm.datasets.maps.composite import differences_from_composite
from hmrm.datasets.maps.fit import ENOUGH_CLIPS, FACE, off_by
from hmrm.datasets.maps.geometry import FaceGeometry, measure_face
from hmrm.datasets.maps.importers import load_maps
from hmrm.errors import DataError
from hmrm.flow.mapset import MapSet, canonical_maps, identical_maps
from hmrm.records import formerly


@dataclass(frozen=True, kw_only=True)
class MapCounts:
    """Clips, subjects, and clips of each class in one data set."""

    clips: int
    subjects: int
    by_class: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class FacePlace:
    """Where eyes and mouth lie after the declared crop is applied, against where they should.

    ``measured`` is None where it is unknown; ``note`` states why, or what was found.
    """

    measured: FaceGeometry | None
    expected: FaceGeometry | None = None
    note: str


@dataclass(frozen=True, kw_only=True)
class MapsCheck:
    """A folder of flow maps.

    Attributes:
        path: the folder.
        layout: how it is laid out, see `hmrm.datasets.maps.importers`.
        crop: the face crop that its maps are in: declared by the layout, or measured.
        map_side: px.
        sha256: of the maps.
        datasets: by name.
        by_subject: clips of each class, by subject.
        identical_maps: groups of ids that hold the same map.
        composite_differences: sentences; none for the whole MEGC 2019 composite.
    """

    path: str
    layout: str
    crop: str
    map_side: int
    sha256: str
    clips: int
    subjects: int
    classes: tuple[str, ...]
    datasets: Mapping[str, MapCounts]
    by_subject: Mapping[str, Mapping[str, int]]
    identical_maps: tuple[tuple[str, ...], ...]
    composite_differences: tuple[str, ...]
    face: FacePlace
    issues: tuple[Issue, ...] = field(metadata=formerly("oddities"))

    def to_json(self) -> str:
        """The same as JSON text."""
        table = asdict(self)
        if self.face.expected is None:
            del table["face"]["expected"]
        return json.dumps(table, indent=1, ensure_ascii=False)


def check_maps(path: Path) -> MapsCheck:
    """Read a folder and describe it.

    Raises:
        DataError: the folder cannot be used at all; see `load_maps`.
    """
    found = load_maps(path)
    by_subject: dict[str, Counter[str]] = {}
    for subject, label in zip(found.subjects, found.labels, strict=True):
        by_subject.setdefault(subject, Counter())[found.classes[label]] += 1
    return MapsCheck(
        path=str(path),
        layout=found.source,
        crop=found.crop,
        map_side=found.maps.shape[-1],
        sha256=found.sha256,
        clips=len(found.ids),
        subjects=len(by_subject),
        classes=found.classes,
        datasets={name: _counts(found, name) for name in sorted(set(found.datasets))},
        by_subject={s: {c: n[c] for c in found.classes} for s, n in by_subject.items()},
        identical_maps=tuple(identical_maps(found)),
        composite_differences=differences_from_composite(found.ids, found.labels),
        face=_face(found),
        issues=tuple(found.issues),
    )


def _counts(found: MapSet, dataset: str) -> MapCounts:
    rows = [i for i, name in enumerate(found.datasets) if name == dataset]
    counts = Counter(found.classes[found.labels[i]] for i in rows)
    return MapCounts(
        clips=len(rows),
        subjects=len({found.subjects[i] for i in rows}),
        by_class={c: counts[c] for c in found.classes},
    )


def _face(found: MapSet) -> FacePlace:
    if len(found.ids) < ENOUGH_CLIPS:
        note = f"fewer than {ENOUGH_CLIPS} clips: too few to measure"
        return FacePlace(measured=None, note=note)
    try:
        measured = measure_face(canonical_maps(found))
    except DataError as error:
        return FacePlace(measured=None, note=str(error))
    note = "eyes and mouth lie where the declared crop states"
    changed = [issue for issue in found.issues if issue.code == "crop_measured"]
    if changed:
        note = f"eyes and mouth lie right in the crop {found.crop}, which is not the declared one"
    elif off := off_by(measured):
        note = (
            f"the declared crop does not fit: {', '.join(off)}. {_declared_by(found)} declares "
            f"{found.crop}; no other crop was found that fits, so maps are used as declared. "
            "Compare them with those of other sets, and write them as maps.npz "
            "(hmrm.datasets.maps.prepared) with their own crop"
        )
    rounded = FaceGeometry(**{k: round(v, 4) for k, v in asdict(measured).items()})
    return FacePlace(measured=rounded, expected=FACE, note=note)


def _declared_by(found: MapSet) -> str:
    names = {"flat": "The layout with labels.csv", "folds": "The layout of folds"}
    return names.get(found.source, "maps.npz")
