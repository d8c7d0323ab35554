"""Every face in every frame as records, made from the first pass when they are asked for."""

import bisect
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from jaxtyping import Float

from hmrm.clip import FaceFrame
from hmrm.spotting.excursions import excursions_px
from hmrm.spotting.fine import FineConfig
from hmrm.spotting.tracks import FaceTrack


class FaceFrames(Sequence[FaceFrame]):
    """Every face in every frame, by frame and face; a record is made when it is asked for."""

    def __init__(
        self,
        tracks: Sequence[FaceTrack],
        config: FineConfig,
        displacements: Sequence[Float[np.ndarray, " n"]],
    ) -> None:
        """Nothing is made yet; ``displacements`` are `Spotted.displacements`, one per track."""
        self._tracks = tuple(tracks)
        self._displacements = tuple(displacements)
        self._motion = [excursions_px(track.signal, config) for track in tracks]
        which = [np.full(len(track.index), i) for i, track in enumerate(tracks)]
        rows = [np.arange(len(track.index)) for track in tracks]
        if not tracks:
            self._order = np.empty((0, 2), dtype=np.int64)
            return
        frames = np.concatenate([track.index for track in tracks])
        order = np.lexsort((np.concatenate(which), frames))
        self._order = np.stack([np.concatenate(which), np.concatenate(rows)], axis=1)[order]

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, position: int) -> FaceFrame: ...
    @overload
    def __getitem__(self, position: slice) -> list[FaceFrame]: ...
    def __getitem__(self, position: int | slice) -> FaceFrame | list[FaceFrame]:
        """The record at a position, or a list of them."""
        if isinstance(position, slice):
            return [self._record(*pair) for pair in self._order[position].tolist()]
        return self._record(*self._order[position].tolist())

    def __iter__(self) -> Iterator[FaceFrame]:
        for which, row in self._order.tolist():
            yield self._record(which, row)

    def _record(self, which: int, row: int) -> FaceFrame:
        track = self._tracks[which]
        left, top, right, bottom = track.box_xyxy_px[row].tolist()
        index = int(track.index[row])
        measured = bisect.bisect_left(track.signal.index, index)
        known = measured < len(track.signal.index) and track.signal.index[measured] == index
        motion = self._motion[which].items() if known else ()
        return FaceFrame(
            index=index,
            time_s=float(track.time_s[row]),
            face_id=track.face_id,
            box_xyxy_px=(left, top, right, bottom),
            detection_confidence=float(track.detection_confidence[row]),
            success=True,
            displacement=float(self._displacements[which][row]),
            motion_px={
                name: float(values[measured])
                for name, values in motion
                if np.isfinite(values[measured])
            },
            points_xy_px=tuple((x, y) for x, y in track.points_xy_px[row].tolist()),
        )
