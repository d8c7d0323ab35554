"""Flow maps with their labels: the record that importers return, and its canonical form."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, Shaped, UInt8

from hmrm.clip import ClipId, Issue
from hmrm.errors import DataError, NumericalError
from hmrm.faces.crops import CANONICAL_CROP, CROPS, CropBox, crop_box
from hmrm.flow.pair import centre_and_scale


@dataclass(frozen=True, kw_only=True, eq=False)
class MapSet:
    """Flow maps of labelled clips: what importers return and what a model trains on.

    Example:
        >>> import numpy as np
        >>> from hmrm.flow.mapset import build_mapset
        >>> found = build_mapset(
        ...     ids=["casme2/sub02/b", "casme2/sub01/a", "smic/s01/c"],
        ...     labels=np.array([2, 0, 1]),
        ...     maps=np.random.default_rng(0).normal(size=(3, 3, 28, 28)).astype(np.float32),
        ...     classes=("negative", "positive", "surprise"),
        ...     crop="hmrm-1",
        ...     channels_apart=False,
        ...     source="example",
        ... )
        >>> found.subjects
        ('casme2/sub01', 'casme2/sub02', 'smic/s01')
        >>> casme2 = found.select([0, 1])
        >>> casme2.ids, casme2.labels.tolist()
        (('casme2/sub01/a', 'casme2/sub02/b'), [0, 2])

    Attributes:
        ids: ``dataset/subject/clip``, all different; ascending in what `build_mapset` makes.
        labels: indices into ``classes``.
        maps: (u right, v down, strain) onset→apex. From images 0 to 1, where the zero of u and
            v is unknown and is best taken to be their median; else px, or the values of
            `hmrm.clip.FlowMap`. float32; float16 where a large set is kept small. For models that
            read frames, names of files instead (`with_frame_files`).
        offset_maps: the same apex→offset, where the data has it.
        units: action units as 0 and 1, one column each, where they are known.
        classes: names in label order; also of classes that no clip here has.
        crop: a name that `hmrm.faces.crops.crop_box` knows.
        channels_apart: u and v were scaled apart from each other, so their ratio is lost.
        source: layout it was read from; empty where it was made in memory.
        issues: see `Issue`.
        frames: folder of the clips' aligned frames, where they were kept.
    """

    ids: tuple[str, ...]
    labels: Int[np.ndarray, " n"]
    maps: Float[np.ndarray, "n 3 s s"] | Shaped[np.ndarray, " n"]
    classes: tuple[str, ...]
    crop: str = CANONICAL_CROP
    channels_apart: bool = False
    source: str = ""
    issues: tuple[Issue, ...] = ()
    offset_maps: Float[np.ndarray, "n 3 s s"] | None = None
    units: Float32[np.ndarray, "n k"] | None = None
    frames: Path | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """``dataset/subject`` of each clip."""
        return tuple(ClipId.parse(name).subject for name in self.ids)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data set of each clip."""
        return tuple(ClipId.parse(name).dataset for name in self.ids)

    @cached_property
    def sha256(self) -> str:
        """Digest over ids, labels, classes, crop and maps; independent of the layout on disk."""
        total = hashlib.sha256()
        for text in (*self.ids, *self.classes, self.crop, str(self.channels_apart)):
            total.update(text.encode() + b"\0")
        total.update(self.labels.astype("<i8").tobytes())
        for values in (self.maps, self.offset_maps, self.units):
            if values is not None:
                total.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
        return total.hexdigest()

    def select(self, positions: Sequence[int]) -> "MapSet":
        """A copy of the clips at ``positions``, in that order; changing it changes nothing here."""
        rows = np.asarray(positions, dtype=np.int64)
        return replace(
            self,
            ids=tuple(self.ids[i] for i in rows),
            labels=self.labels[rows],
            maps=np.asarray(self.maps)[rows],
            offset_maps=None if self.offset_maps is None else np.asarray(self.offset_maps)[rows],
            units=None if self.units is None else self.units[rows],
        )


def build_mapset(
    *,
    ids: Sequence[str],
    labels: Int[np.ndarray, " n"],
    maps: Float32[np.ndarray, "n 3 s s"],
    classes: tuple[str, ...],
    crop: str,
    channels_apart: bool,
    source: str,
    issues: Sequence[Issue] = (),
    offset_maps: Float32[np.ndarray, "n 3 s s"] | None = None,
) -> MapSet:
    """Check the parts against each other and sort by id.

    Raises:
        DataError: an id twice or not ``dataset/subject/clip``, a label outside the classes, an
            unknown crop, nothing at all, or NaN.
    """
    _check(ids, labels, maps, classes, crop)
    order = sorted(range(len(ids)), key=lambda i: ids[i])
    return MapSet(
        ids=tuple(ids),
        labels=labels.astype(np.int64),
        maps=maps,
        classes=classes,
        crop=crop,
        channels_apart=channels_apart,
        source=source,
        issues=tuple(issues),
        offset_maps=offset_maps,
    ).select(order)


def _check(
    ids: Sequence[str],
    labels: Int[np.ndarray, " n"],
    maps: Float32[np.ndarray, "n 3 s s"],
    classes: tuple[str, ...],
    crop: str,
) -> None:
    if not ids:
        raise DataError("the data holds no clip at all; give a folder of flow maps")
    try:
        crop_box(crop)
    except KeyError as error:
        known = ", ".join(CROPS)
        raise DataError(f"crop {crop!r} is unknown; declare one of {known}") from error
    seen: set[str] = set()
    for name, label, values in zip(ids, labels, maps, strict=True):
        ClipId.parse(name)
        if name in seen:
            raise DataError(f"clip {name} occurs twice; keep one of them")
        seen.add(name)
        if not 0 <= label < len(classes):
            raise DataError(f"{name}: label {label} is none of 0…{len(classes) - 1} {classes}")
        if not np.isfinite(values).all():
            raise DataError(f"{name}: the map holds NaN or infinity; make it again or leave it out")


def with_frame_files(mapset: MapSet) -> MapSet:
    """The same clips with the names of the files that hold their frames in the place of maps.

    Raises:
        DataError: no frames were kept, or those of a clip are missing.
    """
    how = "run hmrm datasets prepare --frames, and give its folder"
    if mapset.frames is None:
        raise DataError(f"this model reads frames, and the data holds flow maps alone; {how}")
    files = [mapset.frames / f"{name}.npz" for name in mapset.ids]
    missing = [name for name, file in zip(mapset.ids, files, strict=True) if not file.is_file()]
    if missing:
        raise DataError(
            f"{mapset.frames}: lacks frames of {len(missing)} clips, first {missing[0]}; {how}"
        )
    return replace(mapset, maps=np.array([str(file) for file in files]), offset_maps=None)


def canonical_maps(mapset: MapSet) -> Float32[np.ndarray, "n 3 s s"]:
    """All onset→apex maps as a recognition network sees them; see `canonical_form`.

    Raises:
        NumericalError: NaN or infinity.
    """
    return canonical_form(mapset.maps, crop=mapset.crop, per_channel=mapset.channels_apart)


def canonical_mapset(mapset: MapSet) -> MapSet:
    """The same clips with all their maps in canonical form; see `canonical_form`.

    Raises:
        NumericalError: NaN or infinity.
    """
    back = mapset.offset_maps
    if back is not None:
        back = canonical_form(back, crop=mapset.crop, per_channel=mapset.channels_apart)
    return replace(
        mapset,
        maps=canonical_maps(mapset),
        offset_maps=back,
        crop=CANONICAL_CROP,
        channels_apart=False,
    )


def canonical_form(
    maps: Float32[np.ndarray, "n 3 s s"], *, crop: str, per_channel: bool
) -> Float32[np.ndarray, "n 3 s s"]:
    """Maps in crop hmrm-1: centred, scaled, strain from their own u and v.

    Args:
        per_channel: see `hmrm.flow.pair.centre_and_scale`; to be set just where the data's
            channels were scaled apart, since their ratio says nothing there.

    Returns:
        float32, as a recognition network sees them.

    Raises:
        NumericalError: NaN or infinity.
    """
    box, side = crop_box(crop), maps.shape[-1]
    result = np.empty(maps.shape, dtype=np.float32)
    for number, values in enumerate(maps):
        uv = _cut(values[:2], box, side=side)
        try:
            result[number], _ = centre_and_scale(uv, per_channel=per_channel)
        except NumericalError as error:
            raise NumericalError(f"map number {number}: {error}") from error
    return result


def _cut(
    uv: Float32[np.ndarray, "2 s s"], box: CropBox, *, side: int
) -> Float32[np.ndarray, "2 s s"]:
    """Resample the box of both channels to ``side``; px count in the new crop."""
    if box == CROPS[CANONICAL_CROP]:
        return uv
    width, height = (box.right - box.left), (box.bottom - box.top)
    # Cell centres: output cell i looks at left + (i + ½)/side · width, in fractions of the input.
    to_input = np.array(
        [
            [width, 0, box.left * side + (width - 1) / 2],
            [0, height, box.top * side + (height - 1) / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = [
        cv2.warpAffine(c, to_input, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        for c in uv
    ]
    return np.stack([cut[0] / width, cut[1] / height]).astype(np.float32)


def identical_maps(mapset: MapSet) -> tuple[tuple[str, ...], ...]:
    """Groups of two and more clips whose maps are the same to the last bit."""
    groups: dict[bytes, list[str]] = {}
    for name, values in zip(mapset.ids, mapset.maps, strict=True):
        groups.setdefault(hashlib.sha256(values.tobytes()).digest(), []).append(name)
    return tuple(tuple(g) for g in groups.values() if len(g) > 1)


def from_pixels(pixels: UInt8[np.ndarray, "s s 3"]) -> Float32[np.ndarray, "3 s s"]:
    """An RGB image (u, v, strain) as a map with values 0 to 1."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
