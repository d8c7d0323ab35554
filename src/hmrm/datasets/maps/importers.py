"""Importer of folders of flow maps, in the layouts that circulate in the field.

* ``flat``: ``labels.csv`` next to ``maps/<subject>_<clip> .png`` (a blank before the dot);
  ``_1``, ``_2``, ``_3`` before the blank are the apex→offset flow and two direction maps.
* ``folds``: ``norm_u_v_os/<subject>/{u_train,u_test}/{0,1,2}/<subject>_<clip> .png``, where each
  clip is copied into the training folder of every other subject (STSTNet, HTNet).
* ``prepared``: ``maps.npz``, what `hmrm.datasets.maps.prepared` writes.

Images are RGB = (u, v, strain), 28 × 28. Clips are enumerated from the table and from the class
folders, never by suffix: many clip names end in ``_1`` themselves.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32

from hmrm import image_size, reading
from hmrm.clip import CLASSES, ClipId, Issue
from hmrm.datasets import synthetic_mark
from hmrm.datasets.maps.fit import with_fitting_crop
from hmrm.datasets.maps.prepared import FILE_NAME, read_prepared
from hmrm.errors import DataError, shortened
from hmrm.flow.mapset import MapSet, build_mapset, from_pixels, identical_maps

SIDE = 28
COLUMNS = ("dataset", "sub", "filename_o", "label")
COMPANIONS = ("_1", "_2", "_3")

_DATASET_OF_SUBJECT = (
    (re.compile(r"sub\d+"), "casme2"),
    (re.compile(r"s\d+"), "smic"),
    (re.compile(r"\d{3}"), "samm"),
)


def load_maps(path: Path, *, offset: bool = False) -> MapSet:
    """Read a folder of flow maps, whatever its layout.

    Folders of images are in the crop that their layout stands for, unless the face shows that they
    are in another one; see `hmrm.datasets.maps.fit`.

    Args:
        path: folder with ``labels.csv`` and ``maps/``; folder of subjects, or its parent; folder
            with ``maps.npz``, or that file.
        offset: read the apex→offset maps too, where the layout has them.

    Raises:
        DataError: no known layout, or a file in it that is missing, unexpected, unreadable, of
            another size, labelled wrongly or present twice; the message names it.

    Example:
        ``maps`` holds a synthetic data set; published ones are read in the same way.

        >>> from pathlib import Path
        >>> import hmrm
        >>> maps = hmrm.load_maps(Path("maps"))
        >>> maps.maps.shape, maps.ids[0]
        ((72, 3, 28, 28), 'casme2/sub01/EP01_1')
        >>> maps.classes
        ('negative', 'positive', 'surprise')
    """
    found = _load(path, offset=offset)
    return replace(found, issues=(*synthetic_mark.issues_of(path), *found.issues))


def _load(path: Path, *, offset: bool) -> MapSet:
    if path.name == FILE_NAME or (path / FILE_NAME).is_file():
        return _with_duplicates(read_prepared(path))
    if (path / "labels.csv").is_file():
        return with_fitting_crop(_with_duplicates(_load_flat(path, offset=offset)))
    root = _fold_root(path)
    if root is not None:
        return with_fitting_crop(_with_duplicates(_load_folds(root)))
    what = "no such folder" if not path.exists() else "no flow maps in a known layout"
    raise DataError(
        f"{path}: {what}; expected labels.csv next to maps/, "
        f"folders <subject>/u_test/<class>, or {FILE_NAME}"
    )


def _with_duplicates(found: MapSet) -> MapSet:
    notes = [
        Issue(
            code="identical_maps",
            where=" = ".join(group),
            message="the same image to the last bit under several clip ids",
        )
        for group in identical_maps(found)
    ]
    notes += [
        Issue(code="no_motion", where=name, message="u and v are constant")
        for name, values in zip(found.ids, found.maps, strict=True)
        if np.ptp(values[0]) == 0 and np.ptp(values[1]) == 0
    ]
    return replace(found, issues=(*found.issues, *notes))


def _load_flat(root: Path, *, offset: bool) -> MapSet:
    rows = list(_read_table(root / "labels.csv"))
    files = {p.name: p for p in (root / "maps").glob("*") if not p.name.startswith(".")}
    expected: dict[str, str] = {}
    ids, labels, maps, offset_maps = [], [], [], []
    for line, row in rows:
        where = f"{root / 'labels.csv'} line {line}"
        stem = f"{row['sub']}_{row['filename_o']}"
        for suffix in ("", *COMPANIONS):
            name = _present(files, stem + suffix)
            if name in expected:
                raise DataError(f"{where}: {name} already belongs to {expected[name]}")
            expected[name] = stem
        ids.append(f"{row['dataset']}/{row['sub']}/{row['filename_o']}")
        labels.append(_label(row["label"], where=where))
        maps.append(read_map(root / "maps" / _present(files, stem)))
        if offset:
            offset_maps.append(read_map(root / "maps" / _present(files, stem + "_1")))
    extra = sorted(set(files) - set(expected))
    if extra:
        raise DataError(f"{files[extra[0]]}: belongs to no row of labels.csv ({len(extra)} such)")
    return build_mapset(
        ids=ids,
        labels=np.array(labels, dtype=np.int64),
        maps=_stack(maps),
        classes=CLASSES,
        crop="megc2019-flow",
        channels_apart=True,
        source="flat",
        issues=_blank_columns(rows, root),
        offset_maps=_stack(offset_maps) if offset else None,
    )


def _stack(maps: list[np.ndarray]) -> Float32[np.ndarray, "n 3 s s"]:
    return np.stack(maps) if maps else np.empty((0, 3, SIDE, SIDE), dtype=np.float32)


def _present(files: dict[str, Path], stem: str) -> str:
    """The name with a blank before the dot, unless only the plain one is there."""
    plain, blank = f"{stem}.png", f"{stem} .png"
    return plain if plain in files and blank not in files else blank


def _read_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        header, rows = reading.table(reading.read_text(path, encoding="utf-8-sig"))
    except (OSError, reading.DamagedError) as error:
        raise DataError(f"{path}: cannot be read as a table ({error})") from error
    missing = [c for c in COLUMNS if c not in header]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; has {shortened(header)}")
    for line, cells in rows:
        row = {column: cells[column] or "" for column in header}
        _check_row(row, where=f"{path} line {line}")
        yield line, row


def _check_row(row: dict[str, str], *, where: str) -> None:
    for column in COLUMNS:
        value = row[column]
        if not value or value != value.strip() or "/" in value or "\\" in value:
            raise DataError(f"{where}: {column} is {value!r}; expected a plain name")


def _label(text: str, *, where: str) -> int:
    if text not in {str(i) for i in range(len(CLASSES))}:
        raise DataError(f"{where}: label {text!r} is none of 0…{len(CLASSES) - 1} {CLASSES}")
    return int(text)


def _blank_columns(rows: list[tuple[int, dict[str, str]]], root: Path) -> tuple[Issue, ...]:
    named = [c for c in rows[0][1] if c] if rows else []
    blank = [c for c in named if not any(row.get(c) for _, row in rows)]
    return tuple(
        Issue(
            code="blank_column",
            where=f"{root / 'labels.csv'}: {column}",
            message="the column is empty in every row",
        )
        for column in blank
    )


def _fold_root(path: Path) -> Path | None:
    """The folder whose children are subjects: ``path`` or one of its children."""
    if not path.is_dir():
        return None
    candidates = [path, *sorted(p for p in path.iterdir() if p.is_dir())]
    roots = [p for p in candidates if any((s / "u_test").is_dir() for s in p.iterdir())]
    if path not in roots and len(roots) > 1:
        names = ", ".join(p.name for p in roots)
        raise DataError(f"{path}: holds several sets of folds ({names}); name one of them")
    return roots[0] if roots else None


def _load_folds(root: Path) -> MapSet:
    subjects = sorted(p for p in root.iterdir() if p.is_dir())
    labels: dict[str, int] = {}
    images: dict[str, Path] = {}
    for subject in subjects:
        for label, file in _class_files(subject / "u_test"):
            clip_id = _id_from_name(file, test_subject=subject.name)
            if clip_id in images:
                raise DataError(f"{file}: {clip_id} is also {images[clip_id]}; keep one")
            labels[clip_id], images[clip_id] = label, file
    issues = []
    for subject in subjects:
        issues += _check_copies(subject, labels, images)
    ids = sorted(images)
    return build_mapset(
        ids=ids,
        labels=np.array([labels[i] for i in ids], dtype=np.int64),
        maps=_stack([read_map(images[i]) for i in ids]),
        classes=CLASSES,
        crop="norm-u-v-os",
        channels_apart=True,
        source="folds",
        issues=issues,
    )


def _class_files(part: Path) -> Iterator[tuple[int, Path]]:
    if not part.is_dir():
        raise DataError(f"{part}: the folder is missing; each subject needs u_train and u_test")
    for folder in sorted(part.iterdir()):
        if folder.name.startswith("."):
            continue
        label = _label(folder.name, where=str(folder))
        if not folder.is_dir():
            raise DataError(f"{folder}: is a file; a class is a folder of flow maps")
        for file in sorted(folder.iterdir()):
            if file.name.startswith("."):
                continue
            if file.suffix != ".png":
                raise DataError(f"{file}: unexpected; a class folder holds .png flow maps only")
            yield label, file


def dataset_of_subject(subject: str) -> str | None:
    """Data set that names its subjects so: ``sub01`` casme2, ``s01`` smic, ``006`` samm."""
    return next((d for p, d in _DATASET_OF_SUBJECT if p.fullmatch(subject)), None)


def _id_from_name(file: Path, *, test_subject: str | None = None) -> str:
    stem = file.stem.rstrip()
    subject, _, clip = stem.partition("_")
    dataset = dataset_of_subject(subject)
    if dataset is None or not clip:
        raise DataError(f"{file}: expected <subject>_<clip> .png with subject sub01, s01 or 006")
    if test_subject not in (None, subject):
        raise DataError(f"{file}: a clip of {subject} in the test folder of {test_subject}")
    # SMIC and SAMM clip names carry the subject themselves; some copies name it only once.
    if dataset != "casme2" and not clip.startswith(f"{subject}_"):
        clip = stem
    return f"{dataset}/{subject}/{clip}"


def _check_copies(subject: Path, labels: dict[str, int], images: dict[str, Path]) -> list[Issue]:
    """Compare a fold's training copies with the clips' one original."""
    copied = set()
    for label, file in _class_files(subject / "u_train"):
        clip_id = _id_from_name(file)
        if clip_id not in images:
            raise DataError(f"{file}: {clip_id} is in no u_test folder; is a subject missing?")
        if ClipId.parse(clip_id).subject_name == subject.name:
            raise DataError(f"{file}: the test subject's own clip among its training clips")
        original = images[clip_id]
        if label != labels[clip_id]:
            raise DataError(f"{file}: class {label}, but {original} has class {labels[clip_id]}")
        if not _same_bytes(file, original) and not np.array_equal(
            read_map(file), read_map(original)
        ):
            raise DataError(f"{file}: differs from its copy {original}; which one is right?")
        copied.add(clip_id)
    due = {i for i in images if ClipId.parse(i).subject_name != subject.name}
    if copied == due:
        return []
    missing = sorted(due - copied)
    note = f"{len(missing)} clips are not copied here, e.g. {missing[0]}; read from u_test"
    return [Issue(code="fold_incomplete", where=str(subject / "u_train"), message=note)]


def _same_bytes(one: Path, other: Path) -> bool:
    try:
        return reading.read_bytes(one) == reading.read_bytes(other)
    except (OSError, reading.DamagedError):
        return False  # Whichever it is, to read it as a map names it.


def read_map(path: Path) -> Float32[np.ndarray, "3 s s"]:
    """One image as (u, v, strain), values 0 to 1.

    Raises:
        DataError: missing, not an image, or not 28 × 28 RGB of 8 bits.
    """
    try:
        content = reading.read_bytes(path)
        sizes = set(image_size.claimed_sizes(content))
    except (OSError, reading.DamagedError) as error:
        raise DataError(f"{path}: the flow map is missing or unreadable ({error})") from error
    except (ValueError, IndexError, struct.error) as error:
        raise DataError(
            f"{path}: not a readable image ({len(content)} bytes); copy it again"
        ) from error
    if sizes - {(SIDE, SIDE)}:
        width, height = min(sizes - {(SIDE, SIDE)})
        raise DataError(f"{path}: expected {SIDE} x {SIDE} RGB of 8 bits, got {width} x {height}")
    pixels = (
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if content else None
    )
    if pixels is None:
        raise DataError(f"{path}: not a readable image ({len(content)} bytes); copy it again")
    if pixels.dtype != np.uint8 or pixels.shape != (SIDE, SIDE, 3):
        raise DataError(
            f"{path}: expected {SIDE} x {SIDE} RGB of 8 bits, got {pixels.shape} {pixels.dtype}"
        )
    return from_pixels(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
