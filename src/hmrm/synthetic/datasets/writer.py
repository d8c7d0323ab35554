"""Synthetic copies of data sets in their real layout, with action-unit motion and known truth.

Licence-gated data cannot be tested on by everybody; these can. Each copy has the tables and
folders that the real one has, issues included, and states the exact records that a loader must
find. Faces are rendered (`hmrm.synthetic.rendered_face`), nobody's; a score on them shows that the
chain works, never how good a model is.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from hmrm import atomic
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.spreadsheets import Cell
from hmrm.datasets.preparation.supplied_points import COLUMNS
from hmrm.errors import MissingExtraError, OutputError
from hmrm.faces.shape import five_points
from hmrm.facs.atlas import ActionUnit
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip
from hmrm.synthetic.rendered_face import render_face

Rows = Sequence[Sequence[Cell]]
ImageSource = Literal["rendered", "blank", "none"]

SIZE_WH_PX = (160, 200)
EYE_DISTANCE_PX = 52.0

_FACE_WH_PX, _FACE_EYES_PX = (200, 250), 60.0
_RATE = 200.0
_MOTION: Mapping[str, tuple[tuple[tuple[int, float], ...], ...]] = {
    "positive": (((12, 3.5), (6, 2.0)), ((12, 4.0),)),
    "surprise": (((1, 3.0), (2, 3.0)), ((1, 3.0), (2, 3.5), (5, 1.5))),
    "negative": (((4, 4.0), (7, 1.0)), ((4, 3.5), (9, 1.5)), ((4, 4.0),)),
    "others": (((14, 2.5),), ((17, 2.5),)),
}


@dataclass(frozen=True, kw_only=True)
class SyntheticClip:
    """One clip: what its row states, which files there are, and what the loader must make of it.

    Attributes:
        row: cells of the table.
        record: the expected record; None for a row that must not become one.
        folder: below the root; empty for a clip without files.
        name: of an image, with the frame number to fill in.
        frames: first and last frame on disk.
        motion: key of the movements that are rendered.
        apex: frame of the largest movement.
        grey: images have one channel.
    """

    row: tuple[Cell, ...]
    record: Record | None
    folder: str = ""
    name: str = ""
    frames: tuple[int, int] = (0, 0)
    motion: str = "others"
    apex: int = 0
    grey: bool = False


@dataclass(frozen=True, kw_only=True)
class SyntheticTable:
    """A workbook: sheets by name, in order; a name ending in .csv has one."""

    path: str
    sheets: Mapping[str, Rows]


@dataclass(frozen=True, kw_only=True)
class SyntheticDataSet:
    """A synthetic data set.

    Attributes:
        name: data set's name in the catalogue.
        clips: in the table's order.
        tables: makes the workbooks of those clips.
        issues: how many of each code the tables alone must give, where the set is whole.
    """

    name: str
    clips: tuple[SyntheticClip, ...]
    tables: Callable[[Sequence[SyntheticClip]], tuple[SyntheticTable, ...]]
    issues: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> tuple[Record, ...]:
        """What a loader must find, in the table's order."""
        return tuple(clip.record for clip in self.clips if clip.record is not None)

    def first(self, count: int) -> "SyntheticDataSet":
        """The same with fewer clips."""
        return replace(self, clips=self.clips[:count], issues={})

    def of_subjects(self, count: int) -> "SyntheticDataSet":
        """The same with the first few subjects only."""
        subjects = list(dict.fromkeys(record.subject for record in self.records))[:count]
        kept = [c for c in self.clips if c.record is not None and c.record.subject in subjects]
        return replace(self, clips=tuple(kept), issues={})


def write_synthetic(
    root: Path, synthetic: SyntheticDataSet, *, seed: int = 0, images: ImageSource = "rendered"
) -> dict[str, tuple[float, ...]]:
    """Write tables and images.

    Args:
        images: rendered ones, blank ones (quick, where names alone are needed), or none.

    Returns:
        Five points of the face in the onset by clip id, as ``--faces`` takes them; empty without
        rendered images.

    Raises:
        MissingExtraError: openpyxl is not installed.
        OutputError: a file cannot be written.
    """
    for table in synthetic.tables(synthetic.clips):
        write_table(root / table.path, table.sheets)
    points: dict[str, tuple[float, ...]] = {}
    for number, clip in enumerate(synthetic.clips if images != "none" else ()):
        if not clip.folder:
            continue
        if images == "blank":
            _write_blank(root, clip)
            continue
        rendered = render_images(clip, synthetic.name, seed=seed, number=number)
        for index, frame in enumerate(range(clip.frames[0], clip.frames[1] + 1)):
            _write_image(root / clip.folder / clip.name.format(frame), rendered, index, clip.grey)
        if clip.record is not None:
            five = five_points(rendered.points_at(0))
            points[clip.record.id] = tuple(round(float(v), 3) for v in five.ravel())
    return points


def _write_blank(root: Path, clip: SyntheticClip) -> None:
    content = _encoded(np.full((16, 16), 128, np.uint8), Path(clip.name).suffix)
    for frame in range(clip.frames[0], clip.frames[1] + 1):
        path = root / clip.folder / clip.name.format(frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_points(path: Path, points: Mapping[str, tuple[float, ...]]) -> None:
    """The table that ``hmrm datasets prepare --faces`` reads.

    Raises:
        OutputError: the file cannot be written.
    """
    lines = [",".join(COLUMNS), *(",".join([k, *map(str, v)]) for k, v in sorted(points.items()))]
    atomic.write_text(path, "\n".join(lines) + "\n")


def render_images(clip: SyntheticClip, dataset: str, *, seed: int, number: int) -> RenderedClip:
    """The clip's frames: neutral, up to the apex and back, on the subject's own face."""
    subject = clip.record.subject if clip.record is not None else clip.folder
    image, landmarks = _face(f"{dataset}/{subject}", seed)
    count = clip.frames[1] - clip.frames[0] + 1
    before = min(max(1, clip.apex - clip.frames[0]), count - 2) if count > 2 else 1
    rng = np.random.default_rng([seed, _number_of(dataset), number])
    choices = _MOTION[clip.motion]
    units = choices[int(rng.integers(len(choices)))]
    strength = rng.uniform(0.85, 1.15)
    expression = Expression(
        units=tuple(ActionUnit(n, "both", px * strength) for n, px in units),
        onset_s=0.0,
        rise_s=before / _RATE,
        hold_s=0.0,
        decay_s=(count - 1 - before) / _RATE,
    )
    camera = ClipConfig(
        size_wh_px=SIZE_WH_PX,
        frames_per_s=_RATE,
        duration_s=max(count, 2) / _RATE,
        eye_distance_px=EYE_DISTANCE_PX,
        sway_px=0.3,
        drift_px=0.3,
        noise_sigma=1.0,
        blinks_per_min=0.0,
    )
    return render_clip(image, landmarks, [expression], camera, rng=rng)


@lru_cache(maxsize=256)
def _face(subject: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, _number_of(subject)])
    return render_face(rng, size_wh_px=_FACE_WH_PX, eye_distance_px=_FACE_EYES_PX)


def _number_of(text: str) -> int:
    # hash() differs from process to process.
    return int.from_bytes(text.encode()) % (2**61 - 1)


def _write_image(path: Path, synthetic: RenderedClip, index: int, grey: bool) -> None:
    image = synthetic.frame(index).image
    code = cv2.COLOR_RGB2GRAY if grey else cv2.COLOR_RGB2BGR
    atomic.write_bytes(path, _encoded(cv2.cvtColor(image, code), path.suffix))


def _encoded(image: np.ndarray, suffix: str) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, 98] if suffix == ".jpg" else []
    done, content = cv2.imencode(suffix, image, options)
    assert done, suffix
    return content.tobytes()


def write_table(path: Path, sheets: Mapping[str, Rows]) -> None:
    """A workbook (.xlsx, and under the name .xls too) or a text table.

    Raises:
        MissingExtraError: openpyxl is not installed.
        OutputError: the file cannot be written.
    """
    if path.suffix == ".csv":
        text = io.StringIO()
        for rows in sheets.values():
            csv.writer(text, lineterminator="\n").writerows(rows)
        atomic.write_text(path, text.getvalue())
        return
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError(
            "drawing a data set writes .xlsx tables, which needs openpyxl; run: pip install "
            "'hmrm[research]'"
        ) from error
    book: Any = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    content = io.BytesIO()
    try:
        book.save(content)
    except OSError as error:  # openpyxl writes each sheet to a temporary file first
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space there and in "
            "the folder for temporary files"
        ) from error
    atomic.write_bytes(path, _timeless(content))


def _timeless(book: io.BytesIO) -> bytes:
    """A workbook without the times at which it was written: the same rows give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", data)
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return content.getvalue()
