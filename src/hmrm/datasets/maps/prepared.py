"""Our own layout for flow maps: one ``maps.npz`` that holds everything, without pickle.

Arrays: ``ids`` (n) text, ``labels`` (n) int64, ``maps`` (n, 3, s, s) float32, ``classes`` (k) and
``crop`` () text, ``scale_px`` (n) float32 (px that one unit of u and v stands for; NaN: unknown),
``channels_apart`` () bool and, where there are any, ``offset_maps`` (n, 3, s, s) float32.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from hmrm import arrays as array_files
from hmrm import atomic, reading
from hmrm.errors import DataError
from hmrm.flow.aligned_frames import FOLDER as FRAMES
from hmrm.flow.mapset import MapSet, build_mapset

FILE_NAME = "maps.npz"

_KINDS = {
    "ids": "U",
    "labels": "i",
    "maps": "f",
    "classes": "U",
    "crop": "U",
    "scale_px": "f",
    "channels_apart": "b",
    "offset_maps": "f",
}
_FORM = {
    **dict.fromkeys(("ids", "labels", "scale_px"), "(n)"),
    **dict.fromkeys(("maps", "offset_maps"), "(n, 3, s, s)"),
    "classes": "(k)",
    "crop": "()",
    "channels_apart": "()",
}
_AXES = {**dict.fromkeys(_FORM, 1), "maps": 4, "offset_maps": 4, "crop": 0, "channels_apart": 0}


def write_prepared(
    folder: Path, mapset: MapSet, *, scale_px: Float32[np.ndarray, " n"] | None = None
) -> Path:
    """Write ``folder/maps.npz`` as a whole; the same maps give the same bytes.

    Raises:
        OutputError: the file cannot be written.
    """
    unknown = np.full(len(mapset.ids), np.nan, dtype=np.float32)
    arrays = {
        "ids": np.array(mapset.ids),
        "labels": mapset.labels.astype(np.int64),
        "maps": mapset.maps,
        "classes": np.array(mapset.classes),
        "crop": np.array(mapset.crop),
        "scale_px": unknown if scale_px is None else scale_px,
        "channels_apart": np.array(mapset.channels_apart),
    }
    if mapset.offset_maps is not None:
        arrays["offset_maps"] = mapset.offset_maps
    path = folder / FILE_NAME
    with atomic.writing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
    return path


def read_prepared(path: Path) -> MapSet:
    """Read ``maps.npz``, or the folder that holds it.

    Raises:
        DataError: not such a file, an array missing, of another type or length, or a label, id or
            value that `build_mapset` refuses.
    """
    file = path / FILE_NAME if path.is_dir() else path
    arrays = _read_arrays(file)
    count, maps = len(arrays["ids"]), arrays["maps"]
    for name in {"labels", "maps", "scale_px", "offset_maps"} & set(arrays):
        if len(arrays[name]) != count:
            raise DataError(f"{file}: {count} ids but {len(arrays[name])} {name}")
    for name in {"maps", "offset_maps"} & set(arrays):
        shape = arrays[name].shape
        if shape[1] != 3 or shape[2] != shape[3] or not shape[2]:
            raise DataError(f"{file}: {name} have shape {shape}; expected {_FORM[name]}")
    offset_maps = arrays.get("offset_maps")
    frames = file.parent / FRAMES
    try:
        found = build_mapset(
            ids=[str(i) for i in arrays["ids"]],
            labels=arrays["labels"].astype(np.int64),
            maps=maps.astype(np.float32, copy=False),
            classes=tuple(str(c) for c in arrays["classes"]),
            crop=str(arrays["crop"]),
            channels_apart=bool(arrays["channels_apart"]),
            source="prepared",
            offset_maps=None if offset_maps is None else offset_maps.astype(np.float32, copy=False),
        )
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    return replace(found, frames=frames) if frames.is_dir() else found


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        found = array_files.read_arrays(file, _KINDS, optional=("offset_maps",))
    except (OSError, reading.DamagedError) as error:
        raise DataError(
            f"{file}: cannot be read as {FILE_NAME} ({error}); see hmrm.datasets.maps.prepared"
        ) from error
    for name, values in found.items():
        if values.ndim != _AXES[name]:
            raise DataError(f"{file}: {name} have shape {values.shape}; expected {_FORM[name]}")
    return found
