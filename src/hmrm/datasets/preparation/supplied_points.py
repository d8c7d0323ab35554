"""Five points of a clip's face as a user gives them, for faces that no detector finds.

A table (CSV) with columns ``id``, ``x1``, ``y1`` … ``x5``, ``y5``: the clip's id, image-left eye,
image-right eye, nose tip, image-left and image-right mouth corner, px of the onset image.
"""

import math
from collections.abc import Collection, Iterable
from pathlib import Path

from hmrm import reading
from hmrm.clip import Image, Issue
from hmrm.errors import DataError, shortened

Points = tuple[float, ...]
"""x and y of the five points, one after the other."""

COLUMNS = ("id", *(f"{axis}{i}" for i in range(1, 6) for axis in "xy"))

# A face that fills its image may have a corner of the mouth just outside it.
_OUTSIDE = 0.1


def read_points(path: Path) -> dict[str, Points]:
    """Points by clip id.

    Raises:
        DataError: the file cannot be read, lacks a column, holds no points, something else than
            numbers, one clip twice, or eyes and mouth that are mirrored or lie on one line.
    """
    try:
        header, rows = reading.table(reading.read_text(path, encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except reading.DamagedError as error:
        raise DataError(f"{path}: {error}; save the points as CSV in UTF-8") from error
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; needs {', '.join(COLUMNS)}")
    found: dict[str, Points] = {}
    for line, row in rows:
        where, name = f"{path} line {line}", (row["id"] or "").strip()
        if not name or name in found:
            raise DataError(
                f"{where}: id {shortened(name)} is {'there twice' if name else 'empty'}"
            )
        found[name] = tuple(_number(row[column], column, where) for column in COLUMNS[1:])
        _check_face(found[name], where)
    if not found:
        raise DataError(f"{path}: holds no points; leave --faces out to have faces detected")
    return found


def points_without_clip(
    points: Iterable[str], path: Path, *, clips: Collection[str], other_sets: Collection[str]
) -> list[Issue]:
    """Points of no clip; those of ``other_sets`` may stand in the same file.

    Raises:
        DataError: not one of the clips has points here.
    """
    unused = [name for name in points if name not in clips]
    if clips and not set(points) & set(clips):
        raise DataError(
            f"{path}: none of its {len(unused)} ids is a clip here; its first is {unused[0]!r}, "
            f"the first clip {min(clips)!r}; correct the ids, or remove --faces"
        )
    return [
        Issue(code="points_without_clip", where=str(path), message=f"{name} is no clip here")
        for name in unused
        if not any(name.startswith(f"{dataset}/") for dataset in other_sets)
    ]


def check_in_image(points: Points, onset: Image, *, name: str) -> None:
    """Refuse points that lie outside the onset, by more than a tenth of its sides.

    Raises:
        DataError: one does.
    """
    height, width = onset.shape[:2]
    for number, (x, y) in enumerate(zip(points[::2], points[1::2], strict=True), start=1):
        if abs(x / width - 0.5) > 0.5 + _OUTSIDE or abs(y / height - 0.5) > 0.5 + _OUTSIDE:
            raise DataError(
                f"{name}: point {number} of --faces is ({x:g}, {y:g}), outside the onset of "
                f"{width} × {height} px; give px of this image"
            )


def _number(cell: str | None, column: str, where: str) -> float:
    try:
        number = float(cell or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{where}: {column} is {shortened(cell)}; expected a number")
    return number


def _check_face(points: Points, where: str) -> None:
    (left, right, _, *mouth) = zip(points[::2], points[1::2], strict=True)
    across = (right[0] - left[0], right[1] - left[1])
    down = tuple(
        sum(m[i] - e[i] for m, e in zip(mouth, (left, right), strict=True)) for i in (0, 1)
    )
    # Positive for every unmirrored face, also for one that lies on its side.
    if across[0] * down[1] - across[1] * down[0] <= 0:
        raise DataError(
            f"{where}: eyes and mouth make no face; the order is image-left eye, image-right eye, "
            "nose tip, image-left and image-right mouth corner"
        )
