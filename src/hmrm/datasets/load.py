"""A data set on disk: its tables read, its folders found, and each compared with the other."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hmrm import provenance
from hmrm.datasets.annotations.corrections import Correction, correct, read_corrections
from hmrm.datasets.annotations.description import DataSet, Findings
from hmrm.datasets.annotations.folders import ClipFolder, find_folders
from hmrm.datasets.annotations.records import Annotations, Record, Skip, check_order, number_repeats
from hmrm.datasets.annotations.spreadsheets import SUFFIXES
from hmrm.datasets.composite_rule import PARTS, Membership, composite_members
from hmrm.datasets.sources.catalogue import COMPOSITE, DATASETS, dataset_named
from hmrm.errors import ConfigError, DataError

_TABLE_DEPTH = 4


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How a data set is loaded.

    Attributes:
        table: the annotation file, where the root holds none or not the right one.
        table_only: do not look for frames.
        corrections: a user's table of corrections, applied after ours.
    """

    table: Path | None = None
    table_only: bool = False
    corrections: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One data set as it is here.

    ``folders`` holds the folder of each clip by ``Record.folder``; empty with ``table_only``.
    """

    dataset: DataSet
    root: Path
    annotations: Annotations
    folders: dict[str, ClipFolder] = field(default_factory=dict)

    def folder_of(self, record: Record) -> ClipFolder | None:
        """Where a record's frames are."""
        return self.folders.get(record.folder)


def load_dataset(name: str, root: Path, options: LoadOptions | None = None) -> Loaded:
    """Read the tables of a data set and find its clips.

    Args:
        name: see `hmrm.datasets.sources.catalogue.names`, without the composite.
        root: folder with table and frames, anywhere below it; with ``table_only`` also the table
            itself.

    Raises:
        ConfigError: no such data set.
        DataError: no such folder or table, or a table that cannot be read at all.
        MissingExtraError: the table's format needs a package that is not installed.
    """
    options = for_root(options or LoadOptions(), root)
    dataset, findings = dataset_named(name), Findings(corrections=_corrections(options))
    tables = _tables(dataset, root, options)
    folders: dict[str, ClipFolder] = {}
    if not options.table_only:
        folders = find_folders(root, dataset.place, dataset.rank, findings.notes)
    if folders and dataset.read_folders is not None and options.table is None:
        records = dataset.read_folders(folders, findings)
    else:
        records = _records_of_tables(dataset, root, tables, findings)
    if dataset.cut_out is not None:
        records = [_in_its_folder(record, dataset.cut_out(record), folders) for record in records]
    _note_unread(tables, findings)
    records = number_repeats(records, findings.notes, expected=dataset.repeats)
    records = correct(records, findings.corrections, findings.refused, findings.notes)
    records = check_order(records, findings.notes)
    for record in records:
        if record.no_emotion and not record.emotion:
            findings.notes.add(
                "no_emotions_read", record.where, f"{record.id}: {record.no_emotion}"
            )
    if not options.table_only:
        _compare(records, folders, findings)
    annotations = Annotations(
        dataset=dataset.name,
        records=tuple(records),
        issues=tuple(findings.notes.found),
        skipped=tuple(findings.skipped),
        files=tuple((path, provenance.sha256(path)) for path in findings.read),
    )
    return Loaded(dataset=dataset, root=root, annotations=annotations, folders=folders)


def for_root(options: LoadOptions, root: Path) -> LoadOptions:
    """The options, without a look for frames where the root is a table itself."""
    return replace(options, table_only=True) if root.is_file() else options


@dataclass(frozen=True, kw_only=True)
class LoadedComposite:
    """The three parts of the composite and what the rule takes of them."""

    parts: tuple[Loaded, ...]
    membership: Membership
    missing: tuple[Skip, ...] = ()


def load_composite(root: Path, options: LoadOptions | None = None) -> LoadedComposite:
    """Read CASME II, SAMM and SMIC-HS below one root and apply the rule.

    Each part is looked for in a child folder whose name begins like it (``CASME2``, ``SAMM``,
    ``SMIC``), else below the root as a whole. A part that is not there is reported, not an error.

    Raises:
        DataError: no such folder, none of the parts, or a table that cannot be read.
    """
    options = options or LoadOptions()
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give the one that holds CASME II, SAMM and SMIC")
    if options.table is not None:
        raise DataError("the composite has a table for each part; leave --table out")
    parts, missing = [], []
    for name in PARTS:
        try:
            parts.append(_load_part(name, root, options))
        except DataError as error:
            missing.append((name, error))
    if not parts:
        raise DataError(f"{root}: none of {', '.join(PARTS)} is here; first: {missing[0][1]}")
    records = [record for part in parts for record in part.annotations.records]
    return LoadedComposite(
        parts=tuple(parts),
        membership=composite_members(records),
        missing=tuple(Skip(what=n, reason=str(error), kind="missing part") for n, error in missing),
    )


def is_composite(name: str) -> bool:
    """Whether a command's name means the composite."""
    return name.lower() in (COMPOSITE, "megc2019", "megc-2019")


def _load_part(name: str, root: Path, options: LoadOptions) -> Loaded:
    child = _part_root(root, name)
    try:
        return load_dataset(name, child, options)
    except DataError:
        # Its table may lie next to its folder.
        if child == root:
            raise
        return load_dataset(name, root, options)


def _part_root(root: Path, name: str) -> Path:
    for child in sorted(p for p in root.iterdir() if p.is_dir()):
        plain = re.sub(r"[\W_]", "", child.name.lower()).replace("casmeii", "casme2")
        if plain.startswith(name) and not plain.startswith(("sammlong", "sammlv")):
            return child
    return root


def _tables(dataset: DataSet, root: Path, options: LoadOptions) -> list[Path]:
    if options.table is not None:
        if not options.table.is_file():
            raise DataError(f"{options.table}: no such file; give the annotation table")
        return [options.table]
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give the folder that holds {dataset.title}")
    found = [
        path
        for path in _files(root, _TABLE_DEPTH)
        if any(re.search(pattern, path.name.lower()) for pattern in dataset.tables)
    ]
    if not found and (dataset.read_folders is None or options.table_only):
        folders = ", or leave --table-only out: its folders name its clips, too"
        other = "" if dataset.read_folders is None else folders
        raise DataError(
            f"{root}: no annotation table of {dataset.title} below it; looked for a name like "
            f"{dataset.table_name!r}. Put it there, or give it with --table{other}"
            f"{_others_there(dataset, root)}"
        )
    return found


def _others_there(dataset: DataSet, root: Path) -> str:
    """Tables below the root that are of another data set by their name."""
    for path in _files(root, _TABLE_DEPTH):
        for other in DATASETS.values():
            if other is not dataset and re.search(other.tables[0], path.name.lower()):
                return f". {path.name} is a table of {other.title}: name {other.name} for it"
    return ""


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # A link in a loop.


def _files(folder: Path, depth: int) -> list[Path]:
    """Tables in a folder and a few levels below it, in order."""
    # scandir recognises folders without a look at each of a recording's thousands of frames.
    try:
        with os.scandir(folder) as listing:
            entries = sorted(
                (e for e in listing if not e.name.startswith((".", "~$"))), key=lambda e: e.name
            )
    except OSError as error:
        raise DataError(f"{folder}: cannot be looked into ({error.strerror})") from error
    folders = [entry for entry in entries if _is_folder(entry)]
    named = [e for e in entries if Path(e.name).suffix.lower() in SUFFIXES and e not in folders]
    found = [Path(entry.path) for entry in named]
    if depth:
        for entry in folders:
            found += _files(Path(entry.path), depth - 1)
    return found


def _records_of_tables(
    dataset: DataSet, root: Path, tables: Sequence[Path], findings: Findings
) -> list[Record]:
    if tables:
        records = dataset.read_tables(tables, findings)
    elif dataset.read_folders is not None:
        raise DataError(f"{root}: holds no clip of {dataset.title}; see hmrm.datasets for layouts")
    else:
        records = []
    if not records:
        raise DataError(f"{root}: the tables of {dataset.title} hold no clip at all")
    return records


def _in_its_folder(record: Record, cut_out: Record, folders: dict[str, ClipFolder]) -> Record:
    whole_video = record.folder in folders or cut_out.folder not in folders
    return record if whole_video else cut_out


def _note_unread(tables: Sequence[Path], findings: Findings) -> None:
    """A table that lies there but was not read may be the edition that the user means."""
    read = " and ".join(path.name for path in findings.read) or "names of folders"
    for path in tables:
        if path not in findings.read:
            both = " and was compared with it" if path in findings.compared else ""
            findings.notes.add(
                "table_not_read", str(path), f"{read} served instead{both}; --table chooses another"
            )


def _corrections(options: LoadOptions) -> tuple[Correction, ...]:
    own = read_corrections()
    others = () if options.corrections is None else read_corrections(options.corrections)
    return tuple(_known(one) for one in (*own, *others))


def _known(correction: Correction) -> Correction:
    """With the data set's own name, and the clip without it."""
    try:
        dataset = dataset_named(correction.dataset).name
    except ConfigError as error:
        raise DataError(
            f"{correction.where}: data set {correction.dataset!r} is unknown; choose one of "
            f"{', '.join(DATASETS)}"
        ) from error
    clip = correction.clip.removeprefix(f"{dataset}/")
    return replace(correction, dataset=dataset, clip=clip)


def _compare(records: Sequence[Record], folders: dict[str, ClipFolder], findings: Findings) -> None:
    named = {record.folder for record in (*records, *findings.refused)}
    for record in records:
        if record.folder not in folders:
            findings.notes.add(
                "clip_not_on_disk", record.where, f"{record.id}: no folder of frames was found"
            )
    for key, folder in folders.items():
        if key not in named:
            findings.notes.add(
                "clip_not_in_table", str(folder.path), f"{key}: no row of the table names this clip"
            )
