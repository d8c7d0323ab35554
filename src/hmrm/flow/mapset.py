"""Flow maps with their labels: the record that importers return, and its canonical form."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32, Int, UInt8

from hmrm.clip import ClipId, Oddity
from hmrm.errors import DataError, NumericalError
from hmrm.faces.crops import CANONICAL_CROP, CROPS, CropBox
from hmrm.flow.pair import centre_and_scale


@dataclass(frozen=True, kw_only=True, eq=False)
class MapSet:
    """Flow maps of labelled clips, as on file.

    Attributes:
        ids: ``dataset/subject/clip``, ascending, all different.
        labels: indices into ``classes``.
        maps: (u right, v down, strain) onset→apex. From pictures 0 to 1, where the zero of u and
            v is unknown and is best taken to be their median; else px, or the values of
            `hmrm.clip.FlowMap`.
        offset_maps: the same apex→offset, where the data has it.
        classes: names in label order.
        crop: key of `CROPS`.
        channels_apart: u and v were scaled apart from each other, so their ratio is lost.
        source: layout it was read from.
        sha256: over ids, labels, classes, crop and maps; independent of the layout on disk.
        oddities: see `Oddity`.
    """

    ids: tuple[str, ...]
    labels: Int[np.ndarray, " n"]
    maps: Float32[np.ndarray, "n 3 s s"]
    classes: tuple[str, ...]
    crop: str
    channels_apart: bool
    source: str
    sha256: str
    oddities: tuple[Oddity, ...] = ()
    offset_maps: Float32[np.ndarray, "n 3 s s"] | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """``dataset/subject`` of each clip."""
        return tuple(ClipId.parse(name).subject for name in self.ids)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data set of each clip."""
        return tuple(ClipId.parse(name).dataset for name in self.ids)

    def select(self, positions: Sequence[int]) -> "MapSet":
        """The clips at ``positions``, in that order, with a digest of their own."""
        rows = np.asarray(positions, dtype=np.int64)
        return build_mapset(
            ids=[self.ids[i] for i in rows],
            labels=self.labels[rows],
            maps=self.maps[rows],
            classes=self.classes,
            crop=self.crop,
            channels_apart=self.channels_apart,
            source=self.source,
            oddities=self.oddities,
            offset_maps=None if self.offset_maps is None else self.offset_maps[rows],
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
    oddities: Sequence[Oddity] = (),
    offset_maps: Float32[np.ndarray, "n 3 s s"] | None = None,
) -> MapSet:
    """Check the parts against each other, sort by id, and take the digest.

    Raises:
        DataError: an id twice or not ``dataset/subject/clip``, a label outside the classes, an
            unknown crop, nothing at all, or NaN.
    """
    _check(ids, labels, maps, classes, crop)
    order = np.array(sorted(range(len(ids)), key=lambda i: ids[i]), dtype=np.int64)
    found = MapSet(
        ids=tuple(ids[i] for i in order),
        labels=labels[order].astype(np.int64),
        maps=maps[order],
        classes=classes,
        crop=crop,
        channels_apart=channels_apart,
        source=source,
        sha256="",
        oddities=tuple(oddities),
        offset_maps=None if offset_maps is None else offset_maps[order],
    )
    return replace(found, sha256=_digest(found))


def _check(
    ids: Sequence[str],
    labels: Int[np.ndarray, " n"],
    maps: Float32[np.ndarray, "n 3 s s"],
    classes: tuple[str, ...],
    crop: str,
) -> None:
    if not ids:
        raise DataError("the data holds no clip at all; give a folder of flow maps")
    if crop not in CROPS:
        raise DataError(f"crop {crop!r} is unknown; declare one of {', '.join(CROPS)}")
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


def _digest(maps: MapSet) -> str:
    total = hashlib.sha256()
    for text in (*maps.ids, *maps.classes, maps.crop, str(maps.channels_apart)):
        total.update(text.encode() + b"\0")
    total.update(maps.labels.astype("<i8").tobytes())
    total.update(np.ascontiguousarray(maps.maps, dtype="<f4").tobytes())
    if maps.offset_maps is not None:
        total.update(np.ascontiguousarray(maps.offset_maps, dtype="<f4").tobytes())
    return total.hexdigest()


def canonical_maps(mapset: MapSet, *, per_channel: bool | None = None) -> np.ndarray:
    """All onset→apex maps in crop hmrm-1: centred, scaled, strain from their own u and v.

    Args:
        per_channel: see `hmrm.flow.pair.centre_and_scale`; by default just where the data's
            channels were scaled apart, since their ratio says nothing there.

    Returns:
        (n, 3, s, s) float32, as a recognition network sees them.

    Raises:
        NumericalError: NaN or infinity.
    """
    return canonical_form(
        mapset.maps,
        crop=mapset.crop,
        per_channel=mapset.channels_apart if per_channel is None else per_channel,
    )


def canonical_form(
    maps: Float32[np.ndarray, "n 3 s s"], *, crop: str, per_channel: bool
) -> Float32[np.ndarray, "n 3 s s"]:
    """`canonical_maps` for bare arrays.

    Raises:
        NumericalError: NaN or infinity.
    """
    box, side = CROPS[crop], maps.shape[-1]
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
    # Cell centres: output cell i looks at left + (i + ½)/side · width, in shares of the input.
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
    """An RGB picture (u, v, strain) as a map with values 0 to 1."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
