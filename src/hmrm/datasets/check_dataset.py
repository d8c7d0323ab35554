"""What of a data set is here, against what was published; every issue once, with its count."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from hmrm.clip import CLASSES
from hmrm.datasets.annotations.issue_texts import FAULTS, IssueGroup, group_issues
from hmrm.datasets.annotations.labels import class_of
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.annotations.workbook import Notes
from hmrm.datasets.frames import ClipFrames, frames_of
from hmrm.datasets.load import (
    Loaded,
    LoadedComposite,
    LoadOptions,
    for_root,
    is_composite,
    load_composite,
    load_dataset,
)
from hmrm.datasets.maps.composite import differences_from_composite
from hmrm.errors import InputError
from hmrm.progress import Progress, silent
from hmrm.records import formerly

STAGE = "look at frames"


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """A row's address or a clip's id, or a part of the composite, and why it is not used."""

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ExcludedGroup:
    """All clips that are excluded for one reason; ``first`` is one of them."""

    reason: str
    count: int
    first: str


@dataclass(frozen=True, kw_only=True)
class PublishedCount:
    """A count of the publication and what was found; ``what`` is clips, subjects, an emotion …."""

    what: str
    published: int
    found: int


@dataclass(frozen=True, kw_only=True)
class PartCheck:
    """One data set as it is here.

    Attributes:
        tables: sha256 of each table read, by file name.
        by_kind, by_emotion, by_class: clips of each.
        on_disk: clips whose folder of frames is there; None where nobody looked.
        folders: folders of frames; None where nobody looked.
        published: counts that were published, against ours.
    """

    dataset: str
    title: str
    tables: Mapping[str, str]
    clips: int
    subjects: int
    by_kind: Mapping[str, int]
    by_emotion: Mapping[str, int]
    by_class: Mapping[str, int]
    on_disk: int | None
    folders: int | None
    published: tuple[PublishedCount, ...]
    issues: tuple[IssueGroup, ...] = field(metadata=formerly("oddities"))
    skipped: tuple[Excluded, ...]


@dataclass(frozen=True, kw_only=True)
class CompositeCheck:
    """The MEGC 2019 composite as the rule makes it from what is here."""

    clips: int
    subjects: int
    by_class: Mapping[str, int]
    differences: tuple[str, ...]
    excluded: tuple[ExcludedGroup, ...] = field(metadata=formerly("left_out"))


@dataclass(frozen=True, kw_only=True)
class DataSetCheck:
    """A data set, or the composite's three with those that are not here."""

    path: str
    parts: tuple[PartCheck, ...]
    missing: tuple[Excluded, ...] = ()
    composite: CompositeCheck | None = None

    @property
    def faults(self) -> int:
        """How much is to be corrected, not merely to be known.

        That is what is excluded, what is missing, published counts that are not met, and issues
        among ``FAULTS``.
        """
        count = len(self.missing) + (len(self.composite.differences) if self.composite else 0)
        for part in self.parts:
            count += len(part.skipped)
            count += sum(one.published != one.found for one in part.published)
            count += sum(one.count for one in part.issues if one.code in FAULTS)
        return count

    def to_json(self) -> str:
        """The same as JSON text; without the composite where a single data set was checked."""
        table = asdict(self)
        if self.composite is None:
            del table["composite"]
        return json.dumps(table, indent=1, ensure_ascii=False)


def check_dataset(
    name: str,
    root: Path,
    options: LoadOptions | None = None,
    *,
    progress: Progress = silent,
) -> DataSetCheck:
    """Describe a data set, or the composite's three.

    Args:
        name: see `hmrm.datasets.sources.catalogue.names`.

    Raises:
        ConfigError: no such data set.
        DataError: it cannot be read at all; see `hmrm.datasets.load.load_dataset`.
    """
    options = for_root(options or LoadOptions(), root)
    if not is_composite(name):
        part = _part(load_dataset(name, root, options), options, progress)
        return DataSetCheck(path=str(root), parts=(part,))
    composite = load_composite(root, options)
    return DataSetCheck(
        path=str(root),
        parts=tuple(_part(loaded, options, progress) for loaded in composite.parts),
        missing=_excluded(composite.missing),
        composite=_composite(composite),
    )


def _composite(composite: LoadedComposite) -> CompositeCheck:
    members = composite.membership.members
    labels = np.array([label for _, label in members], dtype=np.int64)
    return CompositeCheck(
        clips=len(members),
        subjects=len({f"{r.dataset}/{r.subject}" for r, _ in members}),
        by_class={c: int((labels == i).sum()) for i, c in enumerate(CLASSES)},
        differences=differences_from_composite([r.id for r, _ in members], labels),
        excluded=_grouped(composite.membership.excluded),
    )


def _part(loaded: Loaded, options: LoadOptions, progress: Progress) -> PartCheck:
    records, notes, skipped = loaded.annotations.records, Notes(), list(loaded.annotations.skipped)
    if not options.table_only:
        skipped += _look_at_frames(loaded, notes, progress)
    counts = Counter(record.emotion or "none" for record in records)
    on_disk = sum(record.folder in loaded.folders for record in records)
    return PartCheck(
        dataset=loaded.dataset.name,
        title=loaded.dataset.title,
        tables={path.name: digest for path, digest in loaded.annotations.files},
        clips=len(records),
        subjects=len({record.subject for record in records}),
        by_kind=dict(sorted(Counter(record.kind for record in records).items())),
        by_emotion=dict(counts.most_common()),
        by_class=_by_class(records),
        on_disk=None if options.table_only else on_disk,
        folders=None if options.table_only else len(loaded.folders),
        published=_published(loaded, records, counts),
        issues=group_issues((*loaded.annotations.issues, *notes.found)),
        skipped=_excluded(skipped),
    )


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
            notes.add("image_empty", str(path), message)


def _published(
    loaded: Loaded, records: Sequence[Record], counts: Mapping[str, int]
) -> tuple[PublishedCount, ...]:
    found: dict[str, int] = {
        "clips": len(records),
        "subjects": len({record.subject for record in records}),
        "micro": sum(record.kind == "micro" for record in records),
        "macro": sum(record.kind == "macro" for record in records),
    }
    files = [path.name for path, _ in loaded.annotations.files]
    return tuple(
        PublishedCount(what=what, published=expected, found=found.get(what, counts.get(what, 0)))
        for what, expected in loaded.dataset.published_of(files).items()
    )


def _excluded(skips: Iterable[Skip]) -> tuple[Excluded, ...]:
    return tuple(Excluded(what=skip.what, reason=skip.reason) for skip in skips)


def _grouped(skips: Iterable[Skip]) -> tuple[ExcludedGroup, ...]:
    grouped: dict[str, list[str]] = {}
    for skip in skips:
        grouped.setdefault(skip.reason, []).append(skip.what)
    return tuple(
        ExcludedGroup(reason=reason, count=len(what), first=what[0])
        for reason, what in grouped.items()
    )
