"""Images of events that lie in a temporary file, so that many take no more memory than few."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import overload

import numpy as np

from hmrm.clip import EventImages
from hmrm.spotting.disk_rows import temporary_file, writing_temporary


class KeptImages(Sequence["EventImages | None"]):
    """Images of events by their places; they are read when they are asked for.

    Example:
        >>> import numpy as np
        >>> from hmrm.analysis.kept_images import KeptImages
        >>> from hmrm.clip import EventImages, Pair
        >>> face = np.zeros((4, 3, 3), dtype=np.uint8)
        >>> kept = KeptImages(2)
        >>> pair = Pair(onset=face, apex=face + 9)
        >>> kept.keep(1, EventImages(pair=pair, flow=None, flow_map=None))
        >>> kept[0] is None, int(kept[1].pair.apex.max())
        (True, 9)
    """

    def __init__(self, count: int) -> None:
        """``count`` events, of none of which images are kept."""
        self._file = temporary_file(self)[0]
        self._kept: list[tuple[int, EventImages] | None] = [None] * count

    def keep(self, place: int, images: EventImages) -> None:
        """Keep the images of the event at a place.

        Raises:
            OutputError: the temporary folder has no room, or cannot be written.
        """
        with writing_temporary():
            self._file.seek(0, os.SEEK_END)
            start = self._file.tell()
            for array in _arrays(images):
                np.save(self._file, array, allow_pickle=False)
        # Shapes alone stay in memory.
        shapes = (np.broadcast_to(array.dtype.type(0), array.shape) for array in _arrays(images))
        self._kept[place] = start, _with_arrays(images, shapes)

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, place: int) -> EventImages | None: ...

    @overload
    def __getitem__(self, place: slice) -> list[EventImages | None]: ...

    def __getitem__(self, place: int | slice) -> EventImages | list[EventImages | None] | None:
        """The images at a place, None where none were kept; or a list of them."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        kept = self._kept[place]
        if kept is None:
            return None
        start, images = kept
        with writing_temporary():
            self._file.seek(start)
            stored = (np.load(self._file, allow_pickle=False) for _ in _arrays(images))
            return _with_arrays(images, stored)

    def __reduce__(
        self,
    ) -> "tuple[Callable[..., KeptImages], tuple[list[EventImages | None]]]":
        """Pickled with all images: results go from one process to another."""
        return _kept_of, (list(self),)


def _kept_of(images: list[EventImages | None]) -> KeptImages:
    kept = KeptImages(len(images))
    for place, one in enumerate(images):
        if one is not None:
            kept.keep(place, one)
    return kept


def _arrays(images: EventImages) -> list[np.ndarray]:
    """All that is large, in a fixed order."""
    moved = [] if images.flow is None else [images.flow]
    mapped = [] if images.flow_map is None else [images.flow_map.values]
    strip = [one.image for one in images.strip]
    return [images.pair.onset, images.pair.apex, *moved, *mapped, *strip]


def _with_arrays(images: EventImages, arrays: Iterator[np.ndarray]) -> EventImages:
    """The same with other arrays, in that order."""
    return EventImages(
        pair=replace(images.pair, onset=next(arrays), apex=next(arrays)),
        flow=None if images.flow is None else next(arrays),
        flow_map=images.flow_map and replace(images.flow_map, values=next(arrays)),
        strip=tuple(replace(one, image=next(arrays)) for one in images.strip),
    )
