"""What of a data set is here, against what was published; every oddity once, with its count."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmrm.clip import CLASSES, Oddity
from hmrm.datasets.annotations.issue_texts import FAULTS
from hmrm.datasets.annotations.labels import class_of
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.annotations.workbook import Notes
from hmrm.datasets.frames import ClipFrames, frames_of
from hmrm.datasets.load import (
    Loaded,
    LoadOptions,
    for_root,
    is_composite,
    load_composite,
    load_dataset,
)
from hmrm.datasets.maps.composite import differences_from_composite
from hmrm.errors import InputError
from hmrm.progress import Progress, silent

STAGE = "look at frames"
_NOT_COUNTED = ("clips", "subjects")


def check_dataset(
    name: str,
    root: Path,
    options: LoadOptions | None = None,
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Describe a data set, or the composite's three, in plain values, ready for JSON.

    Args:
        name: see `hmrm.datasets.sources.catalogue.names`.

    Raises:
        ConfigError: no such data set.
        DataError: it cannot be read at all; see `hmrm.datasets.load.load_dataset`.
    """
    options = for_root(options or LoadOptions(), root)
    if not is_composite(name):
        loaded = load_dataset(name, root, options)
        return {"path": str(root), "parts": [_part(loaded, options, progress)], "missing": []}
    composite = load_composite(root, options)
    members = composite.membership.members
    labels = np.array([label for _, label in members], dtype=np.int64)
    return {
        "path": str(root),
        "parts": [_part(loaded, options, progress) for loaded in composite.parts],
        "missing": [{"what": s.what, "reason": s.reason} for s in composite.missing],
        "composite": {
            "clips": len(members),
            "subjects": len({f"{r.dataset}/{r.subject}" for r, _ in members}),
            "by_class": {c: int((labels == i).sum()) for i, c in enumerate(CLASSES)},
            "differences": list(differences_from_composite([r.id for r, _ in members], labels)),
            "left_out": _grouped_skips(composite.membership.left_out),
        },
    }


def _part(loaded: Loaded, options: LoadOptions, progress: Progress) -> dict[str, Any]:
    records, notes, skipped = loaded.annotations.records, Notes(), list(loaded.annotations.skipped)
    if not options.table_only:
        skipped += _look_at_frames(loaded, notes, progress)
    oddities = (*loaded.annotations.oddities, *notes.found)
    counts = Counter(record.emotion or "none" for record in records)
    on_disk = sum(record.folder in loaded.folders for record in records)
    return {
        "dataset": loaded.dataset.name,
        "title": loaded.dataset.title,
        "tables": {path.name: digest for path, digest in loaded.annotations.files},
        "clips": len(records),
        "subjects": len({record.subject for record in records}),
        "by_kind": dict(sorted(Counter(record.kind for record in records).items())),
        "by_emotion": dict(counts.most_common()),
        "by_class": _by_class(records),
        "on_disk": None if options.table_only else on_disk,
        "folders": None if options.table_only else len(loaded.folders),
        "published": _published(loaded, records, counts),
        "oddities": group_oddities(oddities),
        "skipped": [{"what": s.what, "reason": s.reason} for s in skipped],
    }


def _by_class(records: Iterable[Record]) -> dict[str, int]:
    counts = Counter(class_of(record.dataset, record.emotion) or "none" for record in records)
    return {name: counts[name] for name in (*CLASSES, "none") if counts[name]}


def _look_at_frames(loaded: Loaded, notes: Notes, progress: Progress) -> list[Skip]:
    """Whether each record's onset and apex are there, and how many frames are not."""
    skipped = []
    records = loaded.annotations.records
    for done, record in enumerate(records, start=1):
        folder = loaded.folder_of(record)
        if folder is not None:
            try:
                _note_empty(record, frames_of(record, folder.path, notes), notes)
            except InputError as error:
                skipped.append(Skip.of(record.id, error))
        progress(f"{STAGE} of {loaded.dataset.title}", done, len(records))
    return skipped


def _note_empty(record: Record, frames: ClipFrames, notes: Notes) -> None:
    """Files without content, the one damage that shows without opening them."""
    paths = {frames.onset, *(path for _, path in frames.between)}
    paths |= {frames.apex[1]} if frames.apex else set()
    for path in sorted(paths):
        if not path.is_file() or path.stat().st_size == 0:
            message = f"{record.id}: the file holds nothing, or is a link that leads nowhere"
            notes.add("picture_empty", str(path), message)


def _published(
    loaded: Loaded, records: Sequence[Record], counts: Mapping[str, int]
) -> list[dict[str, Any]]:
    found: dict[str, int] = {
        "clips": len(records),
        "subjects": len({record.subject for record in records}),
        "micro": sum(record.kind == "micro" for record in records),
        "macro": sum(record.kind == "macro" for record in records),
    }
    return [
        {"what": what, "published": expected, "found": found.get(what, counts.get(what, 0))}
        for what, expected in loaded.dataset.published.items()
    ]


def count_faults(found: Mapping[str, Any]) -> int:
    """How much of a check's result is to be mended, not merely to be known.

    That is what was left out, what is missing, published counts that are not met, and oddities
    among ``FAULTS``.
    """
    count = len(found["missing"]) + len(found.get("composite", {}).get("differences", ()))
    for part in found["parts"]:
        count += len(part["skipped"])
        count += sum(one["published"] != one["found"] for one in part["published"])
        count += sum(one["count"] for one in part["oddities"] if one["code"] in FAULTS)
    return count


def group_oddities(oddities: Iterable[Oddity]) -> list[dict[str, Any]]:
    """Each kind of oddity once: how often, and where it was met first."""
    grouped: dict[str, list[Oddity]] = {}
    for oddity in oddities:
        grouped.setdefault(oddity.code, []).append(oddity)
    return [
        {"code": code, "count": len(found), "where": found[0].where, "message": found[0].message}
        for code, found in sorted(grouped.items())
    ]


def _grouped_skips(skips: Iterable[Skip]) -> list[dict[str, Any]]:
    grouped: dict[str, list[str]] = {}
    for skip in skips:
        grouped.setdefault(skip.reason, []).append(skip.what)
    return [
        {"reason": reason, "count": len(what), "first": what[0]} for reason, what in grouped.items()
    ]
