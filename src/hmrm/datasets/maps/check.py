"""What is in a folder of flow maps, told before anything is trained on it."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from hmrm.datasets.maps.composite import differences_from_composite
from hmrm.datasets.maps.geometry import measure_face
from hmrm.datasets.maps.importers import load_maps
from hmrm.errors import DataError
from hmrm.flow.mapset import MapSet, canonical_maps, identical_maps

FACE = {"axis_x": 0.5, "eye_x": 0.215, "eye_y": 0.27, "mouth_y": 0.68}
"""Where the canonical crop has the face."""

_NEAR = {"axis_x": 0.03, "eye_x": 0.03, "eye_y": 0.03, "mouth_y": 0.06}
_ENOUGH_CLIPS = 50


def check_maps(path: Path) -> dict[str, Any]:
    """Read a folder and describe it in plain values, ready for JSON.

    Raises:
        DataError: the folder cannot be used at all; see `load_maps`.
    """
    found = load_maps(path)
    datasets = {}
    for name in sorted(set(found.datasets)):
        rows = [i for i, d in enumerate(found.datasets) if d == name]
        counts = Counter(found.classes[found.labels[i]] for i in rows)
        datasets[name] = {
            "clips": len(rows),
            "subjects": len({found.subjects[i] for i in rows}),
            "by_class": {c: counts[c] for c in found.classes},
        }
    by_subject: dict[str, Counter[str]] = {}
    for subject, label in zip(found.subjects, found.labels, strict=True):
        by_subject.setdefault(subject, Counter())[found.classes[label]] += 1
    return {
        "path": str(path),
        "layout": found.source,
        "crop": found.crop,
        "map_side": found.maps.shape[-1],
        "sha256": found.sha256,
        "clips": len(found.ids),
        "subjects": len(by_subject),
        "classes": list(found.classes),
        "datasets": datasets,
        "by_subject": {s: {c: n[c] for c in found.classes} for s, n in by_subject.items()},
        "identical_maps": [list(group) for group in identical_maps(found)],
        "composite_differences": list(differences_from_composite(found.ids, found.labels)),
        "face": _face(found),
        "oddities": [dataclasses.asdict(o) for o in found.oddities],
    }


def _face(found: MapSet) -> dict[str, Any]:
    """Where eyes and mouth lie after the declared crop is applied, against where they should."""
    if len(found.ids) < _ENOUGH_CLIPS:
        return {"measured": None, "note": f"fewer than {_ENOUGH_CLIPS} clips: too few to measure"}
    try:
        measured = dataclasses.asdict(measure_face(canonical_maps(found)))
    except DataError as error:
        return {"measured": None, "note": str(error)}
    off = [k for k in FACE if abs(measured[k] - FACE[k]) > _NEAR[k]]
    note = "eyes and mouth lie where the declared crop says"
    if off:
        lines = (f"{k} {measured[k]:.3f} instead of {FACE[k]:.3f}" for k in off)
        note = f"the declared crop does not fit: {', '.join(lines)}"
    rounded = {k: round(v, 4) for k, v in measured.items()}
    return {"measured": rounded, "expected": FACE, "note": note}
