"""The flow maps of a run as its tasks get them: by path, for they are too large to send along."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from hmrm import atomic, provenance
from hmrm.datasets.maps.importers import load_maps
from hmrm.errors import ConfigError, DataError, OutputError
from hmrm.flow.mapset import MapSet, canonical_mapset, with_frame_files
from hmrm.model.contract import MapKind


@runtime_checkable
class TaskMaps(Protocol):
    """What a task loads its maps from."""

    def load(self) -> MapSet:
        """The maps in the form that the model takes."""


@dataclass(frozen=True, kw_only=True)
class MapFolder:
    """Flow maps on disk: where they lie, and which part of them is meant.

    Attributes:
        path: see `hmrm.datasets.maps.importers.load_maps`.
        offset: with the apex→offset maps, where the data has them.
        dataset: this data set alone.
    """

    path: Path
    offset: bool = False
    dataset: str | None = None

    def load(self) -> MapSet:
        """Read them.

        Raises:
            ConfigError: no clip is of the data set.
            DataError: see `hmrm.datasets.maps.importers.load_maps`.
        """
        maps = load_maps(self.path, offset=self.offset)
        if self.dataset is None:
            return maps
        chosen = [i for i, name in enumerate(maps.datasets) if name == self.dataset]
        if not chosen:
            known = ", ".join(sorted(set(maps.datasets)))
            raise ConfigError(f"data set {self.dataset!r} is not there; the folder has {known}")
        return maps.select(chosen)


@dataclass(frozen=True, kw_only=True)
class CheckedFolder:
    """Maps of a folder on another machine, which must be those of this one.

    Attributes:
        sha256: `MapSet.sha256` of all that is loaded.
        frames_sha256: of the frames' files, where the model reads these.
        kind, offset: what the model takes, and whether it is shown the apex→offset maps.
    """

    folder: MapFolder
    sha256: str
    frames_sha256: str | None
    kind: MapKind
    offset: bool

    def load(self) -> MapSet:
        """The maps in the form that the model takes; read once in a process.

        Raises:
            DataError: they cannot be read, or are others than where the run was started.
        """
        return _load_folder(self)


@dataclass(frozen=True, kw_only=True)
class SharedArrays:
    """Maps in a temporary folder, which all processes of this machine map into their memory."""

    folder: Path
    classes: tuple[str, ...]

    def load(self) -> MapSet:
        """The maps, read-only; opened once in a process."""
        return _load_shared(self.folder, self.classes)


@contextmanager
def shared_arrays(
    mapset: MapSet, output: Path, *, kind: MapKind, offset: bool
) -> Iterator[TaskMaps]:
    """Write the arrays once, so that all workers map the same read-only pages."""
    with atomic.temporary_folder(output, "data") as folder:
        form = _form(mapset, kind=kind, offset=offset)
        try:
            _write_shared(folder, form)
        except OSError as error:  # np.save's has no number where the disk is full
            raise OutputError(
                f"{output}: temporary files cannot be written ({error}); free some space there"
            ) from error
        try:
            yield SharedArrays(folder=folder, classes=mapset.classes)
        finally:
            _load_shared.cache_clear()


def frames_sha256(mapset: MapSet) -> str:
    """Hex sha256 over the files that hold the clips' frames.

    Raises:
        DataError: no frames were kept, or those of a clip are missing.
    """
    total = hashlib.sha256()
    for file in with_frame_files(mapset).maps:
        total.update(provenance.sha256(Path(file)).encode())
    return total.hexdigest()


def _form(mapset: MapSet, *, kind: MapKind, offset: bool) -> MapSet:
    form = mapset if offset else replace(mapset, offset_maps=None)
    if kind == "raw":
        return form
    return with_frame_files(form) if kind == "frames" else canonical_mapset(form)


@lru_cache(maxsize=1)
def _load_folder(expected: CheckedFolder) -> MapSet:
    maps = expected.folder.load()
    if expected.frames_sha256 is not None and frames_sha256(maps) != expected.frames_sha256:
        raise DataError(
            f"{maps.frames}: holds other frames than where the run was started; copy them again"
        )
    if maps.sha256 != expected.sha256:
        raise DataError(
            f"{expected.folder.path}: holds other maps than where the run was started (digest "
            f"{maps.sha256[:12]}, there {expected.sha256[:12]}); copy that folder again"
        )
    form = _form(maps, kind=expected.kind, offset=expected.offset)
    # As shared arrays hold it: a model must see the same, wherever it is trained.
    return replace(form, units=None, issues=(), source="", frames=None)


def _write_shared(folder: Path, form: MapSet) -> None:
    np.save(folder / "ids.npy", np.array(form.ids))
    np.save(folder / "labels.npy", form.labels)
    np.save(folder / "maps.npy", form.maps)
    crop = json.dumps([form.crop, form.channels_apart])
    (folder / "form.json").write_text(crop, encoding="utf-8")
    if form.offset_maps is not None:
        np.save(folder / "offset_maps.npy", form.offset_maps)


@lru_cache(maxsize=1)
def _load_shared(folder: Path, classes: tuple[str, ...]) -> MapSet:
    back = folder / "offset_maps.npy"
    crop, channels_apart = json.loads((folder / "form.json").read_text(encoding="utf-8"))
    return MapSet(
        ids=tuple(str(i) for i in np.load(folder / "ids.npy")),
        labels=np.load(folder / "labels.npy"),
        maps=np.load(folder / "maps.npy", mmap_mode="r"),
        classes=classes,
        offset_maps=np.load(back, mmap_mode="r") if back.exists() else None,
        crop=crop,
        channels_apart=channels_apart,
    )
