"""The files of one record: onset, apex, offset and what lies between, found by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hmrm.clip import Frame
from hmrm.datasets.annotations.folders import frames_between, numbered_frames
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.workbook import Notes
from hmrm.errors import DataError
from hmrm.flow.apex import apex_index
from hmrm.video.images import read_image

_NEAR_FRAMES = 3


@dataclass(frozen=True, kw_only=True)
class ClipFrames:
    """Files of one record, by the number on file.

    Attributes:
        onset: first image.
        apex: None where the record has no apex.
        between: number and file from onset to offset; with an unknown offset, to the last file.
        shift: what numbers on file are ahead of the table's.
    """

    onset: Path
    apex: tuple[int, Path] | None
    between: tuple[tuple[int, Path], ...]
    shift: int = 0


class _FrameFiles:
    """Image files as frames, each read when it is asked for: a long clip need not fit in memory.

    Frames are numbered by their place; a data set's files carry no times.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Frame:
        return Frame(index=index, time_s=0.0, image=read_image(self._paths[index]))


def estimated_apex(
    record: Record,
    frames: ClipFrames,
    points_xy_px: Float[np.ndarray, "p 2"] | None,
    rule: str,
) -> tuple[int, Path]:
    """Number on file and image of the apex of a record whose annotators gave none.

    Args:
        points_xy_px: of the face in the onset; see `hmrm.flow.apex.apex_index`.
        rule: of ``hmrm.flow.apex.APEX_RULES``.

    Raises:
        DataError: the record has no offset either.
        InputError: one frame only, an image that cannot be read, or see `apex_index`.
    """
    if record.offset_frame is None and record.span_frames is None:
        raise DataError(f"{record.id}: neither apex nor offset is known")
    files = _FrameFiles([path for _, path in frames.between])
    return frames.between[apex_index(files, points_xy_px, rule)]


def frames_of(record: Record, folder: Path, notes: Notes) -> ClipFrames:
    """Find a record's files in its folder.

    Copies that number the same frames again are recognised by their count and noted. A file that
    is missing at the apex is replaced by one up to three frames away, and noted.

    Raises:
        DataError: the onset or the apex is not among the files, or a file has no number.
    """
    files = numbered_frames(folder)
    if not files:
        raise DataError(f"{record.id}: {folder} holds no images")
    shift = _shift(record, files, folder, notes)
    numbers = list(files)
    _note_gaps(record, files, shift, folder, notes)
    first = numbers[0] if record.onset_frame is None else record.onset_frame + shift
    onset = _nearest(files, first, record, "onset", folder, notes)
    apex = None
    if record.apex_frame is not None:
        number = _nearest(files, record.apex_frame + shift, record, "apex", folder, notes)
        apex = (number, files[number])
    last = numbers[-1] if record.offset_frame is None else record.offset_frame + shift
    between = frames_between(files, onset, last)
    return ClipFrames(onset=files[onset], apex=apex, between=between, shift=shift)


def _shift(record: Record, files: dict[int, Path], folder: Path, notes: Notes) -> int:
    """What to add to the table's numbers in order to get the files'."""
    numbers = list(files)
    if record.onset_frame is None or record.onset_frame in files or record.span_frames is None:
        return 0
    first, last = record.span_frames
    if numbers[0] > record.onset_frame or numbers[-1] < record.onset_frame:
        count = last - first + 1
        if len(files) == count:
            shift = numbers[0] - first
            notes.add(
                "renumbered",
                str(folder),
                f"{record.id}: files are numbered from {numbers[0]}, the table from {first}",
            )
            return shift
    return 0


def _nearest(
    files: dict[int, Path], number: int, record: Record, what: str, folder: Path, notes: Notes
) -> int:
    if number in files:
        return number
    near = min(files, key=lambda found: (abs(found - number), found))
    if abs(near - number) > _NEAR_FRAMES:
        raise DataError(
            f"{record.id}: {what} frame {number} ({record.cell(what)}) is not in {folder}, which "
            f"holds {len(files)} frames, {min(files)} to {max(files)}"
        )
    notes.add(
        "frame_replaced",
        str(folder),
        f"{record.id}: {what} frame {number} is missing; took {near}",
    )
    return near


def _note_gaps(
    record: Record, files: dict[int, Path], shift: int, folder: Path, notes: Notes
) -> None:
    # A folder that holds a whole recording should hold the expression's frames at least.
    frames = record.span_frames or (record.onset_frame, record.offset_frame)
    if frames[0] is None or frames[1] is None:
        return
    first, last = frames[0] + shift, frames[1] + shift
    missing = [number for number in range(first, last + 1) if number not in files]
    if missing:
        notes.add(
            "frames_missing",
            str(folder),
            f"{record.id}: {len(missing)} of {last - first + 1} frames are missing, first "
            f"{missing[0]}",
        )
    if record.span_frames is None:
        return
    beyond = [number for number in files if not first <= number <= last]
    if beyond:
        notes.add(
            "frames_beyond",
            str(folder),
            f"{record.id}: {len(beyond)} frames lie outside {first} to {last}",
        )
